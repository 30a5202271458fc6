// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <vector>

#include "adapters/btrfs/pool.hpp"
#include "adapters/btrfs/subvolume.hpp"
#include "adapters/posix/fd.hpp"
#include "base/result.hpp"
#include "model/ids.hpp"

namespace flocker::btrfs {

/// Whether a writable subvolume differs from a snapshot, by what was committed; writes since the
/// last commit do not show. True unless one was made from the other and nothing happened since.
[[nodiscard]] bool differs(const SubvolumeFacts& live, const SubvolumeFacts& snapshot);

/// Finds the datasets whose live copy may differ from the newest snapshot, for many at once.
///
/// Threads: any.
/// Sharing: takes no dataset's lock, and waits for no action. What can't be told while one is under way
///          may have changed.
/// Cost:    one sync of the pool, unless all seem to have changed; then an open and one ioctl for each
///          that is as it was at the last call, and a list of its folder for each that is not.
class ChangeFinder {
public:
    /// Of those that have a live copy here. `pool`: our folder on it.
    [[nodiscard]] Result<std::set<model::DatasetId>> find(const posix::Fd& pool,
                                                          const std::vector<model::DatasetId>& datasets,
                                                          PoolSync& sync);

private:
    enum class Look { absent, unchanged, changed };
    [[nodiscard]] Look look_at(const posix::Fd& pool, const model::DatasetId& id);

    std::mutex mutex_;
    /// A snapshot that was the newest once. A live copy that has not changed since then is equal to all that
    /// were taken later, too.
    std::map<model::DatasetId, SubvolumeFacts> known_;
};

}  // namespace flocker::btrfs
