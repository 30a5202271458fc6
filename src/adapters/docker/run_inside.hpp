// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "adapters/docker/api.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::docker {

/// How a command beside the container's own has ended.
struct Ran {
    int code{0};
    std::string output;  ///< The end of what it said, for a message.
};

/// Runs it in the container, as the container's user, and waits for its end. Blocking; any thread.
/// Errors: unavailable (not ended after `limit`, in which case it goes on; the agent is stopping); the engine's.
///         `what` names it there: "its health check".
[[nodiscard]] Result<Ran> run_inside(Api& api, const std::string& container, const std::vector<std::string>& command,
                                     Duration limit, const std::string& what);

}  // namespace flocker::docker
