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

bool holds(const DatasetSeen& dataset, const SnapshotId& id) {
    return std::ranges::find(dataset.snapshots, id, &SnapshotSeen::id) != dataset.snapshots.end();
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
        wants_snapshot_ = false;
        // A base that was let go here is none; the other side may still hold an older common one.
        if (seen_.acknowledged && !holds(dataset, *seen_.acknowledged)) seen_.acknowledged.reset();
        sending_ = Send{seen_.acknowledged, dataset.snapshots.back().id};
        sending_taken_ = dataset.snapshots.back().taken;
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

void Feed::told(const Result<std::vector<SnapshotId>>& holdings, const DatasetSeen& dataset, Instant now) {
    asking_ = false;
    if (!holdings) return failed(holdings.error(), now);
    asked_ = true;
    believed_until_ = now + (urgent_ ? urgent_belief : belief);
    trouble_.reset();
    seen_.acknowledged = plan::common_base(dataset.snapshots, *holdings);
}

void Feed::progressed(SendProgress progress) {
    if (!sending_) return;
    seen_.round_sent = progress.sent;
    seen_.round_expected = progress.expected;
}

void Feed::sent(const Result<SendReceipt>& receipt, Instant now) {
    if (!sending_) return;
    const Send send = *std::exchange(sending_, std::nullopt);
    seen_.round_sent = {};
    seen_.round_expected = {};
    if (!receipt) {
        asked_ = false;
        // How long the other side could not be reached says nothing of how long a round takes.
        snapshot_wished_ = {};
        return failed(receipt.error(), now);
    }
    failures_ = 0;
    trouble_.reset();
    RoundSeen round{send.to, receipt->bytes, now - snapshot_wished_, {}, !send.base};
    round.interval = last_round_began_ ? snapshot_wished_ - *last_round_began_ : round.took;
    last_round_began_ = snapshot_wished_;
    snapshot_wished_ = {};
    extra_round_due_ = round.whole;
    seen_.acknowledged = send.to;
    believed_until_ = now + (urgent_ ? urgent_belief : belief);
    seen_.proven = std::max(seen_.proven, std::min(sending_taken_, now));
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
    return ids;
}

void Feed::failed(const Error& error, Instant now) {
    ++failures_;
    trouble_ = error;
    const auto factor = std::int64_t{1} << std::min(failures_ - 1, 10U);
    rest_until_ = now + std::min(failure_rest_min * factor, failure_rest_max);
}

}  // namespace flocker::protocol
