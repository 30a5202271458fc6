// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/content_sizes.hpp"

#include "adapters/btrfs/subvolume.hpp"

namespace flocker::btrfs {

Result<Bytes> ContentSizes::of(const model::DatasetId& dataset, const posix::Fd& newest) {
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    {
        const std::lock_guard lock(mutex_);
        const auto known = sums_.find(dataset);
        if (known != sums_.end() && begin < known->second.good_until) return known->second.bytes;
    }
    FLOCKER_TRY(const ContentSum content, content_of(newest));
    const auto end = Clock::now();
    const std::lock_guard lock(mutex_);
    sums_[dataset] = Sum{Bytes{content.bytes}, end + (end - begin) * 100};
    return Bytes{content.bytes};
}

Result<Bytes> ContentSizes::of_unchanging(const Uuid& identity, const posix::Fd& subvolume) {
    {
        const std::lock_guard lock(mutex_);
        if (const auto known = unchanging_.find(identity); known != unchanging_.end()) return known->second;
    }
    FLOCKER_TRY(const ContentSum content, content_of(subvolume));
    const std::lock_guard lock(mutex_);
    unchanging_[identity] = Bytes{content.bytes};
    return Bytes{content.bytes};
}

}  // namespace flocker::btrfs
