// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>

#include "adapters/posix/fd.hpp"
#include "base/result.hpp"

namespace flocker::btrfs {

/// Our folder on a mounted btrfs, which is made if it is missing. unavailable unless `pool` is the
/// place where a btrfs is mounted: an empty folder that waits for its mount must not look like a
/// pool without datasets.
[[nodiscard]] Result<posix::Fd> open_pool(const std::string& pool);

/// syncfs for many: whoever comes while one is under way shares the next.
///
/// Threads: any.
class PoolSync {
public:
    /// All that was written to the pool before the call is on the disk afterwards, file content too.
    [[nodiscard]] Status run(const posix::Fd& pool);

private:
    std::mutex mutex_;
    std::condition_variable ended_;
    std::uint64_t started_{0};  ///< Number of the newest syncfs.
    std::uint64_t finished_{0};
    bool running_{false};
    Status last_;
};

}  // namespace flocker::btrfs
