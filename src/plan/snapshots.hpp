// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "model/report.hpp"

namespace flocker::plan {

/// The newest snapshot that both sides hold: what an increment can begin from. Both lists oldest first.
[[nodiscard]] std::optional<model::SnapshotId> common_base(const std::vector<model::SnapshotSeen>& ours,
                                                           const std::vector<model::SnapshotId>& theirs);

/// The id of the next snapshot at this epoch: above every one that is known here, and at least the
/// time in milliseconds. Counting alone would use a name twice: a power loss may take away a snapshot
/// here that another node has already got, and the two of one name would not be equal.
[[nodiscard]] model::SnapshotId next_snapshot(const model::DatasetSeen& dataset, model::Epoch epoch, Instant now);

/// A replica keeps so many, and those that are not much older than its newest.
inline constexpr std::size_t replica_snapshots_kept = 3;
inline constexpr Duration replica_snapshots_window = 10s;

/// What a dataset's snapshots are kept for.
struct Keeping {
    std::set<model::NodeId> replicas;   ///< For what each of them acknowledged last.
    std::set<model::SnapshotId> busy;   ///< Being sent.
    bool newest{true};                  ///< The owner's newest. It has the data itself.
    bool pool_short{false};             ///< A replica keeps its newest alone.
};

/// What may go: everything but the newest (of a replica the newest few), what the seal or the trial is made from,
/// and what it is kept for.
[[nodiscard]] std::vector<model::SnapshotId> disposable(const model::DatasetSeen& dataset, const Keeping& keeping);

}  // namespace flocker::plan
