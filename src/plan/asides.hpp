// SPDX-License-Identifier: Apache-2.0
//
// Removing, by the user's word, what was set aside (P3, P4).
#pragma once

#include <optional>
#include <vector>

#include "base/result.hpp"
#include "model/deployment.hpp"
#include "plan/view.hpp"

namespace flocker::plan {

/// What to commit so that this one set-aside snapshot goes; empty: that is committed already. `on`: the node that it
/// lies on, needed where several have one of that name.
/// Errors: not_found (no such volume or node, or nothing of that name is set aside: the message says what is), conflict
/// (it is on several nodes, or it is one that replication uses, or the volume is being destroyed).
[[nodiscard]] Result<std::vector<model::Change>> plan_aside_removal(const View& view, const model::DatasetId& dataset,
                                                                    const model::SnapshotId& aside,
                                                                    const std::optional<model::NodeReference>& on);

/// Wishes that are fulfilled, as the node itself says, or can't be any more, are forgotten.
[[nodiscard]] std::vector<model::Change> forget_removed_asides(const View& view, const model::Ownership& ownership);

}  // namespace flocker::plan
