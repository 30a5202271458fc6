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
    // Of this epoch: those of another were made by another clock, and counting on from one that is ahead would
    // be counting alone.
    const auto stay_above = [&](const SnapshotId& id) {
        if (id.epoch == epoch) last = std::max(last, id.sequence);
    };
    for (const SnapshotSeen& snapshot : dataset.snapshots) stay_above(snapshot.id);
    for (const auto& [node, snapshot] : dataset.acknowledged) stay_above(snapshot);
    if (dataset.seal) stay_above(dataset.seal->snapshot);
    return {epoch, last + 1};
}

std::vector<SnapshotId> disposable(const DatasetSeen& dataset, const Keeping& keeping) {
    std::set<SnapshotId> kept = keeping.busy;
    // The owner has the data itself. A replica's last ones are what it has in common with the other replicas
    // when one of them becomes the owner; and what it has reported a moment ago it may be told to start from.
    const bool many = !dataset.live && !keeping.pool_short;
    const std::size_t newest = many ? replica_snapshots_kept : !dataset.live || keeping.newest ? 1 : 0;
    for (std::size_t i = 1; i <= dataset.snapshots.size(); ++i) {
        const SnapshotSeen& snapshot = dataset.snapshots[dataset.snapshots.size() - i];
        // One from a former owner's fast clock may lie in the future for long.
        const Duration older = dataset.snapshots.back().taken - snapshot.taken;
        const bool recent = many && older >= Duration{0} && older < replica_snapshots_window;
        if (i <= newest || recent) kept.insert(snapshot.id);
    }
    if (dataset.seal) kept.insert(dataset.seal->snapshot);
    if (dataset.trial) kept.insert(dataset.trial->from);
    for (const auto& [node, snapshot] : dataset.acknowledged) {
        if (keeping.replicas.contains(node)) kept.insert(snapshot);
    }
    std::vector<SnapshotId> gone;
    for (const SnapshotSeen& snapshot : dataset.snapshots) {
        if (!kept.contains(snapshot.id)) gone.push_back(snapshot.id);
    }
    return gone;
}

}  // namespace flocker::plan
