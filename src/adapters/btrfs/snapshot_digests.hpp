// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ports/snapshot_digests.hpp"

namespace flocker::btrfs {

/// Snapshots of a btrfs pool as trees.
///
/// Sharing:  works beside a BtrfsDatasetStore on the same pool, in this process or another.
/// Crashing: what a held tree left is removed by the next observe() of the store.
class BtrfsSnapshotDigests final : public ports::SnapshotDigests {
public:
    /// `pool`: where a btrfs is mounted.
    explicit BtrfsSnapshotDigests(std::string pool) : pool_(std::move(pool)) {}
    Result<std::unique_ptr<ports::HeldTree>> hold(const model::DatasetId& dataset,
                                                  const model::SnapshotId& snapshot) override;

private:
    std::string pool_;
};

}  // namespace flocker::btrfs
