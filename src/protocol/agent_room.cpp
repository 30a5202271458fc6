// SPDX-License-Identifier: Apache-2.0
//
// What the agent lets go when its pool runs short of room: for whom, when, and how it says so.
#include <algorithm>

#include "protocol/agent.hpp"

namespace flocker::protocol {
namespace {

using namespace model;

const SnapshotSeen* find(const DatasetSeen& dataset, const SnapshotId& id) {
    const auto found = std::ranges::find(dataset.snapshots, id, &SnapshotSeen::id);
    return found == dataset.snapshots.end() ? nullptr : &*found;
}

/// A snapshot of another epoch was taken by another clock; it is older than those of this one.
Instant taken(const DatasetSeen& dataset, const SnapshotSeen& snapshot) {
    return snapshot.id.epoch == dataset.epoch ? snapshot.taken : Instant{};
}

/// What is equal to the live copy does not.
bool pins_room(const DatasetSeen& dataset, const SnapshotSeen& snapshot) {
    return dataset.changed || snapshot.id != dataset.snapshots.back().id;
}

/// Of those that are here.
const SnapshotSeen* oldest_of(const DatasetSeen& dataset, const std::vector<SnapshotId>& ids) {
    const auto found = std::ranges::find_if(dataset.snapshots, [&](const SnapshotSeen& snapshot) {
        return std::ranges::find(ids, snapshot.id) != ids.end();
    });
    return found == dataset.snapshots.end() ? nullptr : &*found;
}

}  // namespace

void Agent::room_seen(const CapacitySeen& event, Instant now) {
    pool_size_ = event.size;
    pool_free_ = event.free;
    const bool is_short = plan::is_short(event.size, event.free, pool_short_since_.has_value());
    if (!is_short) {
        pool_short_since_.reset();
        let_go_.clear();
    } else if (!pool_short_since_) {
        pool_short_since_ = now;
    }
}

void Agent::work_room(Instant now) {
    if (!pool_short_since_ || !fresh_) return;
    std::erase_if(let_go_, [&](const auto& entry) {
        const DatasetAssignment* assigned = dataset_assignment(entry.first);
        return !assigned || assigned->duty != Duty::serve;
    });
    for (const DatasetAssignment& assigned : assignment_->datasets) {
        const auto let_go = let_go_.find(assigned.dataset);
        // A move goes ahead of everything.
        if (assigned.feed && let_go != let_go_.end()) let_go->second.replicas.erase(*assigned.feed);
    }
    // What would need a full copy does not begin one: it would pin the pool for as long as it takes.
    for (const auto& [key, feed] : feeds_) {
        const auto& [dataset, to] = key;
        const DatasetAssignment* assigned = dataset_assignment(dataset);
        const DatasetSeen* seen = dataset_here(dataset);
        if (!assigned || assigned->feed == to || !seen || !feed.has_asked()) continue;
        const auto in_use = feed.in_use();
        const bool has_base = std::ranges::any_of(in_use, [&](const SnapshotId& id) { return find(*seen, id); });
        if (!has_base) let_go_[dataset].replicas.insert(to);
    }
    if (now >= next_goes_) let_one_go(now);
}

void Agent::let_one_go(Instant now) {
    std::vector<plan::Pin> pins;
    for (const DatasetAssignment& assigned : assignment_->datasets) {
        const DatasetSeen* dataset = dataset_here(assigned.dataset);
        const bool owned = assigned.duty == Duty::serve && dataset && dataset->live && dataset->epoch == assigned.epoch;
        // A move under way is not disturbed.
        if (owned && !assigned.feed && !dataset->seal && !dataset->snapshots.empty()) add_pins(assigned, *dataset, pins);
    }
    const bool nearly_full = plan::is_nearly_full(pool_size_, pool_free_);
    const plan::Pin* pin = plan::next_to_go(pins, *pool_short_since_, nearly_full, now);
    if (!pin) return;
    next_goes_ = now + plan::rest_after_letting_go(nearly_full);
    if (pin->replica) {
        let_go_[pin->dataset].replicas.insert(*pin->replica);
    } else {
        let_go_[pin->dataset].newest = true;
    }
}

void Agent::add_pins(const DatasetAssignment& assigned, const DatasetSeen& dataset, std::vector<plan::Pin>& pins) const {
    for (const auto& [key, feed] : feeds_) {
        if (key.first != dataset.id || is_let_go(key.first, key.second)) continue;
        plan::Pin pin{dataset.id, key.second, {}, feed.seen().proven, feed.attempts() > 0};
        std::vector<SnapshotId> kept = feed.in_use();
        const auto noted = dataset.acknowledged.find(key.second);
        if (noted != dataset.acknowledged.end()) kept.push_back(noted->second);
        // Until it has said what it holds, whatever is here may be its base.
        if (!feed.has_asked()) kept.push_back(dataset.snapshots.front().id);
        const SnapshotSeen* oldest = oldest_of(dataset, kept);
        if (!oldest || !pins_room(dataset, *oldest)) continue;
        pin.oldest = taken(dataset, *oldest);
        pins.push_back(std::move(pin));
    }
    const SnapshotSeen& newest = dataset.snapshots.back();
    if (!assigned.replicas.empty() || newest_goes(assigned) || !pins_room(dataset, newest)) return;
    pins.push_back({dataset.id, std::nullopt, taken(dataset, newest), {}, false});
}

bool Agent::is_let_go(const DatasetId& dataset, const NodeId& to) const {
    const auto found = let_go_.find(dataset);
    return found != let_go_.end() && found->second.replicas.contains(to);
}

bool Agent::newest_goes(const DatasetAssignment& assigned) const {
    const auto let_go = let_go_.find(assigned.dataset);
    if (let_go == let_go_.end() || assigned.feed) return false;
    const bool for_nobody = !assigned.replicas.empty() && std::ranges::includes(let_go->second.replicas, assigned.replicas);
    return let_go->second.newest || for_nobody;
}

bool Agent::had_snapshots(const DatasetId& dataset, const NodeId& to) const {
    const DatasetSeen* seen = dataset_here(dataset);
    return seen && seen->acknowledged.contains(to);
}

std::string Agent::let_go_text(const DatasetId& dataset, const NodeId& to) const {
    const std::string text = "the pool of " + own_name() + " is short: ";
    return text + (had_snapshots(dataset, to) ? "its snapshots were let go" : "it waits for room");
}

}  // namespace flocker::protocol
