// SPDX-License-Identifier: Apache-2.0
#include "sim/checks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/failover.hpp"
#include "plan/lag.hpp"
#include "plan/limits.hpp"
#include "plan/view.hpp"
#include "plan/why.hpp"

namespace flocker::sim {

using namespace model;

namespace {

const Ownership* ownership_of(const Records& records, const DatasetId& dataset) {
    const auto found = records.ownerships.find(SubjectId{dataset.value});
    return found == records.ownerships.end() ? nullptr : &found->second;
}

}  // namespace

OneWriter::OneWriter(Cluster& cluster) : cluster_(cluster) {}

void OneWriter::written(const Host& host, const EngineHost::Container& container, bool by_client) const {
    const Application& application = container.spec.application;
    if (!application.volume) return;
    const auto complain = [&](const std::string& how) {
        cluster_.world.violated("P1", fmt::format("{} at {}: {}", application.name.value, host.node.name, how));
    };
    const PoolDisk::Dataset* dataset = host.pool.find(application.volume->dataset);
    if (!container.volume) {
        if (by_client) complain("a client's write went to an empty folder");
        if (application.gate) complain("its gate was opened without its volume");
        return;
    }
    const bool live = dataset && dataset->live == container.volume;
    const bool trial = dataset && dataset->trial_data == container.volume;
    const Ownership* ownership = cluster_.owner_of(SubjectId{application.volume->dataset.value});
    if (trial) {
        const bool won = ownership && ownership->owner == host.node.id && ownership->won_by == dataset->trial->move;
        if (by_client && !won) complain("a client reached a trial that no commit has made the dataset");
        return;
    }
    if (!live) return complain("it writes a copy that is neither live nor a trial");
    if (container.volume->read_only) return complain("it writes a sealed copy");
    if (ownership && ownership->owner == host.node.id) return;
    const bool lost = ownership && ownership->epoch > dataset->epoch && !by_client;
    if (!lost && !given_up(application.volume->dataset, host.node.name)) complain("it is not the owner by the records");
}

void OneWriter::committed(const Records& before, const Records& after) {
    for (const auto& [subject, ownership] : after.ownerships) {
        const auto was = before.ownerships.find(subject);
        if (!ownership.dataset || was == before.ownerships.end() || was->second.owner == ownership.owner) continue;
        given_up_.erase({*ownership.dataset, ownership.owner.value});
        const Wanted* wanted = plan::wanted_of(after, ownership);
        const bool automatic = wanted && plan::failover_of(after, wanted->application) == Failover::automatic;
        if (ownership.promoting && !automatic) given_up_.insert({*ownership.dataset, was->second.owner.value});
    }
}

namespace {

/// Snapshots that a pool may hold of one dataset when all is calm.
constexpr std::size_t debt_max = 60;

std::optional<Bytes> wished_size(const Records& records, const Ownership& ownership) {
    const Wanted* wanted = plan::wanted_of(records, ownership);
    return wanted && wanted->application.volume ? wanted->application.volume->maximum_size : std::nullopt;
}

std::string too_few_replicas(const plan::View& view, const Ownership& ownership) {
    if (!ownership.dataset || !ownership.established) return {};
    if (ownership.promoting) return "its owner has not made its copy yet";
    const std::size_t others = view.records.nodes.size() - 1;
    const std::size_t wished = std::min<std::size_t>(plan::wished_replicas(view.records, ownership), others);
    if (ownership.replicas.size() != wished) {
        return fmt::format("{} replicas, {} are wished", ownership.replicas.size(), wished);
    }
    if (!ownership.leaving.empty()) return "a replica has not been let go yet";
    if (const Wanted* wanted = plan::wanted_of(view.records, ownership); wanted && wanted->replica_nodes) {
        for (const NodeId& node : *wanted->replica_nodes) {
            if (node == ownership.owner || ownership.replicas.contains(node)) continue;
            return "no replica on " + node.value + ", which is named";
        }
    }
    for (const plan::Lag& lag : plan::lags_of(view, ownership)) {
        const Duration wish = plan::wished_lag(view.records, ownership) + plan::lag_allowance;
        if (!lag.behind || *lag.behind > wish) return "a replica is behind: " + lag.reason;
    }
    return {};
}

}  // namespace

void NothingLost::compare(const DatasetId& dataset, const Subvolume* data, const std::string& when) const {
    const auto told = entries_.find(dataset);
    if (told == entries_.end()) return;
    std::vector<std::string> found;
    if (data) {
        for (const std::string& entry : data->entries) {
            if (entry != "shutdown" && entry != "start") found.push_back(entry);
        }
    }
    if (found == told->second) return;
    const auto [here, there] = std::ranges::mismatch(found, told->second);
    cluster_.world.violated("P2", fmt::format("{} {}: {} entries are there, {} were acknowledged; the first that differs is {}",
                                              dataset.value, when, found.size(), told->second.size(),
                                              there == told->second.end() ? "one too many" : *there));
}

void NothingLost::acknowledged(const Host& host, const DatasetId& dataset, const std::string& entry) {
    const Ownership* ownership = cluster_.owner_of(SubjectId{dataset.value});
    if (!ownership || ownership->owner == host.node.id) return entries_[dataset].push_back(entry);
    diverged_[dataset].push_back({host.node.name, {entry}});
}

namespace {

std::vector<std::string> of_clients(const Subvolume& data) {
    std::vector<std::string> found;
    for (const std::string& entry : data.entries) {
        if (entry != "shutdown" && entry != "start") found.push_back(entry);
    }
    return found;
}

}  // namespace

void NothingLost::failed_over(const Ownership& before, const Ownership& after) {
    const DatasetId& dataset = *after.dataset;
    std::vector<std::string>& told = entries_[dataset];
    if (before.owner != after.owner) before_failover_[dataset] = told;
    const std::vector<std::string>& all = before_failover_[dataset];
    const auto* there = cluster_.host(after.owner.value).pool.find(dataset);
    const auto from = there && after.began_from ? there->snapshots.find(*after.began_from) : decltype(there->snapshots.end()){};
    if (!there || !after.began_from || from == there->snapshots.end()) {
        // It has let it go for a newer one; the records are going to be told.
        return;
    }
    const std::vector<std::string> kept = of_clients(*from->second.data);
    const auto [here, beyond] = std::ranges::mismatch(kept, all);
    if (here != kept.end()) {
        return cluster_.world.violated("P2", fmt::format("{}: the replica at {} has what nobody was told: {}", dataset.value,
                                                         after.owner.value, *here));
    }
    if (before.owner != after.owner) {
        diverged_[dataset].push_back({before.owner.value, {beyond, all.end()}});
        left_behind_ += static_cast<std::uint64_t>(all.end() - beyond);
    }
    told = kept;
}

void NothingLost::diverged_kept() const {
    for (const auto& [dataset, branches] : diverged_) {
        const Ownership* ownership = ownership_of(cluster_.disk.records, dataset);
        if (!ownership || ownership->destroying) continue;
        const auto told = entries_.find(dataset);
        for (const Diverged& branch : branches) {
            if (branch.entries.empty()) continue;
            // The records may have been told of a newer snapshot afterwards, which has it.
            const std::string& last = branch.entries.back();
            const bool in_line = told != entries_.end() && std::ranges::find(told->second, last) != told->second.end();
            const auto holds_all = [&](const auto& entry) {
                const auto& entries = entry.second.data->entries;
                return std::ranges::all_of(branch.entries, [&](const std::string& each) {
                    return std::ranges::find(entries, each) != entries.end();
                });
            };
            // Where it was written; or, if that one had given it away again before it began, where it came from.
            const bool kept = std::ranges::any_of(cluster_.hosts, [&, &id = dataset](const auto& host) {
                const auto* there = host.second->pool.find(id);
                return there && std::ranges::any_of(there->set_aside, holds_all);
            });
            const auto removed = removed_.find(dataset);
            if (kept || in_line || (removed != removed_.end() && removed->second.contains(last))) continue;
            cluster_.world.violated("P4", fmt::format("{} of {} is set aside nowhere at {}", last, dataset.value, branch.node));
        }
    }
}

void NothingLost::letting_go(const Host& host, const DatasetId& dataset, const DatasetAction& action) {
    const auto* drop = std::get_if<DropAside>(&action);
    const auto* there = drop ? host.pool.find(dataset) : nullptr;
    if (!there) return;
    const Ownership* ownership = ownership_of(cluster_.disk.records, dataset);
    for (const SnapshotId& id : drop->set_aside) {
        const auto kept = there->set_aside.find(id);
        if (kept == there->set_aside.end()) continue;
        const auto wished = ownership ? ownership->asides_to_go.find(host.node.id) : decltype(ownership->asides_to_go.end()){};
        const bool asked = ownership && wished != ownership->asides_to_go.end() && wished->second.contains(id);
        if (ownership && !asked && !ownership->destroying) {
            cluster_.world.violated("P3", fmt::format("{} of {}, set aside at {}, goes though nobody asked", to_text(id),
                                                      dataset.value, host.node.name));
        }
        removed_[dataset].insert(kept->second.data->entries.begin(), kept->second.data->entries.end());
    }
}

void NothingLost::committed(const Records& before, const Records& after) {
    for (const auto& [subject, ownership] : after.ownerships) {
        const auto was = before.ownerships.find(subject);
        if (!ownership.dataset || was == before.ownerships.end()) continue;
        if (ownership.promoting) {
            if (was->second.owner != ownership.owner || was->second.began_from != ownership.began_from) {
                failed_over(was->second, ownership);
            }
            continue;
        }
        if (was->second.owner == ownership.owner) continue;
        const auto* dataset = cluster_.host(ownership.owner.value).pool.find(*ownership.dataset);
        const auto* copy = !dataset ? nullptr : dataset->trial_data ? dataset->trial_data.get() : dataset->live.get();
        compare(*ownership.dataset, copy, "at its commit");
    }
}

void NothingLost::at_end() const {
    for (const auto& [subject, ownership] : cluster_.disk.records.ownerships) {
        if (!ownership.dataset || ownership.destroying || !ownership.established) continue;
        const auto* dataset = cluster_.host(ownership.owner.value).pool.find(*ownership.dataset);
        compare(*ownership.dataset, dataset ? dataset->live.get() : nullptr, "at the end");
    }
    diverged_kept();
}

void LastCopyKept::look() const {
    for (const auto& [subject, known] : cluster_.disk.records.ownerships) {
        const Ownership& ownership = *cluster_.owner_of(subject);
        if (!ownership.dataset || !ownership.established || ownership.destroying) continue;
        const auto* dataset = cluster_.host(ownership.owner.value).pool.find(*ownership.dataset);
        const bool trial = dataset && dataset->trial_data && dataset->trial && dataset->trial->move == ownership.won_by;
        const bool replica = ownership.promoting && dataset && !dataset->snapshots.empty();
        if (dataset && (dataset->live || trial || replica)) continue;
        cluster_.world.violated(
            "P3", fmt::format("{} has no owner's copy at {}", ownership.dataset->value, ownership.owner.value));
    }
}

void LastCopyKept::letting_go(const Host& host, const DatasetId& dataset, const DatasetAction& action) const {
    if (!std::holds_alternative<DestroyDataset>(action)) return;
    const Ownership* ownership = ownership_of(cluster_.disk.records, dataset);
    if (ownership && !ownership->destroying) {
        cluster_.world.violated("P3", fmt::format("{} is destroyed at {} though nobody asked", dataset.value, host.node.name));
    }
}

void DivergedKept::demoting(const Host& host, const DatasetId& dataset) const {
    const auto* seen = host.pool.find(dataset);
    if (!seen || !seen->live) return;
    // Looked at when the demotion is done, before anything else happens.
    cluster_.world.at(Duration{0}, [this, &host, dataset, entries = seen->live->entries] {
        const auto* after = host.pool.find(dataset);
        const auto holds_it = [&](const auto& entry) { return entry.second.data->entries == entries; };
        const bool kept = after && (after->live || std::ranges::any_of(after->snapshots, holds_it) ||
                                    std::ranges::any_of(after->set_aside, holds_it));
        if (!kept) {
            cluster_.world.violated("P4", fmt::format("what {} wrote to {} is kept nowhere", host.node.name, dataset.value));
        }
    });
}

void DebtBounded::look() const {
    for (const auto& [name, host] : cluster_.hosts) {
        const Bytes pinned = host->pool.pinned();
        if (pinned < host->pool.size) continue;
        cluster_.world.violated("debt", fmt::format("snapshots have filled the pool of {} ({} bytes)", name, pinned.value));
    }
}

std::string Converges::unsettled() const {
    if (!cluster_.control()) return "the control service does not run";
    const plan::View view = cluster_.control()->view();
    for (const auto& [name, wanted] : view.records.configuration) {
        if (plan::is_settled(view, wanted)) continue;
        const auto found = view.records.ownerships.find(subject_of(wanted.application));
        std::string why;
        for (const auto& reason : plan::explain(view, name.value)) why += reason.waits_for + " (" + reason.node + "); ";
        if (found == view.records.ownerships.end()) return name.value + ": nobody owns it";
        // A move that failed is not tried again by itself; then it runs where it ran before.
        const Ownership& ownership = found->second;
        Wanted there = wanted;
        there.node = ownership.owner;
        if (ownership.avoided_target == wanted.node && plan::is_settled(view, there)) continue;
        return fmt::format("{}: {}", name.value, why);
    }
    for (const auto& [subject, ownership] : view.records.ownerships) {
        if (ownership.destroying) return subject.value + ": not destroyed yet";
        if (!ownership.asides_to_go.empty()) return subject.value + ": what was set aside is not removed yet";
        if (auto thin = too_few_replicas(view, ownership); !thin.empty()) return subject.value + ": " + thin;
    }
    for (const auto& [name, host] : cluster_.hosts) {
        for (const auto& [id, dataset] : host->pool.datasets()) {
            const Ownership* ownership = ownership_of(view.records, id);
            if (ownership && dataset.live && ownership->owner.value != name) {
                return name + " has not stepped down for " + id.value;
            }
            if (ownership && dataset.live && dataset.maximum_size != wished_size(view.records, *ownership)) {
                return name + " has not set the maximum size of " + id.value;
            }
            const bool has_part = ownership && (ownership->owner.value == name || ownership->replicas.contains(NodeId{name}));
            if (ownership && !has_part && !dataset.snapshots.empty()) return id.value + " is left over on " + name;
            if (dataset.snapshots.size() > debt_max) return fmt::format("{} keeps {} snapshots", name, dataset.snapshots.size());
        }
    }
    return {};
}

void RightPlace::reached(const Host& host, const EngineHost::Container& container) const {
    const Records& records = cluster_.disk.records;
    const auto found = records.ownerships.find(subject_of(container.spec.application));
    const Ownership* owner = cluster_.owner_of(subject_of(container.spec.application));
    if (owner && owner->owner == host.node.id) return;
    const auto& volume = container.spec.application.volume;
    if (volume && writers_.given_up(volume->dataset, host.node.name)) return;
    // Taken out of the manifests a moment ago: it is nobody's, and on its way to be stopped.
    if (found == records.ownerships.end()) return;
    // Without a volume there is no epoch on a pool: a node that starts while it can't reach the control
    // service has only its last assignment to go by (P7), and the application has no data to harm.
    if (!found->second.dataset && nodes_restart_) return;
    cluster_.world.violated("P8", fmt::format("a new connection to {} reached {}, the owner is {}",
                                              container.spec.application.name.value, host.node.name,
                                              found->second.owner.value));
}

}  // namespace flocker::sim
