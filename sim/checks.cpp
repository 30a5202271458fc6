// SPDX-License-Identifier: Apache-2.0
#include "sim/checks.hpp"

#include <fmt/format.h>

#include <algorithm>

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
    const Ownership* ownership = ownership_of(cluster_.disk.records, application.volume->dataset);
    if (trial) {
        const bool won = ownership && ownership->owner == host.node.id && ownership->won_by == dataset->trial->move;
        if (by_client && !won) complain("a client reached a trial that no commit has made the dataset");
        return;
    }
    if (!live) return complain("it writes a copy that is neither live nor a trial");
    if (container.volume->read_only) return complain("it writes a sealed copy");
    if (!ownership || ownership->owner != host.node.id) complain("it is not the owner by the records");
}

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

void NothingLost::committed(const Records& before, const Records& after) const {
    for (const auto& [subject, ownership] : after.ownerships) {
        const auto was = before.ownerships.find(subject);
        if (!ownership.dataset || was == before.ownerships.end() || was->second.owner == ownership.owner) continue;
        const auto* dataset = cluster_.host(ownership.owner.value).pool.find(*ownership.dataset);
        compare(*ownership.dataset, dataset ? dataset->trial_data.get() : nullptr, "at its commit");
    }
}

void NothingLost::at_end() const {
    for (const auto& [subject, ownership] : cluster_.disk.records.ownerships) {
        if (!ownership.dataset || ownership.destroying || !ownership.established) continue;
        const auto* dataset = cluster_.host(ownership.owner.value).pool.find(*ownership.dataset);
        compare(*ownership.dataset, dataset ? dataset->live.get() : nullptr, "at the end");
    }
}

void LastCopyKept::look() const {
    for (const auto& [subject, ownership] : cluster_.disk.records.ownerships) {
        if (!ownership.dataset || !ownership.established || ownership.destroying) continue;
        const auto* dataset = cluster_.host(ownership.owner.value).pool.find(*ownership.dataset);
        const bool trial = dataset && dataset->trial_data && dataset->trial && dataset->trial->move == ownership.won_by;
        if (dataset && (dataset->live || trial)) continue;
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
        const bool kept = after && (after->live || std::ranges::any_of(after->snapshots, [&](const auto& entry) {
                              return entry.second.data->entries == entries;
                          }));
        if (!kept) {
            cluster_.world.violated("P4", fmt::format("what {} wrote to {} is kept nowhere", host.node.name, dataset.value));
        }
    });
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
    }
    return {};
}

void RightPlace::reached(const Host& host, const EngineHost::Container& container) const {
    const Records& records = cluster_.disk.records;
    const auto found = records.ownerships.find(subject_of(container.spec.application));
    if (found != records.ownerships.end() && found->second.owner == host.node.id) return;
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
