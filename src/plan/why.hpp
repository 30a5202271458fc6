// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "plan/view.hpp"

namespace flocker::plan {

/// What a thing is waiting for.
struct Reason {
    std::string waits_for;          ///< One sentence.
    std::string node;               ///< On whom; empty: the control service itself.
    std::optional<Instant> until;   ///< When something else will be done about it; nullopt: no limit.

    friend bool operator==(const Reason&, const Reason&) = default;
};

/// Why an application, a node or a dataset is as it is. Empty: it is what it should be. not_found in
/// the text of the one reason when nothing has that name is the caller's to check with exists().
[[nodiscard]] std::vector<Reason> explain(const View& view, const std::string& name);
[[nodiscard]] bool exists(const model::Records& records, const std::string& name);

/// Whether the cluster is what the configuration says, for this application.
[[nodiscard]] bool is_settled(const View& view, const model::Wanted& wanted);

}  // namespace flocker::plan
