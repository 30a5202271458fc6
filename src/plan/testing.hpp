// SPDX-License-Identifier: Apache-2.0
//
// For the tests of plan and protocol: a small cluster as the control service sees it.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "plan/view.hpp"

namespace flocker::plan::testing {

inline const model::NodeId alder{"id-alder"};
inline const model::NodeId birch{"id-birch"};
inline const model::NodeId cedar{"id-cedar"};
inline const model::DatasetId orders{"6e7a1c52-0d7f-4a53-9f2e-3a1b5c7d9e01"};
inline const model::ApplicationName db{"db"};
inline const model::ApplicationName web{"web"};
inline constexpr Instant noon{1'800'000'000'000'000'000};

inline model::SnapshotId snap(std::uint64_t epoch, std::uint64_t sequence) { return {model::Epoch{epoch}, sequence}; }

inline model::Node node(const model::NodeId& id, const std::string& address, const std::string& datacenter) {
    model::Node made;
    made.id = id;
    made.name = id.value.substr(3);
    made.hostname = made.name + ".example";
    made.address = address;
    made.datacenter = datacenter;
    return made;
}

/// A database with the volume `orders`, on port 5432, without a hook.
inline model::Application database() {
    model::Application made;
    made.name = db;
    made.image = "postgres:15";
    made.ports = {{5432, 5432}};
    made.volume = model::Volume{orders, "/data", {}, {}};
    made.before_move.emplace();
    return made;
}

/// An application without a volume, on port 8080.
inline model::Application website() {
    model::Application made;
    made.name = web;
    made.image = "web:1";
    made.ports = {{80, 8080}};
    return made;
}

inline model::Place on(const std::string& name) { return model::NodeReference{name}; }
inline model::Place in(const std::string& datacenter) { return model::DatacenterName{datacenter}; }

inline model::DatasetSeen live_dataset(std::uint64_t epoch, const std::vector<model::SnapshotId>& snapshots = {}) {
    model::DatasetSeen seen;
    seen.id = orders;
    seen.epoch = model::Epoch{epoch};
    seen.live = true;
    seen.mounted = true;
    for (const auto& id : snapshots) seen.snapshots.push_back({id, noon});
    return seen;
}
inline model::DatasetSeen replica(std::uint64_t epoch, const std::vector<model::SnapshotId>& snapshots) {
    model::DatasetSeen seen = live_dataset(epoch, snapshots);
    seen.live = seen.mounted = false;
    return seen;
}

inline model::ContainerSeen container(const model::ApplicationName& name, model::ContainerSeen::Status status) {
    model::ContainerSeen seen;
    seen.application = name;
    seen.container = "c-" + name.value;
    seen.status = status;
    seen.address = "172.31.0.2";
    seen.ready = status == model::ContainerSeen::Status::running;
    return seen;
}
inline model::ContainerSeen running(const model::ApplicationName& name) {
    return container(name, model::ContainerSeen::Status::running);
}
inline model::ContainerSeen created(const model::ApplicationName& name) {
    return container(name, model::ContainerSeen::Status::created);
}
inline model::ContainerSeen waiting(const model::ApplicationName& name) {
    auto seen = container(name, model::ContainerSeen::Status::waiting);
    seen.ready = true;
    return seen;
}
inline model::ContainerSeen exited(const model::ApplicationName& name, int code) {
    auto seen = container(name, model::ContainerSeen::Status::exited);
    seen.exit_code = code;
    return seen;
}

/// A round that needs `took`, of a dataset that is written a little.
inline model::RoundSeen round_of(Duration took, bool whole = false) {
    return {snap(1, 1), Bytes{1000}, took, std::max<Duration>(took, 1s), whole};
}

/// Three nodes that answer and know what they were told: alder and birch in "east", cedar in "west".
struct Scene {
    Scene() {
        records.revision = model::Revision{7};
        int last = 10;
        for (const auto& id : {alder, birch, cedar}) {
            records.nodes[id] = node(id, "10.0.0." + std::to_string(last++), id == cedar ? "west" : "east");
            model::NodeReport& report = states[id].report;
            report.node = id;
            report.images = {"postgres:15", "web:1"};
            report.pool_size = Bytes{1ULL << 30U};
            report.pool_free = Bytes{1ULL << 29U};
        }
        everyone_answers();
    }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;

    [[nodiscard]] View view() const { return {records, states, now, started}; }
    model::NodeReport& report(const model::NodeId& id) { return states.at(id).report; }
    model::Ownership& owned(const model::Application& application) {
        return records.ownerships.at(model::subject_of(application));
    }

    /// All nodes have been heard just now, knowing all that has been committed.
    void everyone_answers() {
        for (auto& [id, state] : states) {
            state.heard = now;
            state.published = state.report.revision = records.revision;
        }
    }
    /// Time passes in which the node says nothing and the others go on reporting.
    void silence(const model::NodeId& id, Duration passed) {
        const Instant heard = states.at(id).heard;
        now = now + passed;
        everyone_answers();
        states.at(id).heard = heard;
    }
    void commit(const std::vector<model::Change>& changes) {
        for (const auto& change : changes) model::apply(change, records);
        records.revision = model::Revision{records.revision.value + 1};
        everyone_answers();
    }
    /// The application is configured on the node, owned by it and runs there.
    model::Ownership& settled(const model::Application& application, const model::NodeId& on_node) {
        model::Wanted wanted;
        wanted.application = application;
        wanted.place_as_written = on(records.nodes.at(on_node).name);
        wanted.node = on_node;
        records.configuration[application.name] = wanted;
        model::Ownership ownership;
        ownership.subject = model::subject_of(application);
        if (application.volume) ownership.dataset = application.volume->dataset;
        ownership.application = application.name;
        ownership.owner = on_node;
        ownership.established = application.volume.has_value();
        records.ownerships[ownership.subject] = ownership;
        if (application.volume) report(on_node).datasets.push_back(live_dataset(1, {snap(1, 5)}));
        report(on_node).containers.push_back(running(application.name));
        for (auto& [id, state] : states) {
            for (const auto& port : application.ports) {
                const bool udp = port.protocol == model::Protocol::udp;
                (udp ? state.report.open_udp_routes : state.report.open_routes).insert(port.external);
            }
        }
        return owned(application);
    }
    /// Move 3 of the application from its owner, in this phase.
    model::Move& moving(const model::Application& application, const model::NodeId& target, model::MovePhase phase) {
        model::Ownership& ownership = owned(application);
        model::Move move;
        move.id = model::MoveId{3};
        move.phase = phase;
        move.source = ownership.owner;
        move.target = target;
        move.started = move.phase_started = move.sealing_started = now;
        if (phase == model::MovePhase::trial || phase == model::MovePhase::settling) move.sealed = snap(1, 9);
        if (phase == model::MovePhase::settling) {
            ownership.replicas = {ownership.owner};
            ownership.owner = target;
            ownership.epoch = model::Epoch{ownership.epoch.value + 1};
            ownership.won_by = move.id;
        }
        ownership.move = move;
        records.configuration.at(application.name).node = target;
        records.configuration.at(application.name).place_as_written = on(records.nodes.at(target).name);
        records.last_move = 3;
        return *ownership.move;
    }

    model::Records records;
    std::map<model::NodeId, NodeState> states;
    Instant now{noon};
    Instant started{noon - 1min * 60};
};

/// The one change of this kind; nullptr unless there is exactly one.
template <class Kind>
const Kind* only(const std::vector<model::Change>& changes) {
    const Kind* found = nullptr;
    for (const auto& change : changes) {
        const auto* one = std::get_if<Kind>(&change);
        if (one && found) return nullptr;
        if (one) found = one;
    }
    return found;
}

}  // namespace flocker::plan::testing
