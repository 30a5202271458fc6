// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/pacer.hpp"

#include <algorithm>
#include <ctime>

namespace flocker::peer {
namespace {

/// What is given at a time lasts about this long, so that senders take turns.
constexpr std::uint64_t pieces_a_second = 50;
constexpr std::size_t piece_min = std::size_t{16} << 10U;
constexpr auto meanwhile_interval = std::chrono::seconds{1};
/// What a late wake-up has lost is made up for.
constexpr auto arrears_max = std::chrono::milliseconds{50};

}  // namespace

std::uint32_t Pacer::local_minute() {
    const std::time_t now = std::time(nullptr);
    std::tm local{};
    if (localtime_r(&now, &local) == nullptr) return 0;
    return static_cast<std::uint32_t>(local.tm_hour * 60 + local.tm_min);
}

void Pacer::limit(const model::SendLimits& limits) {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
    ++generation_;
    // What was promised by the old limits is void.
    node_ = {};
    datasets_.clear();
    changed_.notify_all();
}

void Pacer::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
}

Pacer::Clock::time_point Pacer::Bucket::give(std::size_t bytes, Bytes rate, Clock::time_point now) {
    const Clock::time_point begin = std::max(free_at, now - arrears_max);
    const double seconds = static_cast<double>(bytes) / static_cast<double>(rate.value);
    free_at = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    return begin;
}

std::optional<Bytes> Pacer::rate_of(const model::DatasetId& dataset) const {
    const auto own = limits_.datasets.find(dataset);
    return own == limits_.datasets.end() ? std::nullopt : model::rate_at(own->second, minute_());
}

std::size_t Pacer::piece_of(const model::DatasetId& dataset, std::size_t wished) const {
    std::uint64_t rate = UINT64_MAX;
    if (const auto own = rate_of(dataset)) rate = own->value;
    if (const auto shared = model::rate_at(limits_.node, minute_())) rate = std::min(rate, shared->value);
    return std::min<std::uint64_t>(wished, std::max<std::uint64_t>(rate / pieces_a_second, piece_min));
}

std::optional<Pacer::Clock::time_point> Pacer::reserve(const model::DatasetId& dataset, std::size_t bytes) {
    const auto now = Clock::now();
    std::optional<Clock::time_point> when;
    if (const auto own = rate_of(dataset)) when = datasets_[dataset].give(bytes, *own, now);
    if (const auto shared = model::rate_at(limits_.node, minute_())) {
        when = std::max(node_.give(bytes, *shared, now), when.value_or(now));
    }
    return when;
}

Result<Pacer::Given> Pacer::take(const model::DatasetId& dataset, std::size_t wished,
                                 const std::function<Status()>& meanwhile) {
    std::unique_lock lock(mutex_);
    std::optional<std::uint64_t> reserved_by;
    std::optional<Clock::time_point> when;
    Given given{wished, {}};
    for (;;) {
        if (closed_) return fail(ErrorCode::unavailable, "this agent is stopping");
        if (limits_.unlimited.contains(dataset)) return Given{wished, given.waited};
        if (reserved_by != generation_) {
            given.bytes = piece_of(dataset, wished);
            when = reserve(dataset, given.bytes);
            reserved_by = generation_;
        }
        const auto now = Clock::now();
        if (!when || *when <= now) return given;
        const auto look = std::min(*when, now + meanwhile_interval);
        changed_.wait_until(lock, look, [&] { return closed_ || reserved_by != generation_; });
        const auto after = Clock::now();
        given.waited += after - now;
        if (after >= *when || closed_ || reserved_by != generation_) continue;
        lock.unlock();
        FLOCKER_CHECK_OK(meanwhile());
        lock.lock();
    }
}

}  // namespace flocker::peer
