// SPDX-License-Identifier: Apache-2.0
//
// What the API says and takes, as values. Server and client share them; documents_json.hpp makes JSON
// of them. Nodes are said by name, as people say them. No document has the value of an environment
// variable or a word of a command.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "model/deployment.hpp"
#include "model/records.hpp"
#include "model/report.hpp"

namespace flocker::api {

/// The body of every answer whose status is not 2xx.
struct ErrorDocument {
    Error error;
};

struct VersionDocument {
    std::string version;  ///< Of the control service.
    std::string api;      ///< "v1"
};

// --- state ----------------------------------------------------------------------------------

/// Something that an agent tries and that does not work.
struct ProblemEntry {
    std::string node;
    std::string subject;  ///< Application, dataset, "routes", "pool" or "engine".
    Error error;
    std::uint32_t attempts{0};
    Instant since;

    friend bool operator==(const ProblemEntry&, const ProblemEntry&) = default;
};

struct NodeEntry {
    model::NodeId id;
    std::string name;
    std::string hostname;
    std::string address;
    std::string datacenter;  ///< Empty: none given.
    std::map<std::string, std::string> labels;
    bool alive{false};
    std::optional<Duration> heard_ago;  ///< nullopt: not heard of since the control service started.
    Bytes pool_size;
    Bytes pool_free;
    std::vector<std::string> applications;  ///< Those it owns.
    std::vector<ProblemEntry> problems;     ///< All that its agent tells.
    bool draining{false};                   ///< Everything is moved away from it, and nothing is placed on it.
    std::optional<model::Bandwidth> bandwidth{};  ///< Its own, of what it sends to replicas.
    bool pool_short{false};                 ///< It keeps only what it can't do without, and takes no full copy.

    friend bool operator==(const NodeEntry&, const NodeEntry&) = default;
};

enum class ApplicationState : std::uint8_t {
    running,    ///< Ready.
    starting,   ///< On its way there.
    finished,   ///< Exited with 0, and not to be started again.
    exited,     ///< Exited otherwise, and its agent is not about to start it.
    moving,     ///< A move is under way.
    waiting,    ///< Wanted on another node than its owner, and no move is under way.
    node_lost,  ///< Its owner is not heard of.
    stopping,   ///< No longer configured; its container is not gone yet.
};
[[nodiscard]] const char* name_of(ApplicationState state);

struct ContainerEntry {
    std::string id;  ///< The engine's.
    model::ContainerSeen::Status status{model::ContainerSeen::Status::created};
    bool ready{false};
    std::string address;
    int exit_code{0};  ///< Only when exited.
    Instant started;
    Instant finished;  ///< Only when exited.

    friend bool operator==(const ContainerEntry&, const ContainerEntry&) = default;
};

/// The last round of a move that ended.
struct RoundEntry {
    Bytes bytes;
    Duration took{};
    Duration interval{};  ///< What the increment covers.
    bool whole{false};    ///< A full copy.

    friend bool operator==(const RoundEntry&, const RoundEntry&) = default;
};

struct MoveEntry {
    model::MoveId id;
    model::MovePhase phase{model::MovePhase::staging};
    std::string source;
    std::string target;
    Instant started;
    Instant phase_started;
    std::optional<Instant> sealing_started;  ///< When the application was told to stop.
    Bytes bytes_live;                        ///< Sent while the application ran; grows in `staging`.
    Bytes bytes_cutover;                     ///< Sent while it was down; grows in `sealing` and `trial`.
    std::uint32_t rounds{0};
    Bytes round_sent;      ///< Of the round under way, and part of the above.
    Bytes round_expected;  ///< An estimate; 0: none, or no round under way.
    std::optional<RoundEntry> last_round;
    Instant measured;                        ///< When the source told the bytes, by the control service's clock.
    bool target_waits{false};                ///< The target's container is started, its command held at the gate.
    std::optional<Duration> downtime_max{};  ///< The cutover begins only when it is predicted to take at most this.
    std::optional<Duration> predicted{};     ///< The downtime, as predicted when the cutover began.

    friend bool operator==(const MoveEntry&, const MoveEntry&) = default;
};

struct MoveResultEntry {
    model::MoveId id;
    std::string source;
    std::string target;
    Instant started;
    Instant ended;
    bool succeeded{false};
    std::string reason;  ///< Why it was given up; empty if it succeeded.
    Duration downtime{};
    Bytes bytes_live;
    Bytes bytes_cutover;
    std::uint32_t rounds{0};
    std::optional<Duration> predicted{};      ///< The downtime, as predicted when the cutover began.
    std::map<std::string, Duration> steps{};  ///< By model::MoveStep's name, as the nodes measured them.
    bool failover{false};                     ///< The source was lost; the target went on from its newest snapshot.
    std::optional<Duration> lost{};  ///< Of a failover: what was written in so long a time is set aside at the source.

    friend bool operator==(const MoveResultEntry&, const MoveResultEntry&) = default;
};

/// What a thing waits for; see plan::Reason.
struct ReasonEntry {
    std::string waits_for;
    std::string node;  ///< Empty: the control service itself.
    std::optional<Instant> until;

    friend bool operator==(const ReasonEntry&, const ReasonEntry&) = default;
};

struct ApplicationEntry {
    std::string name;
    std::string image;
    std::string place;        ///< As the user wrote it; empty when `stopping`.
    std::string wanted_node;  ///< Empty when `stopping`.
    std::string owner_node;   ///< Who may run it now.
    model::Epoch epoch;
    ApplicationState state{ApplicationState::starting};
    bool settled{false};  ///< The cluster is what the configuration says.
    std::vector<model::Port> ports;
    std::vector<std::string> environment;  ///< Names only.
    std::optional<model::DatasetId> volume;
    model::RestartPolicy restart_policy;
    std::optional<ContainerEntry> container;  ///< The owner's.
    /// Of its owner, of the target of its move, and of any node's routes if it has ports.
    std::vector<ProblemEntry> problems;
    std::optional<MoveEntry> move;
    std::optional<MoveResultEntry> last_move;
    /// A move to this node failed and is not tried again until the next deployment.
    std::optional<std::string> avoided_node;
    std::vector<ReasonEntry> why;  ///< Empty: it is what it should be.
    /// What becomes of it when its owner is lost; its own word, or the cluster's.
    model::Failover failover{model::Failover::manual};
    bool promoting{false};  ///< After a failover: its owner makes its copy from a replica's snapshot.

    friend bool operator==(const ApplicationEntry&, const ApplicationEntry&) = default;
};

/// What one node has of a volume.
struct CopyEntry {
    std::string node;
    bool owner{false};
    bool present{false};  ///< Its last report tells of it.
    Bytes used;
    bool mounted{false};
    bool sealed{false};
    bool trial{false};
    std::optional<bool> changed;                 ///< The owner's: written since its newest snapshot.
    std::vector<model::SnapshotSeen> snapshots;  ///< Oldest first.
    bool leaving{false};                         ///< A replica that is let go, since others have what was wished.
    /// What a former owner wrote and no other node has; kept until a person removes it. Oldest first.
    std::vector<model::SetAsideSeen> set_aside{};
    std::set<model::SnapshotId> asides_to_go{};  ///< Those of them that the user wants removed.

    friend bool operator==(const CopyEntry&, const CopyEntry&) = default;
};

/// How far one replica is behind its owner; see plan::Lag.
struct ReplicaEntry {
    std::string node;
    std::optional<model::SnapshotId> snapshot;  ///< The newest that it is known to hold.
    std::optional<Duration> behind;             ///< nullopt: it holds nothing of the present owner yet.
    Bytes bytes;                                ///< Roughly; what is on its way or waits.
    std::optional<Duration> proof_age;  ///< How old this knowledge is; nullopt: the owner has not been heard of.
    std::string reason;                 ///< Why it is further behind than wished; empty: it is not.
    Bytes round_sent;                   ///< Of the snapshot under way.
    Bytes round_expected;               ///< An estimate; 0: none, or none under way.

    friend bool operator==(const ReplicaEntry&, const ReplicaEntry&) = default;
};

struct VolumeEntry {
    model::DatasetId dataset;
    std::optional<std::string> application;  ///< nullopt: detached.
    std::string owner_node;
    model::Epoch epoch;
    bool established{false};  ///< It has existed.
    bool destroying{false};
    std::string mountpoint;  ///< In the container; empty when detached.
    std::optional<Bytes> maximum_size;
    std::vector<CopyEntry> copies;     ///< The owner's first.
    std::uint32_t wished_replicas{0};  ///< Beside the owner's copy.
    Duration wished_lag{};
    model::Spread spread{model::Spread::datacenter};
    bool promoting{false};                 ///< After a failover: the owner makes its copy from a replica's snapshot.
    std::vector<ReplicaEntry> replicas{};  ///< Those that are kept up.
    std::optional<model::Bandwidth> bandwidth{};  ///< Its own, of what goes to its replicas.
    /// Nodes that the deployment names for the replicas; nullopt: the planner chooses.
    std::optional<std::vector<std::string>> named_replicas{};

    friend bool operator==(const VolumeEntry&, const VolumeEntry&) = default;
};

/// The whole cluster at one look.
struct StatusDocument {
    std::string version;
    model::Revision revision;  ///< 0: nothing has been recorded yet, or the records are being read.
    Instant now;               ///< By the control service's clock.
    Instant control_started;
    std::vector<NodeEntry> nodes;                ///< By name.
    std::vector<ApplicationEntry> applications;  ///< By name.
    std::vector<VolumeEntry> volumes;            ///< By application, the detached ones last.

    friend bool operator==(const StatusDocument&, const StatusDocument&) = default;
};

struct NodesDocument {
    std::vector<NodeEntry> nodes;
};
struct VolumesDocument {
    std::vector<VolumeEntry> volumes;
};
struct MoveUnderWay {
    std::string application;  ///< Or the dataset's id.
    MoveEntry move;
};
struct MoveEnded {
    std::string application;
    MoveResultEntry result;
};
struct MovesDocument {
    std::vector<MoveUnderWay> under_way;
    std::vector<MoveEnded> ended;  ///< All that are kept, newest first.
};
struct WhyDocument {
    std::string name;
    std::vector<ReasonEntry> reasons;  ///< Empty: it is what it should be.
};
struct EventsDocument {
    std::vector<model::Event> events;  ///< Oldest first.
};

// --- what is asked --------------------------------------------------------------------------

struct DeployRequest {
    model::Deployment deployment;
    std::optional<bool> dry_run;
};
struct MoveRequest {
    std::string application;
    std::string node;  ///< Name, address or hostname.
    std::optional<bool> dry_run;
    std::optional<Duration> downtime_max{};  ///< The cutover begins only when it is predicted to take at most this.
};

/// Refused while the owner is alive.
struct FailoverRequest {
    std::string application;
    std::optional<std::string> node;  ///< Name, address or hostname; nullopt: the one with the newest snapshot.
    std::optional<bool> dry_run;
};
struct DrainRequest {
    std::optional<bool> dry_run;
};
/// What is left out stays as it is.
struct SettingsRequest {
    std::optional<std::uint32_t> replicas{};
    std::optional<Duration> lag{};
    std::optional<model::Failover> failover{};
    std::optional<Duration> replace_after{};
    std::optional<std::uint32_t> full_copies_max{};
    std::optional<model::Bandwidth> bandwidth{};
};
/// Of what a node sends to replicas. nullopt: the cluster's default.
struct NodeBandwidth {
    std::optional<model::Bandwidth> bandwidth{};
};

/// How long clients will wait; see plan::Prediction.
struct PredictionEntry {
    Duration total{};
    Duration stop{};
    Duration increment{};
    Duration start{};
    Duration ready{};
    Duration rest{};
    std::uint32_t moves{0};  ///< Learned from so many; 0: from its stops and starts in place, or
    bool guessed{false};     ///< from what is usual.
    std::optional<Duration> killed_after{};  ///< It does not heed its stop signal; `stop` holds this grace period.

    friend bool operator==(const PredictionEntry&, const PredictionEntry&) = default;
};

enum class StepKind : std::uint8_t { start, stop, restart, move, keep };
[[nodiscard]] const char* name_of(StepKind kind);

struct StepEntry {
    StepKind kind{StepKind::keep};
    std::string application;
    std::string node;                 ///< Where it will run, or ran.
    std::optional<std::string> from;  ///< With `move`.
    Bytes to_copy;                    ///< With `move`: an estimate.
    std::string reason;
    std::optional<PredictionEntry> predicted{};  ///< With `move`.

    friend bool operator==(const StepEntry&, const StepEntry&) = default;
};

struct PlanDocument {
    std::vector<StepEntry> steps;  ///< By application.
    std::vector<std::string> left_alone;
    bool changes{false};       ///< Something is recorded anew by it; steps of kind `keep` can be among it.
    model::Revision revision;  ///< After it; with dry_run the present one.

    friend bool operator==(const PlanDocument&, const PlanDocument&) = default;
};

/// One node that could take over, or why it can't.
struct CandidateEntry {
    std::string node;
    std::optional<model::SnapshotId> snapshot;  ///< The newest that it holds.
    std::optional<Instant> taken;               ///< When that was taken, by the clock of the node that took it.
    std::optional<Duration> behind;  ///< How much older it is than the last word of the lost owner; nullopt: not known.
    std::string why_not;             ///< Empty: it can.

    friend bool operator==(const CandidateEntry&, const CandidateEntry&) = default;
};
struct FailoverDocument {
    std::string application;
    std::string from;
    std::string to;
    std::optional<Duration> heard_ago;          ///< Of the lost owner; nullopt: not since the control service started.
    std::optional<model::SnapshotId> snapshot;  ///< What `to` starts from; nullopt: there is no volume.
    /// What the lost owner wrote in so long a time before its last word, `to` does not have. nullopt: not known, or
    /// there is no volume.
    std::optional<Duration> lost;
    Bytes lost_bytes;                        ///< Roughly.
    std::vector<CandidateEntry> candidates;  ///< Best first.
    model::Revision revision;                ///< After it; with dry_run the present one.

    friend bool operator==(const FailoverDocument&, const FailoverDocument&) = default;
};

// --- verifying ------------------------------------------------------------------------------

struct VerifyBegun {
    std::string volume;  ///< As people call it.
    model::DatasetId dataset;
    std::string owner;
    model::SnapshotId snapshot;         ///< That both sides are compared at.
    std::vector<std::string> replicas;  ///< Whose digests are being made.
};
struct VerifyProgress {
    std::string node;
    std::uint64_t entries{0};
    std::uint64_t entries_expected{0};  ///< Roughly; 0: not known yet.
    Bytes bytes;
    Bytes bytes_expected;
    bool done{false};
};
struct VerifyVerdict {
    std::string replica;
    std::optional<bool> equal;  ///< nullopt: it was not compared; `reason` says why.
    std::string reason;
    std::string digest;
    std::string owner_digest;
    std::uint64_t entries{0};
    Bytes bytes;
    std::string first_difference;  ///< A path below the volume; empty: equal, or it can't be told.
};
/// How it ended, as the command line prints it.
struct VerifyDocument {
    std::string volume;
    model::DatasetId dataset;
    std::string owner;
    model::SnapshotId snapshot;
    std::vector<VerifyVerdict> replicas;
};
/// One line of the answer; one of these.
struct VerifyLine {
    std::optional<VerifyBegun> begun;
    std::optional<VerifyProgress> progress;
    std::optional<VerifyVerdict> verdict;
    std::optional<Error> error;  ///< The last line: it ended before there were verdicts.
};

enum class RefusalAbout : std::uint8_t { application, image, port, place, deployment, replica, volume };
[[nodiscard]] const char* name_of(RefusalAbout about);

struct RefusalEntry {
    RefusalAbout about{RefusalAbout::deployment};
    std::string name;                   ///< The application, or the place as written.
    std::optional<std::uint16_t> port;  ///< The external one, with `port`.
    std::string message;
    std::optional<std::string> node{};  ///< As written, with `replica`.
    std::optional<model::Protocol> protocol{};  ///< Of the port, if it is not TCP.

    friend bool operator==(const RefusalEntry&, const RefusalEntry&) = default;
};

/// The body of a 422.
struct RefusalsDocument {
    Error error;
    std::vector<RefusalEntry> refusals;
};

struct TokenRequest {
    std::optional<Duration> lifetime;  ///< nullopt: an hour.
};
struct TokenCreated {
    std::string token;  ///< Shown this once.
};
struct TokenEntry {
    std::string id;
    Instant created;
    Instant expires;
    std::string used_by;  ///< The node that joined with it; empty: nobody yet.
    bool revoked{false};

    friend bool operator==(const TokenEntry&, const TokenEntry&) = default;
};
struct TokensDocument {
    std::vector<TokenEntry> tokens;
};

struct JoinDocument {
    std::string token;
    std::string request;  ///< Certificate signing request, PEM.
    model::Node node;     ///< Its id is chosen by the cluster.
};
struct JoinedDocument {
    model::Node node;
    std::string certificate;  ///< PEM.
    std::string authority;    ///< PEM.
};

}  // namespace flocker::api
