// SPDX-License-Identifier: Apache-2.0
//
// State: what an agent observes on its node. Reported, never stored as truth.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/ids.hpp"
#include "model/port.hpp"

namespace flocker::model {

struct SnapshotSeen {
    SnapshotId id;
    Instant taken;  ///< By the clock of the node that took it.

    friend bool operator==(const SnapshotSeen&, const SnapshotSeen&) = default;
};

/// A snapshot that has come in part.
struct PartialSeen {
    std::optional<SnapshotId> base;
    SnapshotId to;
    Bytes received;
    Epoch epoch{};  ///< Of the owner that sent it. Another one's does not go on from it.
    friend bool operator==(const PartialSeen&, const PartialSeen&) = default;
};

/// A sealed dataset: nobody writes it, and `snapshot` is equal to it.
struct Seal {
    MoveId move;
    SnapshotId snapshot;
    Revision told{0};  ///< Of the assignment that said so. One that is older does not undo it.
    friend bool operator==(const Seal&, const Seal&) = default;
};

/// A writable copy that becomes the dataset only by the commit of `move`.
struct Trial {
    MoveId move;
    SnapshotId from;
    friend bool operator==(const Trial&, const Trial&) = default;
};

/// What a former owner wrote and no other node has: kept until a person removes it (P4).
struct SetAsideSeen {
    SnapshotId id;
    Instant taken;
    Bytes size;  ///< All of it, roughly.
    friend bool operator==(const SetAsideSeen&, const SetAsideSeen&) = default;
};

/// One dataset as it lies on a node's pool.
struct DatasetSeen {
    DatasetId id;
    Epoch epoch;            ///< Of the last owner that this copy knows of; from the marker.
    bool live{false};       ///< There is a writable subvolume, or a sealed one: this was the owner's copy.
    std::optional<Seal> seal;    ///< Only with `live`.
    std::optional<Trial> trial;
    bool mounted{false};    ///< The live one, or else the trial, is mounted in the volumes folder.
    std::vector<SnapshotSeen> snapshots;  ///< Whole ones, oldest first.
    /// What other nodes are known to hold, by the receipts that this owner got from them.
    std::map<NodeId, SnapshotId> acknowledged;
    /// `live` may differ from the newest snapshot. Never false when it does.
    bool changed{false};
    Bytes used;  ///< Data in the newest copy, roughly.
    std::vector<SetAsideSeen> set_aside;  ///< Oldest first.
    std::optional<Bytes> maximum_size{};  ///< Of the live copy or the trial, as LimitDataset set it.
    std::string size_trouble{};           ///< Why `maximum_size` is not kept on this node; empty: it is.

    friend bool operator==(const DatasetSeen&, const DatasetSeen&) = default;
};

/// One container of ours.
struct ContainerSeen {
    enum class Status : std::uint8_t {
        created,
        waiting,  ///< Started; its command is held at the gate.
        running,
        exited,
    };
    ApplicationName application;
    std::string container;    ///< The engine's id.
    std::string fingerprint;  ///< Of the specification it was made from; see fingerprint().
    Status status{Status::created};
    std::string address;      ///< Its IPv4 address on our bridge.
    int exit_code{0};         ///< Only when exited.
    Instant started;
    Instant finished;         ///< Only when exited.
    /// running: it answers on its ports, or its health check passes, since it was last started; found by
    /// an action, kept by the agent. waiting: it is as its specification says now.
    bool ready{false};
    /// running: it does not heed its stop signal, and will be killed when this grace period is over; nullopt: it
    /// does, or that can't be told. Found and kept as `ready` is: before that it may not have set up what it does.
    std::optional<Duration> killed_after{};

    friend bool operator==(const ContainerSeen&, const ContainerSeen&) = default;
};

/// Its own, or the one that waits at its gate.
[[nodiscard]] constexpr bool has_process(ContainerSeen::Status status) {
    return status == ContainerSeen::Status::running || status == ContainerSeen::Status::waiting;
}

/// One round of a feed: a snapshot that went to another node.
struct RoundSeen {
    SnapshotId to;
    Bytes bytes;
    Duration took{};      ///< From the snapshot's begin to the receipt.
    Duration interval{};  ///< What the increment covers: since the round before began.
    bool whole{false};    ///< A full copy, not an increment.
    Duration waited{};    ///< Of `took`: held back by a bandwidth limit.

    friend bool operator==(const RoundSeen&, const RoundSeen&) = default;
};

/// Snapshots on their way from this node to another.
struct FeedSeen {
    DatasetId dataset;
    NodeId to;
    std::optional<SnapshotId> acknowledged;  ///< The newest that `to` is known to hold.
    Bytes bytes_total;          ///< Since the feed began.
    std::uint32_t rounds{0};    ///< Since the feed began.
    std::vector<RoundSeen> last_rounds;  ///< At most 8, oldest first.
    Bytes round_sent;           ///< Of the round under way.
    Bytes round_expected;       ///< An estimate; 0: none, or no round under way.
    bool idle{false};           ///< A look since the last round has found nothing new.
    bool queued{false};         ///< It waits for its turn: rounds of other volumes are under way.
    bool limited{false};        ///< It is a bandwidth limit that makes its rounds last.
    /// The newest moment, by this node's clock, of which `to` is known to have everything; 0: none.
    Instant proven;
    std::string trouble;        ///< Why it does not get on; empty: it does.
    /// What an increment could begin from was let go, since the pool here is short of room. `to` gets a full
    /// copy when there is room again.
    bool let_go{false};

    friend bool operator==(const FeedSeen&, const FeedSeen&) = default;
};

/// What a move does, for as long as its clients wait for it, and before.
enum class MoveStep : std::uint8_t {
    hook,       ///< The source: its hook, before the cutover.
    hold,       ///< The source: from hearing of the cutover until connections are held.
    stop,       ///< The source: until no process of it is left.
    seal,       ///< The source: the final snapshot.
    increment,  ///< The source: the final snapshot on its way, until the target has it.
    copy,       ///< The target: a writable copy, mounted.
    start,      ///< The target: until its command begins.
    ready,      ///< The target: until it answers.
    open,       ///< The target: from hearing that it is the owner until connections go on.
};
[[nodiscard]] const char* to_string(MoveStep step);

/// How long a step took the last time.
struct StepSeen {
    std::string subject;  ///< SubjectId.
    MoveStep step{MoveStep::hook};
    MoveId move{0};       ///< The move that it was for; 0: none.
    Duration took{};
    Instant ended;

    friend bool operator==(const StepSeen&, const StepSeen&) = default;
};

/// Something that somebody else did on a node, and that was found there.
struct Incident {
    std::uint64_t number{0};  ///< Counts up in the life of one agent process.
    std::string subject;      ///< "routes" or "engine".
    std::string text;
    Instant at;

    friend bool operator==(const Incident&, const Incident&) = default;
};

/// Something that the agent tries and that does not work: gone when it has worked. Or an incident, for a while.
struct Problem {
    std::string subject;  ///< Application name, dataset, "routes" or "engine".
    Error error;
    std::uint32_t attempts{0};  ///< 0: nothing is tried; it is told.
    Instant since;

    friend bool operator==(const Problem&, const Problem&) = default;
};

struct NodeReport {
    NodeId node;
    /// Counts up in the life of one agent process; `agent_started` tells the processes apart.
    std::uint64_t sequence{0};
    Instant agent_started;
    Instant at;         ///< When it was made, by this node's clock.
    Revision revision;  ///< Of the assignment that the agent was working on.
    bool looked{false};  ///< It has seen its pool since it began: `datasets` are all that are there.
    std::vector<DatasetSeen> datasets;      ///< By id.
    std::vector<ContainerSeen> containers;  ///< By application.
    std::vector<FeedSeen> feeds;            ///< By dataset, then by target.
    std::set<std::string> images;  ///< "repository:tag" present in the engine.
    /// External TCP ports whose route is in force here and not held.
    std::set<std::uint16_t> open_routes;
    std::set<std::uint16_t> open_udp_routes;
    /// Ports of this node that others have.
    std::vector<TakenPort> taken_ports;
    /// Applications that are cut off here by the kernel when the lease ends.
    std::set<ApplicationName> leased;
    std::vector<Problem> problems;
    std::vector<Incident> incidents;  ///< Those that no report has arrived with yet, as far as the agent knows.
    std::vector<StepSeen> steps;  ///< Of each subject the last of each, since the agent began.
    Bytes pool_size;
    Bytes pool_free;
    bool pool_short{false};  ///< It keeps only what it can't do without: plan/room.hpp.

    friend bool operator==(const NodeReport&, const NodeReport&) = default;
};

/// The lists as they are to be: there may be thousands of volumes, and they are looked up in them.
void put_in_order(NodeReport& report);

/// Whether the node's route at this port is in force and not held.
[[nodiscard]] bool is_open(const NodeReport& report, const ExternalPort& port);

/// What the control service answers.
struct ReportReceipt {
    /// It gives nothing of this node away for lease_duration from the moment at which the report was made.
    bool leased{false};

    friend bool operator==(const ReportReceipt&, const ReportReceipt&) = default;
};

}  // namespace flocker::model
