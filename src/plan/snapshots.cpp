// SPDX-License-Identifier: Apache-2.0
#include "plan/snapshots.hpp"

#include <algorithm>

namespace flocker::plan {

using namespace model;

std::optional<SnapshotId> common_base(const std::vector<SnapshotSeen>& ours, const std::vector<SnapshotId>& theirs) {
    for (auto snapshot = ours.rbegin(); snapshot != ours.rend(); ++snapshot) {
        if (std::ranges::find(theirs, snapshot->id) != theirs.end()) return snapshot->id;
    }
    return std::nullopt;
}

SnapshotId next_snapshot(const DatasetSeen& dataset, Epoch epoch, Instant now) {
    std::uint64_t last = static_cast<std::uint64_t>(std::max<std::int64_t>(now.unix_ns / 1'000'000, 1)) - 1;
    for (const SnapshotSeen& snapshot : dataset.snapshots) last = std::max(last, snapshot.id.sequence);
    for (const auto& [node, snapshot] : dataset.acknowledged) last = std::max(last, snapshot.sequence);
    if (dataset.seal) last = std::max(last, dataset.seal->snapshot.sequence);
    return {epoch, last + 1};
}

std::vector<SnapshotId> disposable(const DatasetSeen& dataset, const std::set<NodeId>& replicas,
                                   const std::set<SnapshotId>& busy) {
    std::set<SnapshotId> kept = busy;
    if (!dataset.snapshots.empty()) kept.insert(dataset.snapshots.back().id);
    if (dataset.seal) kept.insert(dataset.seal->snapshot);
    if (dataset.trial) kept.insert(dataset.trial->from);
    for (const auto& [node, snapshot] : dataset.acknowledged) {
        if (replicas.contains(node)) kept.insert(snapshot);
    }
    std::vector<SnapshotId> gone;
    for (const SnapshotSeen& snapshot : dataset.snapshots) {
        if (!kept.contains(snapshot.id)) gone.push_back(snapshot.id);
    }
    return gone;
}

}  // namespace flocker::plan
