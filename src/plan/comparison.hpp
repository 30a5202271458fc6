// SPDX-License-Identifier: Apache-2.0
//
// Which snapshot of a volume its owner and its replicas are compared at.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/deployment.hpp"
#include "plan/view.hpp"

namespace flocker::plan {

struct Comparison {
    model::DatasetId dataset;
    std::string volume;  ///< What people call it.
    model::Node owner;
    model::SnapshotId snapshot;
    std::vector<model::Node> replicas;  ///< They hold it, as far as they have said; never empty.
    /// Replicas that can't be compared now, and why.
    std::vector<std::pair<model::Node, std::string>> left_out;
};

/// The newest snapshot that the owner and all replicas report; where there is none of all of them, of as many as
/// possible. `only`: this node's copy alone, whether or not it is one of the replicas that are kept up. Errors:
/// not_found (no such volume or node), invalid_argument (the owner is no replica of itself), conflict (there is no
/// replica), unavailable (nothing to compare at now, with the reasons).
[[nodiscard]] Result<Comparison> plan_comparison(const View& view, const model::DatasetId& dataset,
                                                 const std::optional<model::NodeReference>& only);

}  // namespace flocker::plan
