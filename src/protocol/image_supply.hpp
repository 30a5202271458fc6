// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/node.hpp"

namespace flocker::protocol {

/// Gets one image onto this node: from another node that has it, or else from its registry. Nodes
/// are asked first: an image that is here and there is then the same one, whatever the tag points to
/// today, and no registry need be reachable.
///
/// Sans-IO, as Feed.
class ImageSupply {
public:
    struct Fetch { std::string image; model::NodeId from; };
    struct Pull { std::string image; };
    using Effect = std::variant<Fetch, Pull>;

    explicit ImageSupply(std::string image) : image_(std::move(image)) {}

    /// Begins the next try, if none is under way and the rest after the last one is over.
    [[nodiscard]] std::optional<Effect> next(const std::vector<model::NodeId>& others, Instant now);
    /// Of the Fetch or the Pull; success means that the image is here.
    void tried(const Status& outcome, Instant now);

    [[nodiscard]] std::optional<Instant> deadline() const { return rest_until_; }
    [[nodiscard]] const std::optional<Error>& trouble() const { return trouble_; }
    [[nodiscard]] unsigned attempts() const { return rounds_; }

private:
    std::string image_;
    std::optional<std::vector<model::NodeId>> left_;  ///< Still to be asked in this round.
    bool trying_{false};
    bool pulling_{false};
    std::optional<Instant> rest_until_;
    std::optional<Error> trouble_;
    unsigned rounds_{0};  ///< In which nobody had it.
    std::string fetch_trouble_;
};

}  // namespace flocker::protocol
