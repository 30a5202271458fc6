// SPDX-License-Identifier: Apache-2.0
//
// From what the control service knows to what it says. Pure.
#pragma once

#include <optional>
#include <string>

#include "api/documents.hpp"
#include "plan/deploy.hpp"
#include "plan/failover.hpp"
#include "plan/view.hpp"

namespace flocker::api {

[[nodiscard]] StatusDocument status_of(const plan::View& view);
[[nodiscard]] NodesDocument nodes_of(const plan::View& view);
[[nodiscard]] VolumesDocument volumes_of(const plan::View& view);
/// `application`: its moves only.
[[nodiscard]] MovesDocument moves_of(const plan::View& view, const std::optional<std::string>& application);
[[nodiscard]] std::vector<ReasonEntry> reasons_of(const plan::View& view, const std::string& name);

[[nodiscard]] PlanDocument plan_of(const plan::View& view, const plan::DeployPlan& plan, model::Revision revision);
[[nodiscard]] FailoverDocument failover_of(const plan::View& view, const plan::FailoverPlan& plan,
                                           model::Revision revision);
[[nodiscard]] RefusalsDocument refusals_of(const std::vector<plan::Refusal>& refusals);

}  // namespace flocker::api
