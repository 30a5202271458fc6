// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "model/deployment.hpp"
#include "plan/deploy.hpp"

namespace flocker::api {

/// What the readers of the manifests have made sure of, made sure of again: a deployment may come
/// from any program. All problems at once; empty: it may be planned.
[[nodiscard]] std::vector<plan::Refusal> check(const model::Deployment& deployment);

}  // namespace flocker::api
