// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "adapters/btrfs/content_sizes.hpp"
#include "adapters/btrfs/pool.hpp"
#include "adapters/btrfs/quota.hpp"
#include "adapters/posix/fd.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/ids.hpp"

namespace flocker::btrfs {

/// How much more a volume is charged with than is in it: what was overwritten and is still in a snapshot, less what
/// was written before it was copied here. Measured while somebody writes it is only known to lie between two figures.
struct Drift {
    std::int64_t low{0};
    std::int64_t high{0};
};
/// Stays where it was as far as it can: plain writing does not change it.
[[nodiscard]] std::int64_t drift_now(std::optional<std::int64_t> before, const Drift& measured);
/// What the kernel may charge a volume with, so that what is in it comes to `maximum` at most.
[[nodiscard]] Bytes charge_limit(Bytes maximum, std::int64_t drift);
/// Whether that may have come to be wrong by something that matters, so that it has to be measured anew.
[[nodiscard]] bool may_be_off(Bytes maximum, Bytes limit, Bytes charged_then, Bytes charged_now);

/// Keeps volumes within their maximum size, by the kernel's simple quotas.
///
/// The kernel refuses a write in the moment in which it comes. It counts what was written and not what is in the
/// volume; so where those may have come apart by an eighth of the size, both are measured anew and the limit is
/// moved. Between two measurements the size may be off by what was overwritten meanwhile. Where full quotas are
/// in force already, the kernel counts what is in the volume, and nothing is measured.
///
/// Threads: any. set() blocks.
/// Cost:    a file read for each of them four times a second; a measurement syncs the pool and adds up the
///          volume's files, and takes a twentieth of the time at most.
/// Owns:    a thread, from the first volume that has a maximum size.
class SizeLimits {
public:
    /// All of them outlive this.
    SizeLimits(std::string pool, PoolSync& sync, ContentSizes& sizes);
    ~SizeLimits();
    SizeLimits(const SizeLimits&) = delete;
    SizeLimits& operator=(const SizeLimits&) = delete;

    enum class Haste : std::uint8_t {
        none,
        clients_wait,  ///< What it holds is taken from its last sum, and is looked at afterwards.
    };
    /// `copy`: the subvolume that is written. The first one turns quotas on. nullopt: no limit any more, or the
    /// reason why it is still there. A maximum that can't be kept is no error: watch() says why.
    [[nodiscard]] Status set(const model::DatasetId& dataset, const posix::Fd& copy, std::optional<Bytes> maximum,
                             Haste haste);
    /// What the marker says. Puts it in force soon, if it is not known yet. Why it is not kept; empty: it is.
    [[nodiscard]] std::string watch(const model::DatasetId& dataset, const posix::Fd& copy,
                                    std::optional<Bytes> maximum);
    /// There is nothing left to limit.
    void forget(const model::DatasetId& dataset);

private:
    using Clock = std::chrono::steady_clock;
    struct Limit {
        std::uint64_t subvolume{0};
        Bytes maximum;
        bool measured{false};  ///< Since it was set, with all that was written before.
        Bytes charged;         ///< When it was measured,
        std::uint64_t content_generation{0};
        std::optional<std::int64_t> drift;  ///< and what followed from that.
        Bytes limit;
        Clock::time_point not_before;
        std::string trouble;

        [[nodiscard]] bool is_same(const Limit& other) const {
            return subvolume == other.subvolume && maximum == other.maximum;
        }
    };

    void put(const model::DatasetId& dataset, Limit limit);
    void run();
    void look_at_all();
    void look_at(const posix::Fd& pool, const QuotaFiles& files, const model::DatasetId& dataset, Limit limit);
    [[nodiscard]] Status measure(const posix::Fd& pool, const QuotaFiles& files, const posix::Fd& copy, Limit& limit);
    [[nodiscard]] Status begin(const posix::Fd& copy, const model::DatasetId& dataset, Limit& limit, Haste haste);

    std::string pool_;
    PoolSync& sync_;
    ContentSizes& sizes_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::map<model::DatasetId, Limit> limits_;
    bool stopping_{false};
    std::thread thread_;
};

}  // namespace flocker::btrfs
