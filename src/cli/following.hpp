// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/client.hpp"
#include "cli/session.hpp"
#include "cli/watch.hpp"

namespace flocker::cli {

/// How the watching of a plan ended.
struct Followed {
    std::vector<Outcome> outcomes;
    Duration took{};
    std::optional<Error> trouble;  ///< Why it ended before everything is done or has failed.
    bool settled{false};
};

/// Looks at the cluster until the plan is carried out, and shows the progress meanwhile; nothing of it is left
/// on a terminal afterwards. Ctrl-C ends the process and not the work.
///
/// `before`: the cluster before the plan was committed. `goes_on`: what is said of the work when nobody watches
/// any more.
[[nodiscard]] Followed follow(const Session& session, const api::Client& client, const api::PlanDocument& plan,
                              const api::StatusDocument& before, Duration timeout, const std::string& goes_on);

}  // namespace flocker::cli
