// SPDX-License-Identifier: Apache-2.0
#include "sim/pool.hpp"

#include <algorithm>

namespace flocker::sim {

using namespace model;

Result<std::optional<DatasetSeen>> PoolDisk::perform(const DatasetAction& action, Instant now) {
    FLOCKER_CHECK_OK(act(action, now));
    return see(dataset_of(action));
}

Status PoolDisk::act(const DatasetAction& action, Instant now) {
    const DatasetId& id = dataset_of(action);
    const auto found = datasets_.find(id);
    const bool lets_go = std::holds_alternative<DestroyDataset>(action) || std::holds_alternative<DemoteDataset>(action) ||
                         std::holds_alternative<DiscardTrial>(action) || std::holds_alternative<DropSnapshots>(action) ||
                         std::holds_alternative<ReleaseReplica>(action) || std::holds_alternative<DropAside>(action);
    if (lets_go && found != datasets_.end()) letting_go(id, action);
    if (const auto* create = std::get_if<CreateDataset>(&action)) {
        if (found != datasets_.end()) {
            const bool same = found->second.live && found->second.epoch == create->epoch && found->second.snapshots.empty();
            return same ? Status{} : fail(ErrorCode::already_exists, "dataset " + id.value + " is here");
        }
        Dataset fresh;
        fresh.epoch = create->epoch;
        fresh.live = std::make_shared<Subvolume>();
        datasets_.emplace(id, fresh);
        return {};
    }
    if (std::holds_alternative<DestroyDataset>(action)) {
        datasets_.erase(id);
        parts_.erase(id);
        return {};
    }
    if (found == datasets_.end()) {
        // What is to go is gone.
        const bool goes = std::holds_alternative<ReleaseReplica>(action) || std::holds_alternative<DiscardTrial>(action) ||
                          std::holds_alternative<DropSnapshots>(action) || std::holds_alternative<DropAside>(action);
        return goes ? Status{} : fail(ErrorCode::not_found, "no dataset " + id.value);
    }
    Dataset& dataset = found->second;
    return std::visit(
        Overloaded{
            [&](const MountDataset&) -> Status {
                const SubvolumeRef& data = dataset.live ? dataset.live : dataset.trial_data;
                if (!data) return fail(ErrorCode::not_found, "nothing to mount");
                dataset.mounted = data;
                return {};
            },
            [&](const TakeSnapshot& take_one) -> Status {
                if (!dataset.live) return fail(ErrorCode::not_found, "no live copy");
                take(dataset, take_one.snapshot, now, false);
                return {};
            },
            [&](const SealDataset& seal_it) -> Status { return seal(dataset, seal_it, now); },
            [&](const UnsealDataset& unseal) -> Status {
                if (!dataset.live || dataset.epoch != unseal.epoch) return fail(ErrorCode::conflict, "not the owner's copy");
                dataset.seal.reset();
                dataset.live->read_only = false;
                return {};
            },
            [&](const StartTrial& start) -> Status {
                if (dataset.live) return fail(ErrorCode::conflict, "a live copy is here");
                if (dataset.trial == Trial{start.move, start.from}) return {};
                if (!dataset.snapshots.contains(start.from)) return fail(ErrorCode::not_found, "no such snapshot");
                if (dataset.trial_data && in_use(dataset.trial_data)) return fail(ErrorCode::conflict, "the old trial is in use");
                dataset.trial = Trial{start.move, start.from};
                dataset.trial_data = std::make_shared<Subvolume>(*dataset.snapshots.at(start.from).data);
                dataset.trial_data->read_only = false;
                dataset.trial_durable = false;
                dataset.mounted.reset();
                dataset.maximum_size.reset();
                return {};
            },
            [&](const SyncTrial&) -> Status {
                dataset.trial_durable = true;
                for (auto& [snapshot, kept] : dataset.snapshots) kept.durable = true;
                return {};
            },
            [&](const AdoptTrial& adopt) -> Status {
                if (!dataset.trial && dataset.live && dataset.epoch == adopt.epoch) return {};
                if (!dataset.trial || dataset.trial->move != adopt.move) {
                    return fail(ErrorCode::conflict, "no trial of that move");
                }
                dataset.epoch = adopt.epoch;
                dataset.acknowledged = {{adopt.source, dataset.trial->from}};
                dataset.live = dataset.trial_data;
                dataset.trial_data.reset();
                dataset.trial.reset();
                dataset.seal.reset();
                for (auto& [snapshot, kept] : dataset.snapshots) kept.durable = true;
                return {};
            },
            [&](const DiscardTrial&) -> Status {
                if (dataset.trial_data && in_use(dataset.trial_data)) return fail(ErrorCode::conflict, "the trial is in use");
                if (!dataset.live) dataset.mounted.reset();
                dataset.trial.reset();
                dataset.trial_data.reset();
                return {};
            },
            [&](const DemoteDataset& demotion) -> Status { return demote(dataset, demotion, now); },
            [&](const DropSnapshots& drop) -> Status {
                const auto needed = [&](const SnapshotId& one) {
                    const bool only = !dataset.live && !dataset.snapshots.empty() && dataset.snapshots.rbegin()->first == one;
                    return only || (dataset.seal && dataset.seal->snapshot == one);
                };
                if (std::ranges::any_of(drop.snapshots, needed)) return fail(ErrorCode::conflict, "it is the newest and stays");
                for (const SnapshotId& snapshot : drop.snapshots) dataset.snapshots.erase(snapshot);
                return {};
            },
            [&](const DropAside& drop) -> Status {
                for (const SnapshotId& snapshot : drop.set_aside) dataset.set_aside.erase(snapshot);
                const bool nothing_here = !dataset.live && !dataset.trial && dataset.snapshots.empty();
                if (nothing_here && dataset.set_aside.empty()) datasets_.erase(found);
                return {};
            },
            [&](const ReleaseReplica&) -> Status {
                if (dataset.live || dataset.trial) return fail(ErrorCode::conflict, "this node has its own copy");
                dataset.snapshots.clear();
                if (dataset.set_aside.empty()) datasets_.erase(found);
                return {};
            },
            [&](const LimitDataset& limit) -> Status {
                if (!dataset.live && !dataset.trial_data) return fail(ErrorCode::not_found, "nothing to limit");
                dataset.maximum_size = limit.maximum;
                return {};
            },
            [&](const NoteAcknowledged& note) -> Status {
                dataset.acknowledged[note.node] = note.snapshot;
                return {};
            },
            [](const auto&) -> Status { return {}; },
        },
        action);
}

Status PoolDisk::demote(Dataset& dataset, const DemoteDataset& action, Instant now) {
    if (dataset.live) {
        if (action.epoch <= dataset.epoch) return fail(ErrorCode::conflict, "is owned here at that epoch or later");
        if (in_use(dataset.live)) return fail(ErrorCode::conflict, "the live copy is in use");
        const auto newest = dataset.snapshots.rbegin();
        const bool known = newest != dataset.snapshots.rend() &&
                           newest->first == action.began_from.value_or(newest->first) &&
                           newest->second.data->entries == dataset.live->entries;
        if (!known) {
            SnapshotId kept{dataset.epoch, 1};
            const auto stay_above = [&](const SnapshotId& used) {
                if (used.epoch == kept.epoch) kept.sequence = std::max(kept.sequence, used.sequence + 1);
            };
            for (const auto& [snapshot, _] : dataset.snapshots) stay_above(snapshot);
            for (const auto& [snapshot, _] : dataset.set_aside) stay_above(snapshot);
            for (const auto& [_, snapshot] : dataset.acknowledged) stay_above(snapshot);
            if (action.began_from) stay_above(*action.began_from);
            auto copy = std::make_shared<Subvolume>(*dataset.live);
            copy->read_only = true;
            dataset.set_aside.emplace(kept, Snapshot{std::move(copy), now, true});
        }
        // What no other node has belongs to no line any more.
        std::erase_if(dataset.snapshots,
                      [&](const auto& entry) { return action.began_from && entry.first > *action.began_from; });
        dataset.live.reset();
        dataset.seal.reset();
        dataset.mounted.reset();
        dataset.maximum_size.reset();
    } else if (action.began_from) {
        const auto newest = dataset.snapshots.rbegin();
        const auto beyond = [&](const SnapshotId& id) { return id > *action.began_from && id.epoch < action.epoch; };
        if (newest != dataset.snapshots.rend() && beyond(newest->first)) {
            dataset.set_aside.emplace(newest->first, newest->second);
        }
        std::erase_if(dataset.snapshots, [&](const auto& entry) { return beyond(entry.first); });
    }
    for (auto& [snapshot, kept] : dataset.snapshots) kept.durable = true;
    if (action.epoch <= dataset.epoch) return {};
    dataset.epoch = action.epoch;
    dataset.acknowledged.clear();
    return {};
}

Status PoolDisk::seal(Dataset& dataset, const SealDataset& action, Instant now) {
    if (!dataset.live) return fail(ErrorCode::not_found, "no live copy");
    if (dataset.seal && dataset.seal->move == action.move) return {};
    if (in_use(dataset.live)) return fail(ErrorCode::conflict, "a container has it mounted");
    dataset.mounted.reset();
    dataset.live->read_only = true;
    take(dataset, action.snapshot, now, true);
    dataset.seal = Seal{action.move, action.snapshot, action.told};
    return {};
}

void PoolDisk::take(Dataset& dataset, const SnapshotId& id, Instant now, bool durable) {
    if (dataset.snapshots.contains(id)) return;
    auto copy = std::make_shared<Subvolume>(*dataset.live);
    copy->read_only = true;
    dataset.snapshots.emplace(id, Snapshot{std::move(copy), now, durable});
}

std::optional<DatasetSeen> PoolDisk::see(const DatasetId& id) const {
    const Dataset* dataset = find(id);
    if (!dataset) return std::nullopt;
    DatasetSeen seen;
    seen.id = id;
    seen.epoch = dataset->epoch;
    seen.live = dataset->live != nullptr;
    seen.seal = dataset->seal;
    if (dataset->trial_data) seen.trial = dataset->trial;
    const SubvolumeRef& top = dataset->live ? dataset->live : dataset->trial_data;
    seen.mounted = top && dataset->mounted == top;
    for (const auto& [snapshot, kept] : dataset->snapshots) seen.snapshots.push_back({snapshot, kept.taken});
    seen.acknowledged = dataset->acknowledged;
    seen.changed = dataset->live && (dataset->snapshots.empty() ||
                                     dataset->snapshots.rbegin()->second.data->entries != dataset->live->entries);
    for (const auto& [snapshot, kept] : dataset->set_aside) {
        seen.set_aside.push_back({snapshot, kept.taken, Bytes{kept.data->entries.size() * 100}});
    }
    if (top) seen.maximum_size = dataset->maximum_size;
    seen.used = Bytes{1000 + (top ? top->entries.size() * 100 : 0)};
    return seen;
}

std::vector<DatasetSeen> PoolDisk::see_all() const {
    std::vector<DatasetSeen> all;
    for (const auto& [id, dataset] : datasets_) all.push_back(*see(id));
    return all;
}

Status PoolDisk::receive(const DatasetId& id, Epoch epoch, const std::optional<SnapshotId>& base, const SnapshotId& to,
                         const Subvolume& data, Instant now) {
    parts_.erase(id);
    Dataset& dataset = datasets_[id];
    if (dataset.live) return fail(ErrorCode::conflict, "the live copy is here");
    if (base && !dataset.snapshots.contains(*base)) {
        const bool nothing_here =
            !dataset.live && !dataset.trial && dataset.snapshots.empty() && dataset.set_aside.empty();
        if (nothing_here) datasets_.erase(id);
        return fail(ErrorCode::conflict, "the base is not here");
    }
    dataset.epoch = std::max(dataset.epoch, epoch);
    if (!dataset.snapshots.contains(to)) {
        auto copy = std::make_shared<Subvolume>(data);
        copy->read_only = true;
        dataset.snapshots.emplace(to, Snapshot{std::move(copy), now, true});
    }
    return {};
}

const PoolDisk::Part* PoolDisk::part_of(const DatasetId& id) const {
    const auto found = parts_.find(id);
    return found == parts_.end() ? nullptr : &found->second;
}

void PoolDisk::power_loss() {
    for (auto& [id, dataset] : datasets_) {
        dataset.mounted.reset();
        std::erase_if(dataset.snapshots, [](const auto& entry) { return !entry.second.durable; });
        if (dataset.trial_data && !dataset.trial_durable) dataset.trial_data.reset(), dataset.trial.reset();
    }
}

Bytes PoolDisk::pinned() const {
    std::size_t entries = 0;
    for (const auto& [id, dataset] : datasets_) {
        if (!dataset.live) continue;
        std::size_t least = dataset.live->entries.size();
        for (const auto& [snapshot, kept] : dataset.snapshots) least = std::min(least, kept.data->entries.size());
        entries += dataset.live->entries.size() - least;
    }
    return Bytes{entries * 100};
}

ports::Capacity PoolDisk::capacity() const {
    const std::uint64_t taken = pinned().value + others.value;
    return {size, Bytes{taken < size.value ? size.value - taken : 0}};
}

const PoolDisk::Dataset* PoolDisk::find(const DatasetId& id) const {
    const auto found = datasets_.find(id);
    return found == datasets_.end() ? nullptr : &found->second;
}

void PoolStore::observe(Done<std::vector<DatasetSeen>> done) {
    loop_.after(world_.between(1ms, 20ms), [this, done] { done(disk_.see_all()); });
}

void PoolStore::observe_one(const DatasetId& dataset, Done<std::optional<DatasetSeen>> done) {
    loop_.after(world_.between(1ms, 5ms), [this, dataset, done] { done(disk_.see(dataset)); });
}

void PoolStore::find_changed(const std::vector<DatasetId>& datasets, Done<std::set<DatasetId>> done) {
    loop_.after(world_.between(1ms, 5ms), [this, datasets, done] {
        std::set<DatasetId> changed;
        for (const DatasetId& id : datasets) {
            if (const auto seen = disk_.see(id); seen && seen->changed) changed.insert(id);
        }
        done(std::move(changed));
    });
}

void PoolStore::perform(const DatasetAction& action, Done<std::optional<DatasetSeen>> done) {
    if (world_.chance(faults_.disk_full)) {
        loop_.after(5ms, [done] { done(fail(ErrorCode::unavailable, "no space left on the pool")); });
        return;
    }
    const Duration takes = world_.between(2ms, world_.chance(0.05) ? 400ms : 40ms);
    loop_.after(takes, [this, action, done] {
        auto outcome = disk_.perform(action, loop_.now());
        if (outcome && world_.chance(faults_.receipt_lost / 4)) {
            outcome = fail(ErrorCode::timed_out, "the pool did not say");
        }
        done(std::move(outcome));
    });
}

void PoolStore::capacity(Done<ports::Capacity> done) {
    loop_.after(1ms, [this, done] { done(disk_.capacity()); });
}

}  // namespace flocker::sim
