// SPDX-License-Identifier: Apache-2.0
//
// What the control service keeps for ever. Nothing that a node can tell again is in here: lag,
// sizes, progress and health are reported, never stored.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "model/deployment.hpp"
#include "model/node.hpp"
#include "model/report.hpp"

namespace flocker::model {

/// What an ownership is about: the dataset's UUID, or "app:NAME" for an application without a
/// volume. Each is owned by one node at a time and moves in the same phases.
using SubjectId = Strong<struct SubjectIdTag, std::string>;
[[nodiscard]] SubjectId subject_of(const Application& application);

/// The phases of a move that has been committed to, in their order. See ARCHITECTURE.md, "The life
/// of a move".
enum class MovePhase : std::uint8_t {
    staging,   ///< The target gets the data and the image; the application runs at the source.
    sealing,   ///< The source stops the application and takes the final snapshot.
    trial,     ///< The target starts the application on the sealed snapshot; no client reaches it.
    settling,  ///< Committed: the target is the owner; clients are being let through.
};
[[nodiscard]] const char* to_string(MovePhase phase);

struct Move {
    MoveId id;
    MovePhase phase{MovePhase::staging};
    NodeId source;
    NodeId target;
    std::optional<SnapshotId> sealed;  ///< From `trial` on: exactly what the target starts from.
    Instant started;        ///< When the move was committed to.
    Instant phase_started;  ///< When the present phase was.
    Instant sealing_started;  ///< Valid from `sealing` on.
    Bytes bytes_live;       ///< Sent while the application ran; final from `sealing` on.
    std::uint32_t rounds{0};  ///< Snapshots sent while it ran; final from `sealing` on.
    Bytes bytes_cutover;    ///< Sent while it was down; final from `settling` on.
    /// `staging`: since when the increments are small and the target waits, if something else is still
    /// to come before the cutover: the source's hook, or a moment that is calm enough.
    std::optional<Instant> ready_since;
    /// The cutover begins only when it is predicted to take at most this.
    std::optional<Duration> downtime_max;
    std::optional<Duration> predicted;  ///< The downtime, as predicted when sealing began.

    friend bool operator==(const Move&, const Move&) = default;
};

/// How a move ended.
struct MoveResult {
    MoveId id;
    NodeId source;
    NodeId target;
    Instant started;
    Instant ended;
    bool succeeded{false};
    bool failover{false};    ///< The source was lost; the target went on from the newest snapshot that it had.
    Duration lost{};         ///< Of a failover: what was written in so long a time is set aside at the source.
    std::string reason;      ///< Why it was given up; empty if it succeeded.
    Duration downtime{};     ///< From the sealing's commit until the target was seen serving.
    Bytes bytes_live;
    Bytes bytes_cutover;
    std::uint32_t rounds{0};
    std::optional<Duration> predicted;     ///< The downtime, as predicted when the cutover began.
    std::map<MoveStep, Duration> steps;    ///< As the nodes measured them; of a move that was given up some.

    friend bool operator==(const MoveResult&, const MoveResult&) = default;
};

/// What holds for the whole cluster where a manifest is silent. `flocker config`.
struct ClusterSettings {
    std::uint32_t replicas{1};
    Duration lag{1s};
    Failover failover{Failover::manual};
    Duration replace_after{600s};  ///< A replica on a node that is lost for so long is made elsewhere.
    std::uint32_t full_copies_max{2};  ///< At a time, in the whole cluster; what a move needs comes on top.
    Bandwidth bandwidth{};  ///< Of what each node sends to replicas, where the node has none of its own.

    friend bool operator==(const ClusterSettings&, const ClusterSettings&) = default;
};

/// Who may run an application and write its dataset. One durable record a subject; the heart of
/// P1: only the control service changes it, one commit at a time.
struct Ownership {
    SubjectId subject;
    std::optional<DatasetId> dataset;            ///< nullopt: an application without a volume.
    std::optional<ApplicationName> application;  ///< nullopt: a detached volume.
    NodeId owner;
    Epoch epoch{1};
    /// The move that made this owner the owner; 0 for the first one. A trial of this move, and of no
    /// other, may become the dataset.
    MoveId won_by{0};
    /// The owner has reported the dataset once. From then on it is never created anew: if it can't
    /// be found, that is a loss to be told, not an empty volume to be started on.
    bool established{false};
    /// After a failover: the owner has not been seen with its own copy yet; it is to make it from
    /// `began_from`.
    bool promoting{false};
    std::set<NodeId> replicas;  ///< Nodes that hold, or are to keep, a copy beside the owner's.
    /// Nodes that are to let their replica go, since others have what was wished. What was set aside
    /// there stays.
    std::set<NodeId> leaving;
    /// The snapshot that the present owner's copy began from; nullopt: from nothing. What a former owner
    /// wrote beyond it is diverged (P4).
    std::optional<SnapshotId> began_from;
    std::optional<Move> move;
    std::vector<MoveResult> moves;  ///< How the last ones ended, newest last; at most moves_kept.
    /// Set while a move to this node is not to be tried again, because it failed; a new deployment
    /// or `flocker move` clears it.
    std::optional<NodeId> avoided_target;
    bool destroying{false};  ///< The user asked by name for this dataset to be destroyed.
    /// What was set aside and the user asked by name to be removed, by the node that it lies on. Until that
    /// node says that it is gone.
    std::map<NodeId, std::set<SnapshotId>> asides_to_go;

    friend bool operator==(const Ownership&, const Ownership&) = default;
};

inline constexpr std::size_t moves_kept = 20;
/// nullptr: it has not been moved yet.
[[nodiscard]] const MoveResult* last_move(const Ownership& ownership);

/// One application of the configuration and where it is wanted.
struct Wanted {
    Application application;
    Place place_as_written;  ///< For messages: as the user said it.
    NodeId node;             ///< What the planner made of it; stays until the place changes.
    /// Grows when a user's deployment is to start the container once more although nothing in it
    /// has changed (it had exited).
    std::uint64_t incarnation{0};
    std::optional<Duration> downtime_max;  ///< Of the next move; see Move.
    /// Where the user wants the replicas of its volume; nullopt: the planner chooses.
    std::optional<std::set<NodeId>> replica_nodes{};

    friend bool operator==(const Wanted&, const Wanted&) = default;
};

enum class EventKind : std::uint8_t {
    deployed, node_joined, node_removed, move_started, move_phase, move_finished, move_failed,
    volume_created, volume_destroyed, application_failed, node_lost, node_back,
    failed_over, lag_broken, lag_met, replica_added, replica_removed, data_set_aside, settings_changed,
    node_draining, node_activated, failover_withheld, control_taken_over, pool_knew_better, aside_removed, replica_differs,
    snapshots_let_go,
    stranger_found,
    records_restored,
};
[[nodiscard]] const char* to_string(EventKind kind);

/// Something that happened, for people to read afterwards.
struct Event {
    std::uint64_t number{0};  ///< Given by the state store; grows.
    Instant at;
    EventKind kind{EventKind::deployed};
    std::string subject;  ///< Application, node or dataset.
    std::string text;     ///< One sentence.

    friend bool operator==(const Event&, const Event&) = default;
};

/// The machine with the control service was lost, and these records are the copy that another node had.
struct Takeover {
    Revision copied;  ///< The last commit that the copy had. Others may have come after it; the pools know of them.
    Instant at;
    std::set<NodeId> unheard;  ///< Members that have not said since then what is on their pools.

    friend bool operator==(const Takeover&, const Takeover&) = default;
};

/// All of it. `revision` is the number of the last commit.
struct Records {
    Revision revision;
    std::map<NodeId, Node> nodes;
    std::map<ApplicationName, Wanted> configuration;
    std::map<SubjectId, Ownership> ownerships;
    std::uint64_t last_move{0};  ///< The highest MoveId ever given.
    ClusterSettings settings;
    std::optional<Takeover> takeover;  ///< Until every member has been heard.

    friend bool operator==(const Records&, const Records&) = default;
};

struct PutNode { Node node; friend bool operator==(const PutNode&, const PutNode&) = default; };
struct EraseNode { NodeId node; friend bool operator==(const EraseNode&, const EraseNode&) = default; };
struct PutWanted { Wanted wanted; friend bool operator==(const PutWanted&, const PutWanted&) = default; };
struct EraseWanted { ApplicationName application; friend bool operator==(const EraseWanted&, const EraseWanted&) = default; };
/// Also raises `last_move` to the ownership's move and to `won_by`, if that is higher.
struct PutOwnership { Ownership ownership; friend bool operator==(const PutOwnership&, const PutOwnership&) = default; };
struct EraseOwnership { SubjectId subject; friend bool operator==(const EraseOwnership&, const EraseOwnership&) = default; };
struct PutSettings { ClusterSettings settings; friend bool operator==(const PutSettings&, const PutSettings&) = default; };
struct PutTakeover { std::optional<Takeover> takeover; friend bool operator==(const PutTakeover&, const PutTakeover&) = default; };
struct AddEvent { Event event; friend bool operator==(const AddEvent&, const AddEvent&) = default; };

/// A durable change is a value: the state store writes it, and apply() does the same in memory.
using Change = std::variant<PutNode, EraseNode, PutWanted, EraseWanted, PutOwnership, EraseOwnership, PutSettings,
                            PutTakeover, AddEvent>;

/// Deterministic and total. Does not touch `revision`: that is the store's to give.
void apply(const Change& change, Records& records);

}  // namespace flocker::model
