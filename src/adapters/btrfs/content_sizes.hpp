// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>

#include "adapters/btrfs/uuid.hpp"
#include "adapters/posix/fd.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/ids.hpp"

namespace flocker::btrfs {

/// How much data subvolumes hold. Adding it up costs by the number of files, so it is done at most a
/// hundredth of the time, in between the last sum stands; and once for what can't change.
///
/// Threads: any.
class ContentSizes {
public:
    /// `newest`: the subvolume to add up.
    [[nodiscard]] Result<Bytes> of(const model::DatasetId& dataset, const posix::Fd& newest);
    /// `subvolume`: one that is read-only for good; `identity`: its own UUID.
    [[nodiscard]] Result<Bytes> of_unchanging(const Uuid& identity, const posix::Fd& subvolume);

private:
    struct Sum {
        Bytes bytes;
        std::chrono::steady_clock::time_point good_until;
    };
    std::mutex mutex_;
    std::map<model::DatasetId, Sum> sums_;
    std::map<Uuid, Bytes> unchanging_;
};

}  // namespace flocker::btrfs
