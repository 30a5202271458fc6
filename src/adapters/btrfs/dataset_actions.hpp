// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/btrfs/dataset_folder.hpp"
#include "adapters/btrfs/mounts.hpp"
#include "adapters/btrfs/pool.hpp"
#include "adapters/btrfs/size_limits.hpp"
#include "model/action.hpp"

namespace flocker::btrfs {

/// Does one action to a dataset whose folder is locked. What each action means: model/action.hpp.
///
/// Crashing: an action may end after any of its steps, and is then done again from its beginning, or
///           something else is done instead. Each step's place in the order is said beside it.
struct DatasetActions {
    const posix::Fd& pool;
    const DatasetFolder& folder;
    Contents& contents;  ///< As it was found before.
    Mounts& mounts;
    PoolSync& sync;
    SizeLimits& limits;

    [[nodiscard]] Status operator()(const model::CreateDataset& action);
    [[nodiscard]] Status operator()(const model::MountDataset& action);
    [[nodiscard]] Status operator()(const model::TakeSnapshot& action);
    [[nodiscard]] Status operator()(const model::SealDataset& action);
    [[nodiscard]] Status operator()(const model::UnsealDataset& action);
    [[nodiscard]] Status operator()(const model::StartTrial& action);
    [[nodiscard]] Status operator()(const model::SyncTrial& action);
    [[nodiscard]] Status operator()(const model::AdoptTrial& action);
    [[nodiscard]] Status operator()(const model::DiscardTrial& action);
    [[nodiscard]] Status operator()(const model::DemoteDataset& action);
    [[nodiscard]] Status operator()(const model::DropSnapshots& action);
    [[nodiscard]] Status operator()(const model::NoteAcknowledged& action);
    [[nodiscard]] Status operator()(const model::DropAside& action);
    [[nodiscard]] Status operator()(const model::LimitDataset& action);
    /// Without anything set aside, the folder is gone afterwards.
    [[nodiscard]] Status operator()(const model::ReleaseReplica& action);
    /// Done without looking at the marker; see DatasetDisk.
    [[nodiscard]] Status operator()(const model::DestroyDataset& action);

private:
    [[nodiscard]] Result<posix::Fd> need_live() const;
    [[nodiscard]] Status save() const { return save_marker(folder.fd(), contents.marker); }
    [[nodiscard]] Status freeze(const posix::Fd& live, const model::SnapshotId& id) const;
    [[nodiscard]] Status discard_trial() const;
    [[nodiscard]] Status let_live_go(const std::optional<model::SnapshotId>& began_from) const;
    /// A replica: keeps what is beyond that, and of an older line than that epoch.
    [[nodiscard]] Status set_diverged_aside(const model::SnapshotId& began_from, const model::Epoch& epoch) const;
    [[nodiscard]] Result<bool> is_last_state(const posix::Fd& live, const model::SnapshotId& id) const;
    [[nodiscard]] model::SnapshotId id_for_aside(const std::optional<model::SnapshotId>& began_from) const;
};

}  // namespace flocker::btrfs
