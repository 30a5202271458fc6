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

/// How long an owner may serve an application with automatic failover after it was last heard by the
/// control service. Nothing is given away before this is over, by any clock that is not off by more than
/// the allowance in plan/limits.hpp.
inline constexpr Duration lease_duration = 4s;

/// What a node has to do with a dataset.
enum class Duty : std::uint8_t {
    serve,    ///< Own it at `epoch`: writable, mounted, its application runs.
    seal,     ///< Still the owner at `epoch`: stop the application, seal it for `move`.
    receive,  ///< Keep a replica and take snapshots; no writable copy.
    trial,    ///< Start the application on a writable copy of `from`, for `move`; no client reaches it.
    destroy,  ///< Remove every trace of it. The user asked for it by name.
    release,  ///< Let the replica go: others have what was wished. What was set aside stays.
};
[[nodiscard]] const char* to_string(Duty duty);

struct DatasetAssignment {
    DatasetId dataset;
    Duty duty{Duty::receive};
    NodeId owner;  ///< As committed; the only node that snapshots are taken from.
    Epoch epoch;   ///< Of that owner.
    /// `seal`, `trial`: the move under way. `serve`: the move that made this node the owner (0: none).
    MoveId move;
    /// `trial`: what to start from. `serve`, when there is no owner's copy here yet: what to make it from,
    /// since the former owner is lost. `receive`: what the present owner began from.
    std::optional<SnapshotId> from;
    std::optional<NodeId> won_from;  ///< `serve`, while settling or promoted: who else has what it began from.
    /// Moves of before that made some node the owner. A trial of one of them may have been written by
    /// clients before it became the live copy: it is not thrown away, but set aside like one (P4).
    std::set<MoveId> past_wins;
    bool may_create{false};          ///< `serve`: the dataset has never existed; make it.
    /// `serve`, `seal`: where its snapshots go, one increment after another, ahead of everything
    /// else. Empty: nowhere.
    std::optional<NodeId> feed;
    /// `serve`, `seal`: where its snapshots go all the time, within `lag`; the last one that each of them
    /// acknowledged is kept.
    std::set<NodeId> replicas;
    Duration lag{1s};
    std::optional<Bytes> maximum_size;
    std::set<SnapshotId> asides_to_go;  ///< What was set aside here and the user wants removed, by name (P3).
    Bandwidth bandwidth{};  ///< Of what this node sends of it, beside the node's own.

    friend bool operator==(const DatasetAssignment&, const DatasetAssignment&) = default;
};

/// What a node has to do with an application.
enum class Intent : std::uint8_t {
    run,      ///< Keep it running by its restart policy.
    prepare,  ///< Have its image and its container ready, not started.
    hold,     ///< Have it stopped; keep the container (it may have to start again at once).
    stand_by,  ///< Have its image: it may have to be started here one day. No container.
};
[[nodiscard]] const char* to_string(Intent intent);

struct ApplicationAssignment {
    Application application;
    Intent intent{Intent::run};
    MoveId move;  ///< `run` in a trial, `hold`: the move that this is for. Otherwise 0.
    std::uint64_t incarnation{0};
    MoveId hook_for{0};  ///< `run`: run its hook for this move, while it serves. 0: none.
    bool leased{false};  ///< It serves only under this node's lease.

    friend bool operator==(const ApplicationAssignment&, const ApplicationAssignment&) = default;
};

/// Where connections to an external port go, seen from one node.
struct Route {
    std::uint16_t external{0};
    std::uint16_t internal{0};
    ApplicationName application;
    NodeId owner;      ///< This node: to the container here. Another: to the same port there.
    bool held{false};  ///< New connections wait here until this is false again.
    /// The owner before, if this one took over because it was lost: what is open to it ends.
    std::optional<NodeId> lost{};
    Protocol protocol{Protocol::tcp};

    friend bool operator==(const Route&, const Route&) = default;
};

struct Assignment {
    NodeId node;
    /// The records that this follows from; an assignment with a lower one is out of date.
    Revision revision;
    std::vector<DatasetAssignment> datasets;          ///< By dataset.
    std::vector<ApplicationAssignment> applications;  ///< By name. Not named here: to be removed.
    std::vector<Route> routes;                        ///< By external port; TCP's before UDP's.
    std::vector<Node> nodes;                          ///< All members, by id.
    Bandwidth bandwidth{};                            ///< Of what this node sends to replicas, all together.

    friend bool operator==(const Assignment&, const Assignment&) = default;
};

/// The lists as they are to be: there may be thousands of volumes, and they are looked up in them.
void put_in_order(Assignment& assignment);

}  // namespace flocker::model
