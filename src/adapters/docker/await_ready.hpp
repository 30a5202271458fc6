// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/docker/api.hpp"
#include "base/result.hpp"
#include "model/application.hpp"
#include "model/report.hpp"

namespace flocker::docker {

/// How long a container may take to become ready.
constexpr Duration ready_limit = 1min;

/// Waits as model::AwaitReady says. A health check is run here, not at the engine's own pace.
/// Connects to the container from the calling thread's network namespace. Blocking.
/// Errors: not_found; unavailable (ended, with its exit code and last words; not ready in time).
[[nodiscard]] Result<model::ContainerSeen> await_ready(Api& api, const model::Application& application);

}  // namespace flocker::docker
