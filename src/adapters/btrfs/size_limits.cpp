// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/size_limits.hpp"

#include <algorithm>

#include "adapters/btrfs/subvolume.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr auto look_interval = 250ms;
constexpr auto measure_pause_min = 500ms;
constexpr int measure_pause_factor = 20;
constexpr auto trouble_pause = 10s;

/// A copy that is written.
struct Copy {
    posix::Fd folder;
    SubvolumeFacts facts;
};

std::int64_t difference(Bytes charged, Bytes used) {
    return static_cast<std::int64_t>(charged.value) - static_cast<std::int64_t>(used.value);
}

/// nullopt: it is gone.
Result<std::optional<Copy>> find_copy(const posix::Fd& pool, const model::DatasetId& dataset, std::uint64_t subvolume) {
    for (const char* name : {model::names::live, model::names::trial}) {
        FLOCKER_TRY(auto copy, open_subvolume(pool, dataset.value + "/" + name));
        if (!copy) continue;
        FLOCKER_TRY(const SubvolumeFacts facts, facts_of(*copy));
        if (facts.id == subvolume) return Copy{*std::move(copy), facts};
    }
    return std::nullopt;
}

}  // namespace

std::int64_t drift_now(std::optional<std::int64_t> before, const Drift& measured) {
    return std::clamp(before.value_or(measured.low), measured.low, std::max(measured.low, measured.high));
}

Bytes charge_limit(Bytes maximum, std::int64_t drift) {
    if (drift >= 0) return maximum + Bytes{static_cast<std::uint64_t>(drift)};
    const auto uncharged = static_cast<std::uint64_t>(-drift);
    return Bytes{maximum.value - std::min(maximum.value, uncharged)};
}

bool may_be_off(Bytes maximum, Bytes limit, Bytes charged_then, Bytes charged_now) {
    const std::uint64_t room = limit.value - std::min(limit, charged_now).value;
    const std::uint64_t moved =
        std::max(charged_then, charged_now).value - std::min(charged_then, charged_now).value;
    return room < maximum.value / 8 || moved > maximum.value / 8;
}

SizeLimits::SizeLimits(std::string pool, PoolSync& sync, ContentSizes& sizes)
    : pool_(std::move(pool)), sync_(sync), sizes_(sizes) {}

SizeLimits::~SizeLimits() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

Status SizeLimits::set(const model::DatasetId& dataset, const posix::Fd& copy, std::optional<Bytes> maximum,
                       Haste haste) {
    FLOCKER_TRY(const SubvolumeFacts facts, facts_of(copy));
    if (!maximum) {
        forget(dataset);
        FLOCKER_TRY(const posix::Fd pool, open_pool(pool_));
        FLOCKER_TRY(const QuotaFiles files, QuotaFiles::of(pool));
        return files.mode() == Quotas::off ? Status{} : limit_charge(pool, facts.id, std::nullopt);
    }
    Limit limit;
    limit.subvolume = facts.id;
    limit.maximum = *maximum;
    if (const Status begun = begin(copy, dataset, limit, haste); !begun) limit.trouble = begun.error().message;
    put(dataset, std::move(limit));
    return {};
}

/// Without a sync of the pool: what is only in the page cache is in neither figure. It is measured right afterwards.
Status SizeLimits::begin(const posix::Fd& copy, const model::DatasetId& dataset, Limit& limit, Haste haste) {
    FLOCKER_TRY(const posix::Fd pool, open_pool(pool_));
    FLOCKER_TRY(const QuotaFiles files, QuotaFiles::of(pool));
    if (files.mode() == Quotas::off) FLOCKER_CHECK_OK(enable_simple_quotas(pool));
    if (files.mode() == Quotas::full) return limit_charge(pool, limit.subvolume, limit.maximum);
    FLOCKER_TRY(const Bytes charged, files.charged_on_disk(limit.subvolume));
    Bytes used;
    if (haste == Haste::clients_wait) {
        FLOCKER_TRY(used, sizes_.of(dataset, copy));
    } else {
        FLOCKER_TRY(const ContentSum content, content_of(copy));
        used = Bytes{content.bytes};
    }
    limit.drift = difference(charged, used);
    return limit_charge(pool, limit.subvolume, charge_limit(limit.maximum, *limit.drift));
}

std::string SizeLimits::watch(const model::DatasetId& dataset, const posix::Fd& copy, std::optional<Bytes> maximum) {
    if (!maximum) {
        forget(dataset);
        return {};
    }
    const auto facts = facts_of(copy);
    if (!facts) return facts.error().message;
    Limit wanted;
    wanted.subvolume = facts->id;
    wanted.maximum = *maximum;
    {
        const std::lock_guard lock(mutex_);
        const auto known = limits_.find(dataset);
        if (known != limits_.end() && known->second.is_same(wanted)) return known->second.trouble;
    }
    put(dataset, std::move(wanted));
    return {};
}

void SizeLimits::put(const model::DatasetId& dataset, Limit limit) {
    const std::lock_guard lock(mutex_);
    if (!limit.trouble.empty()) limit.not_before = Clock::now() + trouble_pause;
    limits_[dataset] = std::move(limit);
    if (!thread_.joinable() && !stopping_) thread_ = std::thread([this] { run(); });
    wake_.notify_all();
}

void SizeLimits::forget(const model::DatasetId& dataset) {
    const std::lock_guard lock(mutex_);
    limits_.erase(dataset);
}

void SizeLimits::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        if (limits_.empty()) {
            wake_.wait(lock);
            continue;
        }
        lock.unlock();
        look_at_all();
        lock.lock();
        wake_.wait_for(lock, look_interval, [this] { return stopping_; });
    }
}

void SizeLimits::look_at_all() {
    const auto pool = open_pool(pool_);
    if (!pool) return;  // Whatever is done to the pool says so.
    const auto files = QuotaFiles::of(*pool);
    if (!files) return;
    std::map<model::DatasetId, Limit> all;
    {
        const std::lock_guard lock(mutex_);
        all = limits_;
    }
    for (auto& [dataset, limit] : all) look_at(*pool, *files, dataset, std::move(limit));
}

void SizeLimits::look_at(const posix::Fd& pool, const QuotaFiles& files, const model::DatasetId& dataset, Limit limit) {
    const auto begin = Clock::now();
    if (begin < limit.not_before) return;
    const bool in_force = limit.measured && files.mode() != Quotas::off;
    Bytes charged;
    if (in_force) {
        if (files.mode() == Quotas::full) return;
        const auto known = files.charged(limit.subvolume);
        if (!known || !may_be_off(limit.maximum, limit.limit, limit.charged, *known)) return;
        charged = *known;
    }
    const auto copy = find_copy(pool, dataset, limit.subvolume);
    if (!copy || !*copy) return;
    // Near its limit, and nothing has happened: neither to it, nor to a snapshot of it.
    const std::uint64_t generation = (*copy)->facts.content_generation;
    if (in_force && generation == limit.content_generation && charged == limit.charged) return;
    limit.content_generation = generation;
    const Status measured = measure(pool, files, (*copy)->folder, limit);
    limit.measured = measured.has_value();
    limit.trouble = measured ? "" : measured.error().message;
    const auto end = Clock::now();
    limit.not_before = measured ? end + std::max<Clock::duration>(measure_pause_min, (end - begin) * measure_pause_factor)
                                : end + trouble_pause;
    const std::lock_guard lock(mutex_);
    const auto known = limits_.find(dataset);
    if (known != limits_.end() && known->second.is_same(limit)) known->second = std::move(limit);
}

Status SizeLimits::measure(const posix::Fd& pool, const QuotaFiles& files, const posix::Fd& copy, Limit& limit) {
    if (files.mode() == Quotas::off) FLOCKER_CHECK_OK(enable_simple_quotas(pool));
    if (files.mode() == Quotas::full) return limit_charge(pool, limit.subvolume, limit.maximum);
    FLOCKER_CHECK_OK(sync_.run(pool));
    // What is written from here on may be in the sum and not yet in the first figure, or in the second and not yet in
    // the sum.
    FLOCKER_TRY(limit.charged, files.charged_on_disk(limit.subvolume));
    FLOCKER_TRY(const ContentSum content, content_of(copy));
    FLOCKER_TRY(const Bytes charged_after, files.charged(limit.subvolume));
    const Bytes used{content.bytes};
    limit.drift = drift_now(limit.drift, {difference(limit.charged, used), difference(charged_after, used)});
    limit.limit = charge_limit(limit.maximum, *limit.drift);
    return limit_charge(pool, limit.subvolume, limit.limit);
}

}  // namespace flocker::btrfs
