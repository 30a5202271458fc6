// SPDX-License-Identifier: Apache-2.0
//
// The control service's instruction to one node: the whole truth for that node, not a list of
// steps. A pure function of the committed records, so two services with equal records say the same.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/application.hpp"
#include "model/node.hpp"
#include "model/records.hpp"

namespace flocker::model {

/// What a node has to do with a dataset.
enum class Duty : std::uint8_t {
    serve,    ///< Own it at `epoch`: writable, mounted, its application runs.
    seal,     ///< Still the owner at `epoch`: stop the application, seal it for `move`.
    receive,  ///< Keep a replica and take snapshots; no writable copy.
    trial,    ///< Start the application on a writable copy of `from`, for `move`; no client reaches it.
    destroy,  ///< Remove every trace of it. The user asked for it by name.
};
[[nodiscard]] const char* to_string(Duty duty);

struct DatasetAssignment {
    DatasetId dataset;
    Duty duty{Duty::receive};
    NodeId owner;  ///< As committed; the only node that snapshots are taken from.
    Epoch epoch;   ///< Of that owner.
    /// `seal`, `trial`: the move under way. `serve`: the move that made this node the owner (0: none).
    MoveId move;
    std::optional<SnapshotId> from;  ///< `trial`: what to start from.
    std::optional<NodeId> won_from;  ///< `serve`, while settling: who holds the snapshot of the trial.
    bool may_create{false};          ///< `serve`: the dataset has never existed; make it.
    /// `serve`, `seal`: where its snapshots go, one increment after another, ahead of everything
    /// else. Empty: nowhere.
    std::optional<NodeId> feed;
    std::set<NodeId> replicas;  ///< `serve`, `seal`: whose last acknowledged snapshot is kept.
    std::optional<Bytes> maximum_size;

    friend bool operator==(const DatasetAssignment&, const DatasetAssignment&) = default;
};

/// What a node has to do with an application.
enum class Intent : std::uint8_t {
    run,      ///< Keep it running by its restart policy.
    prepare,  ///< Have its image and its container ready, not started.
    hold,     ///< Have it stopped; keep the container (it may have to start again at once).
};
[[nodiscard]] const char* to_string(Intent intent);

struct ApplicationAssignment {
    Application application;
    Intent intent{Intent::run};
    MoveId move;  ///< `run` in a trial, `hold`: the move that this is for. Otherwise 0.
    std::uint64_t incarnation{0};
    MoveId hook_for{0};  ///< `run`: run its hook for this move, while it serves. 0: none.

    friend bool operator==(const ApplicationAssignment&, const ApplicationAssignment&) = default;
};

/// Where connections to an external port go, seen from one node.
struct Route {
    std::uint16_t external{0};
    std::uint16_t internal{0};
    ApplicationName application;
    NodeId owner;      ///< This node: to the container here. Another: to the same port there.
    bool held{false};  ///< New connections wait here until this is false again.

    friend bool operator==(const Route&, const Route&) = default;
};

struct Assignment {
    NodeId node;
    /// The records that this follows from; an assignment with a lower one is out of date.
    Revision revision;
    std::vector<DatasetAssignment> datasets;          ///< By dataset.
    std::vector<ApplicationAssignment> applications;  ///< By name. Not named here: to be removed.
    std::vector<Route> routes;                        ///< By external port.
    std::vector<Node> nodes;                          ///< All members, by id.

    friend bool operator==(const Assignment&, const Assignment&) = default;
};

}  // namespace flocker::model
