// SPDX-License-Identifier: Apache-2.0
//
// What is shown while a deployment is under way. Pure: from two looks at the cluster to lines.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/documents.hpp"
#include "cli/table.hpp"
#include "cli/watch.hpp"

namespace flocker::cli {

/// Bytes a second between two looks at one move; nullopt: they do not tell.
[[nodiscard]] std::optional<double> rate(const api::MoveEntry& now, const api::MoveEntry& before);

/// What one application is doing, in a line without its name:
/// "alder -> birch  staging: first copy  [=====>    ]  52%  1.0 GiB of 2.0 GiB  310 MiB/s  3.2 s left".
[[nodiscard]] std::string progress_text(const api::ApplicationEntry& now, const api::ApplicationEntry* before,
                                        Instant at);

/// A line for each application of the deployment that has something to do, or had.
/// `before`: an older look, from a few seconds ago; nullptr: there is none.
[[nodiscard]] std::vector<std::string> progress_lines(const std::vector<Outcome>& outcomes,
                                                      const api::StatusDocument& now, const api::StatusDocument* before,
                                                      const Look& look);

/// Where no line can be drawn again: says which lines to write now, one at each change of phase and one
/// every few seconds in between.
class PlainProgress {
public:
    [[nodiscard]] std::vector<std::string> lines(const std::vector<Outcome>& outcomes, const api::StatusDocument& now,
                                                 const api::StatusDocument* before, Instant at);

    static constexpr Duration interval = std::chrono::seconds{5};

private:
    struct Said {
        std::string phase;
        Instant at;
    };
    std::map<std::string, Said> said_;
};

}  // namespace flocker::cli
