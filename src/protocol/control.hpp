// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "model/assignment.hpp"
#include "plan/deploy.hpp"
#include "plan/failover.hpp"
#include "plan/view.hpp"
#include "protocol/lag_watch.hpp"

namespace flocker::protocol {

/// The control service: what users ask and what agents report go in; records to commit, assignments
/// to publish and answers come out.
///
/// Sans-IO. Feed events, perform the returned effects in their order, feed the outcomes back. One
/// commit is under way at a time; nothing is published or answered that rests on a commit whose
/// outcome is not known (P5). Equal events give equal effects.
class Control {
public:
    using RequestId = std::uint64_t;

    // --- what users ask -------------------------------------------------------------------------
    struct Deploy { model::Deployment deployment; bool dry_run{false}; };
    /// `downtime_max`: see model::Move.
    struct MoveTo {
        model::ApplicationName application;
        model::NodeReference to;
        bool dry_run{false};
        std::optional<Duration> downtime_max{};
    };
    /// Calls off a move that is not committed yet.
    struct CancelMove { model::ApplicationName application; };
    struct DestroyVolume { model::DatasetId dataset; };
    struct AddNode { model::Node node; };
    struct RemoveNode { model::NodeId node; };
    /// Refused while the owner is alive.
    struct FailOver {
        model::ApplicationName application;
        std::optional<model::NodeReference> to;
        bool dry_run{false};
    };
    struct DrainNode { model::NodeId node; bool dry_run{false}; };
    struct ActivateNode { model::NodeId node; };
    /// nullopt: the cluster's default.
    struct LimitNode { model::NodeId node; std::optional<model::Bandwidth> bandwidth; };
    /// One snapshot that was set aside, and nothing else.
    struct RemoveAside {
        model::DatasetId dataset;
        model::SnapshotId aside;
        std::optional<model::NodeReference> on;
    };
    /// What somebody else found out, for people to read afterwards.
    struct Note { model::EventKind kind; std::string subject; std::string text; };
    struct Configure { model::ClusterSettings settings; };
    using Command = std::variant<Deploy, MoveTo, CancelMove, DestroyVolume, AddNode, RemoveNode, FailOver, DrainNode,
                                 ActivateNode, Configure, LimitNode, RemoveAside, Note>;

    /// What became of a command. Deploy, MoveTo, CancelMove, DrainNode and FailOver: the plan, or why it is refused.
    /// Others: nothing, or an Error.
    struct Accepted {
        plan::DeployPlan plan;
        model::Revision revision;
        std::optional<plan::FailoverPlan> failover{};
    };
    using Answer = std::variant<Accepted, std::vector<plan::Refusal>, Error>;

    // --- events ---------------------------------------------------------------------------------
    struct Loaded { Result<model::Records> records; };
    struct Committed { Result<model::Revision> revision; };
    /// `id` comes back with the receipt.
    struct Reported { std::uint64_t id{0}; model::NodeReport report; };
    struct Asked { RequestId id; Command command; };
    struct ImagesFound { RequestId id; std::vector<std::pair<std::string, Error>> missing; };
    struct Tick {};
    using Event = std::variant<Loaded, Committed, Reported, Asked, ImagesFound, Tick>;

    // --- effects --------------------------------------------------------------------------------
    struct Load {};
    struct Commit { model::Revision expected; std::vector<model::Change> changes; };
    struct Publish { model::Assignment assignment; };
    struct FindImages { RequestId id; std::vector<std::string> images; };
    struct Reply { RequestId id; Answer answer; };
    struct Receipt { std::uint64_t id{0}; model::ReportReceipt receipt; };
    using Effect = std::variant<Load, Commit, Publish, FindImages, Reply, Receipt>;

    explicit Control(Instant started) : started_(started) {}

    [[nodiscard]] std::vector<Effect> on(const Event& event, Instant now);
    /// At the beginning: loads the records. Until they are there everything waits.
    [[nodiscard]] std::vector<Effect> begin();
    /// How often a Tick is due.
    static constexpr Duration tick_interval = 250ms;

    /// What API reads are answered from. `now` is the caller's.
    [[nodiscard]] plan::View view(Instant now) const { return {records_, states_, now, started_}; }

private:
    struct Waiting { RequestId id; Command command; bool images_known{false}; };
    struct UnderWay {
        std::vector<model::Change> changes;
        std::optional<RequestId> request;
        plan::DeployPlan plan;
        std::optional<plan::FailoverPlan> failover{};
    };

    void loaded(const Loaded& event, Instant now);
    void committed(const Committed& event, Instant now);
    void reported(const Reported& event, Instant now);
    void hear_incidents(const model::NodeReport& report, Instant now);
    [[nodiscard]] bool grants_lease(const model::NodeReport& report, Instant now) const;
    void images_found(const ImagesFound& event);

    void work(Instant now);
    void serve_next(Instant now);
    void serve_failover(const Waiting& waiting, const FailOver& failover, Instant now);
    void serve_plan(const Waiting& waiting, std::variant<plan::DeployPlan, std::vector<plan::Refusal>> planned, bool dry_run);
    void reconcile(Instant now);
    void watch_nodes(const plan::View& view, std::vector<model::Change>& changes);
    void commit(std::vector<model::Change> changes, std::optional<RequestId> request, plan::DeployPlan plan);
    void publish(Instant now);
    void reply(RequestId id, Answer answer) { effects_.push_back(Reply{id, std::move(answer)}); }

    Instant started_;
    bool ready_{false};
    model::Records records_;
    std::map<model::NodeId, plan::NodeState> states_;
    std::map<model::NodeId, model::Assignment> published_;
    std::set<model::NodeId> lost_;  ///< Whose loss has been written to the events.
    LagWatch watch_;
    /// Of each agent's process the last incident that was heard.
    std::map<model::NodeId, std::pair<Instant, std::uint64_t>> incidents_heard_;
    std::vector<model::Change> found_;  ///< Incidents that are still to be written to the events.
    std::deque<Waiting> waiting_;
    std::map<RequestId, Waiting> finding_images_;
    std::optional<UnderWay> under_way_;
    std::vector<Effect> effects_;
};

}  // namespace flocker::protocol
