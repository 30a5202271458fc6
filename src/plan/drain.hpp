// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <variant>
#include <vector>

#include "plan/deploy.hpp"
#include "plan/view.hpp"

namespace flocker::plan {

/// `flocker node drain`: the node's mark and a move for each application on it, to a node that has room:
/// one that holds a replica, if there is one, and of those the one with most. Refused whole where one
/// of them can go nowhere.
[[nodiscard]] std::variant<DeployPlan, std::vector<Refusal>> plan_drain(const View& view, const model::NodeId& node);
/// `flocker node activate`: things may be placed on it again. What was moved away stays where it is; moves
/// that have not begun are called off.
[[nodiscard]] std::variant<DeployPlan, std::vector<Refusal>> plan_activate(const View& view, const model::NodeId& node);

}  // namespace flocker::plan
