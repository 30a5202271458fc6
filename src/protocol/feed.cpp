// SPDX-License-Identifier: Apache-2.0
#include "protocol/feed.hpp"

#include <algorithm>

#include "plan/snapshots.hpp"

namespace flocker::protocol {
namespace {

using namespace model;

constexpr std::size_t rounds_kept = 8;
/// Between two looks at a dataset that has nothing new.
constexpr Duration look_interval = 200ms;
/// Between two rounds of a dataset that has: lets its application breathe.
constexpr Duration round_interval = 100ms;
/// How long what the other side said of itself is believed while nothing is sent: what it lost behind our
/// backs is found, and costs a volume that nobody writes next to nothing.
constexpr Duration belief = 300s;
constexpr Duration urgent_belief = 5s;
constexpr Duration failure_rest_min = 200ms;
constexpr Duration failure_rest_max = 10s;
/// A round that has no snapshot by then lets others go first.
constexpr Duration turn_kept = 5s;
/// The other side keeps a part when it has got so much, or for so long; and for a day.
constexpr Duration partial_after = 10s;
constexpr Bytes partial_after_bytes{256ULL << 20U};
constexpr Duration partial_kept = std::chrono::hours{24};

const SnapshotSeen* find(const DatasetSeen& dataset, const SnapshotId& id) {
    const auto found = std::ranges::find(dataset.snapshots, id, &SnapshotSeen::id);
    return found == dataset.snapshots.end() ? nullptr : &*found;
}

}  // namespace

std::vector<Feed::Effect> Feed::next(const DatasetSeen& dataset, const Pace& pace, Instant now) {
    if (pace.urgent != urgent_) {
        urgent_ = pace.urgent;
        if (failures_ == 0) rest_until_.reset();
        // A move counts what went over for it.
        seen_.bytes_total = {};
        seen_.rounds = 0;
    }
    wants_look_ = false;
    seen_.queued = false;
    if (cut_ && now >= cut_forgotten_) cut_.reset();
    if (asking_ || sending_) return {};
    // Rests are for the application's sake, and a sealed dataset has none running.
    const bool hurry = dataset.seal && failures_ == 0;
    if (rest_until_ && now < *rest_until_ && !hurry) return {};
    rest_until_.reset();
    const bool current = seen_.acknowledged && !dataset.snapshots.empty() &&
                         *seen_.acknowledged == dataset.snapshots.back().id;
    if (!asked_ || (current && now >= believed_until_)) {
        asked_ = false;
        asking_ = true;
        return {Ask{}};
    }
    if (!dataset.snapshots.empty() && !current) {
        // A base that was let go here is none; the other side may still hold an older common one.
        if (seen_.acknowledged && !find(dataset, *seen_.acknowledged)) seen_.acknowledged.reset();
        if (!may_begin(dataset, pace, now)) return {};
        wants_snapshot_ = false;
        sending_ = next_send(dataset);
        sending_taken_ = find(dataset, sending_->to)->taken;
        sending_began_ = now;
        seen_.round_sent = {};
        seen_.round_expected = {};
        seen_.idle = false;
        found_new_ = false;
        if (snapshot_wished_.unix_ns == 0 || dataset.seal) snapshot_wished_ = now;
        return {*sending_};
    }
    if (dataset.seal) return {};
    // What a full copy left in the target's memory reaches its disk with the next snapshot there; one
    // more round, even an empty one, takes that out of the cutover.
    const bool changed = urgent_ ? dataset.changed : found_new_;
    if (dataset.snapshots.empty() || changed || extra_round_due_) {
        if (!may_begin(dataset, pace, now)) return {};
        if (!wants_snapshot_) snapshot_wished_ = now;
        wants_snapshot_ = true;
        return {TakeOne{}};
    }
    if (!urgent_) {
        if (last_round_began_ && now < *last_round_began_ + pace.lag / 2) {
            rest_until_ = *last_round_began_ + pace.lag / 2;
        } else {
            wants_look_ = true;
        }
        return {};
    }
    rest_until_ = now + look_interval;
    return {Look{}};
}

bool Feed::may_begin(const DatasetSeen& dataset, const Pace& pace, Instant now) {
    if (pace.turn || dataset.seal || in_round(now)) {
        waits_since_ = {};
        return true;
    }
    if (waits_since_.unix_ns == 0) waits_since_ = now;
    wants_snapshot_ = false;
    seen_.queued = true;
    return false;
}

bool Feed::in_round(Instant now) const {
    return sending_ || (wants_snapshot_ && now < snapshot_wished_ + turn_kept);
}

plan::Round Feed::round(const Pace& pace) const {
    const bool whole = sending_ ? !sending_->base : !seen_.acknowledged;
    const bool by_lag = !whole && !pace.urgent;
    return {seen_.to, whole, pace.urgent, by_lag ? seen_.proven + pace.lag : waits_since_};
}

Feed::Send Feed::next_send(const DatasetSeen& dataset) {
    if (cut_ && cut_->base == seen_.acknowledged && find(dataset, cut_->to)) return *cut_;
    cut_.reset();
    return {seen_.acknowledged, dataset.snapshots.back().id};
}

void Feed::told(const Result<Held>& held, const DatasetSeen& dataset, Instant now) {
    asking_ = false;
    if (!held) return failed(held.error(), now);
    asked_ = true;
    believed_until_ = now + (urgent_ ? urgent_belief : belief);
    trouble_.reset();
    seen_.acknowledged = plan::common_base(dataset.snapshots, held->snapshots);
    cut_.reset();
    const auto& partial = held->partial;
    if (!partial || partial->epoch != dataset.epoch || partial->base != seen_.acknowledged) return;
    cut_ = Send{partial->base, partial->to};
    cut_forgotten_ = now + partial_kept;
}

void Feed::progressed(SendProgress progress) {
    if (!sending_) return;
    seen_.round_sent = progress.sent;
    seen_.round_expected = progress.expected;
    seen_.limited = progress.limited;
}

void Feed::sent(const Result<SendReceipt>& receipt, Instant now) {
    if (!sending_) return;
    const Send send = *std::exchange(sending_, std::nullopt);
    const bool long_one = now - sending_began_ >= partial_after || seen_.round_sent >= partial_after_bytes;
    seen_.round_sent = {};
    seen_.round_expected = {};
    if (!receipt) {
        asked_ = false;
        if (long_one) {
            cut_ = send;
            cut_forgotten_ = now + partial_kept;
        }
        // How long the other side could not be reached says nothing of how long a round takes.
        snapshot_wished_ = {};
        return failed(receipt.error(), now);
    }
    failures_ = 0;
    trouble_.reset();
    cut_.reset();
    RoundSeen round{send.to, receipt->bytes, now - snapshot_wished_, {}, !send.base, receipt->waited};
    round.interval = last_round_began_ ? snapshot_wished_ - *last_round_began_ : round.took;
    last_round_began_ = snapshot_wished_;
    snapshot_wished_ = {};
    extra_round_due_ = round.whole;
    seen_.acknowledged = send.to;
    believed_until_ = now + (urgent_ ? urgent_belief : belief);
    seen_.proven = std::max(seen_.proven, std::min(sending_taken_, now));
    seen_.limited = round.waited > round.took / 2;
    seen_.bytes_total += receipt->bytes;
    ++seen_.rounds;
    seen_.last_rounds.push_back(round);
    if (seen_.last_rounds.size() > rounds_kept) seen_.last_rounds.erase(seen_.last_rounds.begin());
    if (urgent_) rest_until_ = now + round_interval;
}

void Feed::looked(const DatasetSeen& dataset, Instant began) {
    const bool current = seen_.acknowledged && !dataset.snapshots.empty() &&
                         *seen_.acknowledged == dataset.snapshots.back().id;
    if (!current || sending_) return;
    seen_.idle = !dataset.changed;
    found_new_ = dataset.changed;
    wants_look_ = false;
    if (seen_.idle) seen_.proven = std::max(seen_.proven, began);
}

std::vector<SnapshotId> Feed::in_use() const {
    std::vector<SnapshotId> ids;
    if (seen_.acknowledged) ids.push_back(*seen_.acknowledged);
    if (sending_) ids.push_back(sending_->to);
    if (cut_ && !sending_) {
        if (cut_->base) ids.push_back(*cut_->base);
        ids.push_back(cut_->to);
    }
    return ids;
}

void Feed::failed(const Error& error, Instant now) {
    ++failures_;
    trouble_ = error;
    const auto factor = std::int64_t{1} << std::min(failures_ - 1, 10U);
    rest_until_ = now + std::min(failure_rest_min * factor, failure_rest_max);
}

}  // namespace flocker::protocol
