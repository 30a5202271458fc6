// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>

#include "adapters/posix/fd.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/ids.hpp"

namespace flocker::btrfs {

/// How much data each dataset holds. Adding it up costs by the number of files, so it is done at
/// most a hundredth of the time; in between, the last sum stands.
///
/// Threads: any.
class ContentSizes {
public:
    /// `newest`: the subvolume to add up.
    [[nodiscard]] Result<Bytes> of(const model::DatasetId& dataset, const posix::Fd& newest);

private:
    struct Sum {
        Bytes bytes;
        std::chrono::steady_clock::time_point good_until;
    };
    std::mutex mutex_;
    std::map<model::DatasetId, Sum> sums_;
};

}  // namespace flocker::btrfs
