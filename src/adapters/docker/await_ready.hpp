// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>

#include "adapters/docker/api.hpp"
#include "adapters/docker/first_process.hpp"
#include "adapters/docker/messages.hpp"
#include "base/result.hpp"
#include "model/application.hpp"
#include "model/report.hpp"

namespace flocker::docker {

/// How long a container may take to become ready.
constexpr Duration ready_limit = 1min;

/// Waits for a container that runs, as model::AwaitReady says. A health check is run here, not at the engine's own
/// pace. Connects to the container from the calling thread's network namespace. Blocking.
/// `process`: its first one; nullptr: it can't be found. `began`: since when its command runs.
/// Errors: unavailable (ended, with its exit code and last words; not ready in time).
[[nodiscard]] Result<model::ContainerSeen> await_ready(Api& api, const model::Application& application,
                                                       const Inspected& container,
                                                       const std::shared_ptr<FirstProcess>& process,
                                                       std::chrono::steady_clock::time_point began);

}  // namespace flocker::docker
