// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "adapters/posix/fd.hpp"
#include "base/result.hpp"
#include "model/ids.hpp"

namespace flocker::btrfs {

/// A snapshot that does not go under the eyes of who reads it: a read-only copy of our own, under a name that the store
/// takes for a leftover unless it is locked. (An open descriptor is not enough: of a subvolume that is deleted it shows
/// an empty folder.)
///
/// Sharing:  works beside the store on the same pool.
/// Crashing: the copy is removed by the store's next observe(), or sooner.
class HeldSnapshot {
public:
    /// `pool`: where a btrfs is mounted. Errors: not_found (no such dataset or snapshot), unavailable.
    [[nodiscard]] static Result<HeldSnapshot> make(const std::string& pool, const model::DatasetId& dataset,
                                                   const model::SnapshotId& snapshot);
    ~HeldSnapshot();
    HeldSnapshot(HeldSnapshot&&) = default;
    HeldSnapshot& operator=(HeldSnapshot&&) = delete;

    [[nodiscard]] const posix::Fd& root() const { return root_; }

private:
    HeldSnapshot(posix::Fd folder, posix::Fd root, std::string name)
        : folder_(std::move(folder)), root_(std::move(root)), name_(std::move(name)) {}

    posix::Fd folder_;  ///< Of the dataset, wherever it is renamed to; not locked.
    posix::Fd root_;    ///< Holds the lock.
    std::string name_;
};

}  // namespace flocker::btrfs
