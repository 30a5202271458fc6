// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/action.hpp"

namespace flocker::peer {

/// Holds senders back so that the bandwidth limits are kept: that of the node by all together, that of a dataset
/// by its own. Who asks first goes first.
///
/// Threads: all.
class Pacer {
public:
    /// Minutes since midnight, where this node is.
    using MinuteOfDay = std::function<std::uint32_t()>;
    [[nodiscard]] static std::uint32_t local_minute();

    explicit Pacer(MinuteOfDay minute = local_minute) : minute_(std::move(minute)) {}

    /// In force at once: who waits by the old ones waits by the new ones, or no longer.
    void limit(const model::SendLimits& limits);
    struct Given {
        std::size_t bytes{0};
        Duration waited{};
        friend bool operator==(const Given&, const Given&) = default;
    };
    /// Waits until some of `wished` bytes may go, and says how many. Every now and then while it waits, and not
    /// holding anything up, it calls `meanwhile`; an error of that ends it.
    /// Errors: unavailable (closed); that of `meanwhile`.
    [[nodiscard]] Result<Given> take(const model::DatasetId& dataset, std::size_t wished,
                                     const std::function<Status()>& meanwhile);
    /// Nobody waits any more.
    void close();

private:
    using Clock = std::chrono::steady_clock;
    /// When the bytes that have been given so far have gone.
    struct Bucket {
        Clock::time_point free_at{};
        /// When the next bytes may go.
        [[nodiscard]] Clock::time_point give(std::size_t bytes, Bytes rate, Clock::time_point now);
    };

    [[nodiscard]] std::size_t piece_of(const model::DatasetId& dataset, std::size_t wished) const;
    /// nullopt: at once.
    [[nodiscard]] std::optional<Clock::time_point> reserve(const model::DatasetId& dataset, std::size_t bytes);
    [[nodiscard]] std::optional<Bytes> rate_of(const model::DatasetId& dataset) const;

    MinuteOfDay minute_;
    std::mutex mutex_;  ///< Guards what follows.
    std::condition_variable changed_;
    model::SendLimits limits_;
    std::uint64_t generation_{0};  ///< Of the limits.
    bool closed_{false};
    Bucket node_;
    std::map<model::DatasetId, Bucket> datasets_;
};

}  // namespace flocker::peer
