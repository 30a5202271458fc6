// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "adapters/btrfs/change_finder.hpp"
#include "adapters/btrfs/content_sizes.hpp"
#include "adapters/btrfs/dataset_folder.hpp"
#include "adapters/btrfs/dataset_store.hpp"
#include "adapters/btrfs/mounts.hpp"
#include "adapters/btrfs/pool.hpp"
#include "adapters/btrfs/size_limits.hpp"
#include "adapters/btrfs/subvolume.hpp"

namespace flocker::btrfs {

/// What BtrfsDatasetStore does, in blocking calls.
///
/// Threads: any.
class DatasetDisk {
public:
    explicit DatasetDisk(Options options);

    [[nodiscard]] Result<std::vector<model::DatasetSeen>> observe();
    [[nodiscard]] Result<std::optional<model::DatasetSeen>> observe_one(const model::DatasetId& dataset);
    [[nodiscard]] Result<std::optional<model::DatasetSeen>> perform(const model::DatasetAction& action);
    [[nodiscard]] Result<std::set<model::DatasetId>> find_changed(const std::vector<model::DatasetId>& datasets);
    [[nodiscard]] Result<ports::Capacity> capacity() const;

private:
    /// How `changed` is told for a dataset that seems unchanged.
    enum class Proof {
        none,    ///< It may have changed.
        wanted,  ///< Sync the pool and look again.
        synced,  ///< The pool was synced since the question came.
    };

    [[nodiscard]] Result<std::optional<model::DatasetSeen>> act(const model::DatasetAction& action,
                                                                const posix::Fd& pool);
    [[nodiscard]] Status destroy(const posix::Fd& pool, const DatasetFolder& folder);
    [[nodiscard]] Result<std::optional<model::DatasetSeen>> see(const posix::Fd& pool, const DatasetFolder& folder,
                                                                Proof& proof);
    [[nodiscard]] Result<bool> changed(const posix::Fd& pool, const posix::Fd& live,
                                       const std::optional<SubvolumeFacts>& newest, Proof& proof);

    Options options_;
    Mounts mounts_;
    PoolSync sync_;
    ContentSizes sizes_;
    ChangeFinder changes_;
    SizeLimits limits_;
};

}  // namespace flocker::btrfs
