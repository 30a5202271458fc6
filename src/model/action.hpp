// SPDX-License-Identifier: Apache-2.0
//
// What an agent can do to its node, as values: they can be printed, compared, repeated and
// simulated. Every action is idempotent: done again with equal fields it succeeds and changes
// nothing. After a crash in the middle of one, doing it again ends it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "model/assignment.hpp"
#include "model/report.hpp"

namespace flocker::model {

// --- on a dataset of this node's pool -------------------------------------------------------

/// Makes an empty live subvolume (mode 0777) owned at `epoch`. already_exists if any trace of the
/// dataset is there.
struct CreateDataset { DatasetId dataset; Epoch epoch; friend bool operator==(const CreateDataset&, const CreateDataset&) = default; };
/// Mounts the live subvolume, or else the trial, at <volumes>/<dataset>.
struct MountDataset { DatasetId dataset; friend bool operator==(const MountDataset&, const MountDataset&) = default; };
/// Read-only snapshot of the live subvolume, whole at once. Clears `changed`.
struct TakeSnapshot { DatasetId dataset; SnapshotId snapshot; friend bool operator==(const TakeSnapshot&, const TakeSnapshot&) = default; };
/// Unmounts the live subvolume, makes it read-only, checks that no process of any mount namespace has a
/// file of it open for writing (conflict otherwise), takes the final snapshot, and writes the seal to the
/// marker. Durable on return. A dataset sealed for an earlier move is sealed anew.
struct SealDataset {
    DatasetId dataset;
    MoveId move;
    SnapshotId snapshot;
    Revision told{0};  ///< Goes into the seal.
    friend bool operator==(const SealDataset&, const SealDataset&) = default;
};
/// The way back: the owner at `epoch` (conflict if the marker says otherwise) may write again.
struct UnsealDataset { DatasetId dataset; Epoch epoch; friend bool operator==(const UnsealDataset&, const UnsealDataset&) = default; };
/// Writable copy of the snapshot, as the trial of this move; a trial of another move is thrown
/// away. conflict if a live subvolume is here.
struct StartTrial { DatasetId dataset; MoveId move; SnapshotId from; friend bool operator==(const StartTrial&, const StartTrial&) = default; };
/// Everything received and written so far survives a power loss.
struct SyncTrial { DatasetId dataset; friend bool operator==(const SyncTrial&, const SyncTrial&) = default; };
/// After the commit: the trial of this move becomes the live subvolume, owned at `epoch`; it stays
/// mounted. `source` is remembered as holding the snapshot that the trial began from.
struct AdoptTrial { DatasetId dataset; MoveId move; Epoch epoch; NodeId source; friend bool operator==(const AdoptTrial&, const AdoptTrial&) = default; };
/// Throws the trial and its writes away. Unmounts it first.
struct DiscardTrial { DatasetId dataset; friend bool operator==(const DiscardTrial&, const DiscardTrial&) = default; };
/// Another node became the owner at `epoch`, beginning from `began_from`: the live subvolume goes, its
/// snapshots stay. If its last state is another one than `began_from`, that is set aside first, under the
/// name of a snapshot that is none of the present line, and what was taken since `began_from` goes (P4).
/// nullopt: not told; the newest snapshot here is taken for it, and all of them stay. Where there is no live
/// subvolume the same holds for the newest snapshot that is beyond `began_from`.
struct DemoteDataset { DatasetId dataset; Epoch epoch; std::optional<SnapshotId> began_from{}; friend bool operator==(const DemoteDataset&, const DemoteDataset&) = default; };
/// Lets these snapshots go. Where there is no live subvolume the newest one is never among them; nor is the
/// one of a seal (conflict both), nor what was set aside.
struct DropSnapshots { DatasetId dataset; std::vector<SnapshotId> snapshots; friend bool operator==(const DropSnapshots&, const DropSnapshots&) = default; };
/// Notes in the marker that a node holds a snapshot.
struct NoteAcknowledged { DatasetId dataset; NodeId node; SnapshotId snapshot; friend bool operator==(const NoteAcknowledged&, const NoteAcknowledged&) = default; };
/// Removes every trace. Only on the user's word, by name (P3).
struct DestroyDataset { DatasetId dataset; friend bool operator==(const DestroyDataset&, const DestroyDataset&) = default; };

/// Lets the replica go: its snapshots, and every trace if nothing was set aside. conflict if the owner's
/// copy or a trial is here.
struct ReleaseReplica { DatasetId dataset; friend bool operator==(const ReleaseReplica&, const ReleaseReplica&) = default; };

/// Lets these go of what was set aside, and nothing else. Only on the user's word, by name (P3).
struct DropAside { DatasetId dataset; std::vector<SnapshotId> set_aside; friend bool operator==(const DropAside&, const DropAside&) = default; };

/// The writable copy, live or trial, may hold at most `maximum`, as its files add up; nullopt: what the pool
/// has room for. Holds until the copy goes or this is said again. Whoever would write more is told that the
/// quota is exceeded. What is there already stays. That it can't be kept here is no failure: see
/// DatasetSeen::size_trouble.
struct LimitDataset { DatasetId dataset; std::optional<Bytes> maximum{}; friend bool operator==(const LimitDataset&, const LimitDataset&) = default; };

using DatasetAction =
    std::variant<CreateDataset, MountDataset, TakeSnapshot, SealDataset, UnsealDataset, StartTrial, SyncTrial,
                 AdoptTrial, DiscardTrial, DemoteDataset, DropSnapshots, NoteAcknowledged, DestroyDataset,
                 ReleaseReplica, DropAside, LimitDataset>;

// --- on a container of this node's engine ---------------------------------------------------

/// All that a container is made from.
struct ContainerSpec {
    Application application;
    std::string links_host;  ///< What the link variables point to: this node's address.
    std::string address;     ///< IPv4 on our bridge.
    std::string volume_source;  ///< Path on this node that is bound to the volume's mountpoint, or empty.
    std::uint64_t incarnation{0};

    friend bool operator==(const ContainerSpec&, const ContainerSpec&) = default;
};
/// Digest of what makes two containers the same (same_container(), links_host, incarnation; not the
/// address). A container with another fingerprint is out of date.
[[nodiscard]] std::string fingerprint(const ContainerSpec& spec);
/// The variables that links give, and the explicit environment, which wins.
[[nodiscard]] std::map<std::string, std::string> container_environment(const ContainerSpec& spec);

/// Creates it, not started; replaces one of the same application that is not running.
struct CreateContainer { ContainerSpec spec; friend bool operator==(const CreateContainer&, const CreateContainer&) = default; };
/// With a gate: done when its command waits there. unavailable if the image does not have the command.
struct StartContainer { ApplicationName application; friend bool operator==(const StartContainer&, const StartContainer&) = default; };
/// Opens the gate of this one start of the container: its command begins. conflict if the volume that
/// it sees at its mountpoint is not the one that is mounted at its source on this node.
struct ReleaseContainer { ApplicationName application; friend bool operator==(const ReleaseContainer&, const ReleaseContainer&) = default; };
/// Its stop signal, its grace period, then SIGKILL; at once: SIGKILL to all of it. Done when no process
/// of it is left.
struct StopContainer {
    ApplicationName application;
    bool at_once{false};
    friend bool operator==(const StopContainer&, const StopContainer&) = default;
};
/// Stops it first if it runs.
struct RemoveContainer { ApplicationName application; friend bool operator==(const RemoveContainer&, const RemoveContainer&) = default; };
/// Done when it is ready: its health check passes, or, without one, each internal port accepts a connection (of UDP:
/// somebody listens there); with no ports either, when it has run for a second. unavailable if it exits, or is
/// not ready in a minute.
struct AwaitReady { Application application; friend bool operator==(const AwaitReady&, const AwaitReady&) = default; };

/// Runs a command in it, as its user, beside its own. unavailable if the command ends with another code
/// than 0 (with its last words), or not in ten minutes.
struct RunHook {
    ApplicationName application;
    std::vector<std::string> command;
    friend bool operator==(const RunHook&, const RunHook&) = default;
};

using ContainerAction = std::variant<CreateContainer, StartContainer, ReleaseContainer, StopContainer, RemoveContainer,
                                     AwaitReady, RunHook>;

/// AwaitReady and RunHook only ask the container: they may go on while another action on it begins, and
/// end with it. One of them at a time.
[[nodiscard]] bool is_asking(const ContainerAction& action);

/// Which application an action is about.
[[nodiscard]] const ApplicationName& application_of(const ContainerAction& action);
/// Which dataset an action is about.
[[nodiscard]] const DatasetId& dataset_of(const DatasetAction& action);

// --- between nodes --------------------------------------------------------------------------

/// A snapshot to another node: the difference to `base`, or all of it.
struct SendOrder {
    DatasetId dataset;
    Epoch epoch;
    std::optional<SnapshotId> base;
    SnapshotId to;
    Node target;
    bool urgent{false};  ///< Clients wait for it: it is not measured beforehand.
    friend bool operator==(const SendOrder&, const SendOrder&) = default;
};
struct SendReceipt {
    Bytes bytes;
    Duration waited{};  ///< Was held back for so long by a bandwidth limit.
    friend bool operator==(const SendReceipt&, const SendReceipt&) = default;
};
struct SendProgress {
    Bytes sent;
    Bytes expected;  ///< An estimate; 0: unknown.
    bool limited{false};  ///< It is a bandwidth limit that makes it last.
};
/// How fast this node may send snapshots. What clients wait for is not limited.
struct SendLimits {
    Bandwidth node;                            ///< All of it together.
    std::map<DatasetId, Bandwidth> datasets;   ///< Those that have a limit of their own, each.
    std::set<DatasetId> unlimited;             ///< Clients wait for these now.
    friend bool operator==(const SendLimits&, const SendLimits&) = default;
};

// --- routes ---------------------------------------------------------------------------------

struct RouteTarget {
    std::string address;      ///< The container's, or the owner node's.
    std::uint16_t port{0};    ///< Internal port of the container, external port of the other node.
    bool local{false};        ///< A container of this node.
    friend bool operator==(const RouteTarget&, const RouteTarget&) = default;
};
/// One external port. Held: new connections wait, whatever the target; of UDP each datagram does.
struct RouteEntry {
    std::optional<RouteTarget> target;  ///< nullopt: there is nowhere to go yet; refused unless held.
    bool held{false};
    /// Its local target gets and gives packets only while this node's lease runs.
    bool leased{false};
    /// Address of a node that was lost; connections that are open to it get a reset. Empty: none.
    std::string lost{};
    friend bool operator==(const RouteEntry&, const RouteEntry&) = default;
};
using RouteTable = std::map<ExternalPort, RouteEntry>;

}  // namespace flocker::model
