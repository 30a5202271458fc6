// SPDX-License-Identifier: Apache-2.0
#include "api/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "api/version.hpp"
#include "plan/lag.hpp"
#include "plan/why.hpp"

namespace flocker::api {
namespace {

using namespace model;
using plan::View;

class Describing {
public:
    explicit Describing(const View& view) : view_(view) {}

    [[nodiscard]] NodeEntry node(const Node& node) const {
        NodeEntry entry{
            node.id, node.name, node.hostname, node.address, node.datacenter, node.labels, false, {}, {}, {}, {}, {}};
        entry.alive = plan::is_alive(view_, node.id);
        entry.draining = node.draining;
        entry.bandwidth = node.bandwidth;
        if (const NodeReport* report = plan::report_of(view_, node.id)) {
            entry.heard_ago = view_.now - view_.states.at(node.id).heard;
            entry.pool_size = report->pool_size;
            entry.pool_free = report->pool_free;
            entry.pool_short = report->pool_short;
            for (const Problem& problem : report->problems) entry.problems.push_back(this->problem(node.id, problem));
            if (const auto clock = plan::clock_problem(view_, node.id)) entry.problems.push_back(problem(node.id, *clock));
        }
        for (const auto& [subject, ownership] : view_.records.ownerships) {
            if (ownership.application && ownership.owner == node.id)
                entry.applications.push_back(ownership.application->value);
        }
        std::ranges::sort(entry.applications);
        return entry;
    }

    [[nodiscard]] ApplicationEntry application(const Wanted& wanted) const {
        const Application& application = wanted.application;
        ApplicationEntry entry;
        entry.name = application.name.value;
        entry.image = application.image;
        entry.place = to_text(wanted.place_as_written);
        entry.wanted_node = name(wanted.node);
        entry.ports = application.ports;
        for (const auto& [variable, value] : application.environment) entry.environment.push_back(variable);
        if (application.volume) entry.volume = application.volume->dataset;
        entry.restart_policy = application.restart_policy;
        entry.failover = plan::failover_of(view_.records, application);
        entry.settled = plan::is_settled(view_, wanted);
        entry.why = reasons_of(view_, entry.name);
        const auto found = view_.records.ownerships.find(subject_of(application));
        if (found == view_.records.ownerships.end() || found->second.application != application.name) return entry;
        owned(found->second, wanted, entry);
        return entry;
    }

    /// A container that runs on although its application is configured no more.
    [[nodiscard]] ApplicationEntry leaving(const NodeId& node, const ContainerSeen& container) const {
        ApplicationEntry entry;
        entry.name = container.application.value;
        entry.owner_node = name(node);
        entry.state = ApplicationState::stopping;
        entry.container = this->container(container);
        add_problems(
            node, [&](const Problem& problem) { return problem.subject == entry.name; }, entry.problems);
        return entry;
    }

    [[nodiscard]] MoveEntry move(const Ownership& ownership) const {
        const Move& move = *ownership.move;
        MoveEntry entry;
        entry.id = move.id;
        entry.phase = move.phase;
        entry.source = name(move.source);
        entry.target = name(move.target);
        entry.started = move.started;
        entry.phase_started = move.phase_started;
        entry.bytes_live = move.bytes_live;
        entry.bytes_cutover = move.bytes_cutover;
        entry.rounds = move.rounds;
        entry.measured = view_.now;
        entry.downtime_max = move.downtime_max;
        entry.predicted = move.predicted;
        if (move.phase != MovePhase::staging) entry.sealing_started = move.sealing_started;
        const ContainerSeen* waiting =
            ownership.application ? plan::container_in(plan::report_of(view_, move.target), *ownership.application)
                                  : nullptr;
        entry.target_waits = waiting && waiting->status == ContainerSeen::Status::waiting;
        const NodeReport* source = plan::report_of(view_, move.source);
        const FeedSeen* feed = ownership.dataset ? plan::feed_in(source, *ownership.dataset, move.target) : nullptr;
        if (!feed) return entry;
        const std::uint64_t total = feed->bytes_total.value + feed->round_sent.value;
        if (move.phase == MovePhase::staging) {
            entry.bytes_live = {total};
            entry.rounds = feed->rounds;
        } else if (move.phase != MovePhase::settling) {
            entry.bytes_cutover = {total - std::min(total, move.bytes_live.value)};
        }
        entry.round_sent = feed->round_sent;
        entry.round_expected = feed->round_expected;
        if (!feed->last_rounds.empty()) {
            const RoundSeen& round = feed->last_rounds.back();
            entry.last_round = RoundEntry{round.bytes, round.took, round.interval, round.whole};
        }
        entry.measured = view_.states.at(move.source).heard;
        return entry;
    }

    [[nodiscard]] MoveResultEntry result(const MoveResult& result) const {
        MoveResultEntry entry{result.id,
                              name(result.source),
                              name(result.target),
                              result.started,
                              result.ended,
                              result.succeeded,
                              result.reason,
                              result.downtime,
                              result.bytes_live,
                              result.bytes_cutover,
                              result.rounds,
                              result.predicted,
                              {}};
        for (const auto& [step, took] : result.steps) entry.steps[to_string(step)] = took;
        entry.failover = result.failover;
        if (result.failover) entry.lost = result.lost;
        return entry;
    }

    [[nodiscard]] VolumeEntry volume(const Ownership& ownership) const {
        VolumeEntry entry;
        entry.dataset = *ownership.dataset;
        entry.owner_node = name(ownership.owner);
        entry.epoch = ownership.epoch;
        entry.established = ownership.established;
        entry.destroying = ownership.destroying;
        if (ownership.application) {
            entry.application = ownership.application->value;
            const auto wanted = view_.records.configuration.find(*ownership.application);
            if (wanted != view_.records.configuration.end() && wanted->second.application.volume) {
                entry.mountpoint = wanted->second.application.volume->mountpoint;
                entry.maximum_size = wanted->second.application.volume->maximum_size;
            }
        }
        entry.promoting = ownership.promoting;
        entry.wished_replicas = plan::wished_replicas(view_.records, ownership);
        entry.wished_lag = plan::wished_lag(view_.records, ownership);
        if (const Wanted* wanted = plan::wanted_of(view_.records, ownership); wanted && wanted->application.volume) {
            entry.spread = wanted->application.volume->spread;
            entry.bandwidth = wanted->application.volume->bandwidth;
            if (wanted->replica_nodes) entry.named_replicas = names(*wanted->replica_nodes);
        }
        entry.copies.push_back(copy(ownership.owner, ownership));
        for (const NodeId& node : other_holders(ownership)) entry.copies.push_back(copy(node, ownership));
        for (const plan::Lag& lag : plan::lags_of(view_, ownership)) entry.replicas.push_back(replica(lag, ownership));
        return entry;
    }

private:
    /// Whatever a node holds of it is shown, also what was set aside where no replica is kept any more.
    [[nodiscard]] std::set<NodeId> other_holders(const Ownership& ownership) const {
        std::set<NodeId> others = ownership.replicas;
        others.insert(ownership.leaving.begin(), ownership.leaving.end());
        if (ownership.move) others.insert({ownership.move->source, ownership.move->target});
        for (const auto& [id, node] : view_.records.nodes) {
            const DatasetSeen* seen = plan::dataset_in(plan::report_of(view_, id), *ownership.dataset);
            if (seen && !seen->set_aside.empty()) others.insert(id);
        }
        others.erase(ownership.owner);
        return others;
    }

    [[nodiscard]] ReplicaEntry replica(const plan::Lag& lag, const Ownership& ownership) const {
        ReplicaEntry entry{name(lag.node), lag.snapshot, lag.behind, lag.bytes, {}, lag.reason, {}, {}};
        const NodeReport* owner = plan::report_of(view_, ownership.owner);
        if (!owner) return entry;
        entry.proof_age = lag.proof_age;
        if (const FeedSeen* feed = plan::feed_in(owner, *ownership.dataset, lag.node)) {
            entry.round_sent = feed->round_sent;
            entry.round_expected = feed->round_expected;
        }
        return entry;
    }

    [[nodiscard]] std::string name(const NodeId& node) const { return plan::node_name(view_.records, node); }
    /// Of the members among them.
    [[nodiscard]] std::vector<std::string> names(const std::set<NodeId>& nodes) const {
        std::vector<std::string> all;
        for (const NodeId& node : nodes) {
            if (view_.records.nodes.contains(node)) all.push_back(name(node));
        }
        std::ranges::sort(all);
        return all;
    }

    [[nodiscard]] ProblemEntry problem(const NodeId& node, const Problem& problem) const {
        return {name(node), problem.subject, problem.error, problem.attempts, problem.since};
    }

    template <class Concerns>
    void add_problems(const NodeId& node, const Concerns& concerns, std::vector<ProblemEntry>& problems) const {
        const NodeReport* report = plan::report_of(view_, node);
        if (!report) return;
        for (const Problem& each : report->problems) {
            if (concerns(each)) problems.push_back(problem(node, each));
        }
    }

    [[nodiscard]] static ContainerEntry container(const ContainerSeen& seen) {
        return {seen.container, seen.status, seen.ready, seen.address, seen.exit_code, seen.started, seen.finished};
    }

    void owned(const Ownership& ownership, const Wanted& wanted, ApplicationEntry& entry) const {
        entry.owner_node = name(ownership.owner);
        entry.epoch = ownership.epoch;
        const NodeReport* report = plan::report_of(view_, ownership.owner);
        if (const ContainerSeen* seen = plan::container_in(report, wanted.application.name)) {
            entry.container = container(*seen);
        }
        if (ownership.move) entry.move = move(ownership);
        if (const MoveResult* last = last_move(ownership)) entry.last_move = result(*last);
        entry.promoting = ownership.promoting;
        if (ownership.avoided_target) entry.avoided_node = name(*ownership.avoided_target);
        const auto concerns = [&](const Problem& problem) {
            return problem.subject == entry.name || (entry.volume && problem.subject == entry.volume->value);
        };
        add_problems(ownership.owner, concerns, entry.problems);
        if (ownership.move && ownership.move->target != ownership.owner) {
            add_problems(ownership.move->target, concerns, entry.problems);
        }
        for (const auto& [id, node] : view_.records.nodes) {
            if (entry.ports.empty() || !plan::is_alive(view_, id)) continue;
            add_problems(
                id, [](const Problem& problem) { return problem.subject == "routes" && problem.attempts > 0; }, entry.problems);
        }
        entry.state = state_of(ownership, wanted, entry);
    }

    [[nodiscard]] ApplicationState state_of(const Ownership& ownership, const Wanted& wanted,
                                            const ApplicationEntry& entry) const {
        if (ownership.move) return ApplicationState::moving;
        if (!plan::is_alive(view_, ownership.owner)) return ApplicationState::node_lost;
        if (ownership.owner != wanted.node) return ApplicationState::waiting;
        if (!entry.container || !plan::is_current(view_, ownership.owner)) return ApplicationState::starting;
        if (entry.container->status == ContainerSeen::Status::exited) {
            if (entry.settled) return ApplicationState::finished;
            // An agent that is about to start it, or to make it anew, has nothing to complain of.
            const Problem* complaint = plan::problem_in(plan::report_of(view_, ownership.owner), ownership);
            return complaint ? ApplicationState::exited : ApplicationState::starting;
        }
        const bool ready = entry.container->status == ContainerSeen::Status::running && entry.container->ready;
        return ready ? ApplicationState::running : ApplicationState::starting;
    }

    [[nodiscard]] CopyEntry copy(const NodeId& node, const Ownership& ownership) const {
        CopyEntry entry;
        entry.node = name(node);
        entry.owner = node == ownership.owner;
        entry.leaving = ownership.leaving.contains(node);
        if (const auto going = ownership.asides_to_go.find(node); going != ownership.asides_to_go.end())
            entry.asides_to_go = going->second;
        const DatasetSeen* seen = plan::dataset_in(plan::report_of(view_, node), *ownership.dataset);
        if (!seen) return entry;
        entry.present = true;
        entry.used = seen->used;
        entry.mounted = seen->mounted;
        entry.sealed = seen->seal.has_value();
        entry.trial = seen->trial.has_value();
        if (entry.owner) entry.changed = seen->changed;
        entry.snapshots = seen->snapshots;
        entry.set_aside = seen->set_aside;
        return entry;
    }

    const View& view_;
};

StepKind kind_of(plan::Step::Kind kind) {
    switch (kind) {
        case plan::Step::Kind::start: return StepKind::start;
        case plan::Step::Kind::stop: return StepKind::stop;
        case plan::Step::Kind::restart: return StepKind::restart;
        case plan::Step::Kind::move: return StepKind::move;
        case plan::Step::Kind::keep: return StepKind::keep;
    }
    return StepKind::keep;
}

RefusalAbout about_of(plan::Refusal::About about) {
    switch (about) {
        case plan::Refusal::About::application: return RefusalAbout::application;
        case plan::Refusal::About::image: return RefusalAbout::image;
        case plan::Refusal::About::port: return RefusalAbout::port;
        case plan::Refusal::About::place: return RefusalAbout::place;
        case plan::Refusal::About::deployment: return RefusalAbout::deployment;
        case plan::Refusal::About::replica: return RefusalAbout::replica;
        case plan::Refusal::About::volume: return RefusalAbout::volume;
    }
    return RefusalAbout::deployment;
}

PredictionEntry prediction(const plan::Prediction& said) {
    return {said.total, said.stop, said.increment, said.start, said.ready, said.rest, said.moves, said.guessed,
            said.killed_after};
}

}  // namespace

StatusDocument status_of(const View& view) {
    const Describing describing(view);
    StatusDocument status;
    status.version = version();
    status.revision = view.records.revision;
    status.now = view.now;
    status.control_started = view.started;
    status.nodes = nodes_of(view).nodes;
    for (const auto& [name, wanted] : view.records.configuration)
        status.applications.push_back(describing.application(wanted));
    for (const auto& [id, node] : view.records.nodes) {
        const NodeReport* report = plan::report_of(view, id);
        if (!report) continue;
        for (const ContainerSeen& container : report->containers) {
            if (view.records.configuration.contains(container.application)) continue;
            status.applications.push_back(describing.leaving(id, container));
        }
    }
    std::ranges::sort(status.applications, {}, &ApplicationEntry::name);
    status.volumes = volumes_of(view).volumes;
    return status;
}

NodesDocument nodes_of(const View& view) {
    NodesDocument document;
    for (const auto& [id, node] : view.records.nodes) document.nodes.push_back(Describing(view).node(node));
    std::ranges::sort(document.nodes, {}, &NodeEntry::name);
    return document;
}

VolumesDocument volumes_of(const View& view) {
    VolumesDocument document;
    for (const auto& [subject, ownership] : view.records.ownerships) {
        if (ownership.dataset) document.volumes.push_back(Describing(view).volume(ownership));
    }
    std::ranges::sort(document.volumes, {}, [](const VolumeEntry& volume) {
        return std::tuple(!volume.application, volume.application.value_or(""), volume.dataset);
    });
    return document;
}

MovesDocument moves_of(const View& view, const std::optional<std::string>& application) {
    const Describing describing(view);
    MovesDocument document;
    for (const auto& [subject, ownership] : view.records.ownerships) {
        const std::string name = plan::subject_name(ownership);
        if (application && name != *application) continue;
        if (ownership.move) document.under_way.push_back({name, describing.move(ownership)});
        for (const MoveResult& result : ownership.moves) document.ended.push_back({name, describing.result(result)});
    }
    std::ranges::sort(document.ended, std::greater{},
                      [](const MoveEnded& move) { return std::pair(move.result.ended, move.result.id); });
    return document;
}

std::vector<ReasonEntry> reasons_of(const View& view, const std::string& name) {
    std::vector<ReasonEntry> reasons;
    for (plan::Reason& reason : plan::explain(view, name)) {
        reasons.push_back({std::move(reason.waits_for), std::move(reason.node), reason.until});
    }
    return reasons;
}

PlanDocument plan_of(const View& view, const plan::DeployPlan& plan, Revision revision) {
    PlanDocument document;
    for (const plan::Step& step : plan.steps) {
        StepEntry entry{
            kind_of(step.kind), step.application.value, plan::node_name(view.records, step.node), {}, step.to_copy,
            step.reason};
        if (step.kind == plan::Step::Kind::move) entry.from = plan::node_name(view.records, step.from);
        if (step.predicted) entry.predicted = prediction(*step.predicted);
        document.steps.push_back(std::move(entry));
    }
    for (const ApplicationName& name : plan.left_alone) document.left_alone.push_back(name.value);
    document.changes = !plan.changes.empty();
    document.revision = revision;
    return document;
}

FailoverDocument failover_of(const View& view, const plan::FailoverPlan& plan, Revision revision) {
    FailoverDocument document;
    document.application = plan.application.value;
    document.from = plan::node_name(view.records, plan.from);
    document.to = plan::node_name(view.records, plan.to);
    if (plan.heard.unix_ns != 0) document.heard_ago = view.now - plan.heard;
    document.snapshot = plan.snapshot;
    document.lost_bytes = plan.lost_bytes;
    document.revision = revision;
    const auto wanted = view.records.configuration.find(plan.application);
    const bool has_volume = wanted != view.records.configuration.end() && wanted->second.application.volume;
    for (const plan::Candidate& candidate : plan.candidates) {
        CandidateEntry entry{
            plan::node_name(view.records, candidate.node), candidate.snapshot, {}, candidate.behind, candidate.why_not};
        const DatasetSeen* seen = has_volume ? plan::dataset_in(plan::report_of(view, candidate.node),
                                                                wanted->second.application.volume->dataset)
                                             : nullptr;
        for (const SnapshotSeen& snapshot : seen ? seen->snapshots : std::vector<SnapshotSeen>{}) {
            if (snapshot.id == candidate.snapshot) entry.taken = snapshot.taken;
        }
        // The plan says nothing lost where nobody knows.
        if (candidate.node == plan.to && plan.snapshot) document.lost = candidate.behind;
        document.candidates.push_back(std::move(entry));
    }
    return document;
}

RefusalsDocument refusals_of(const std::vector<plan::Refusal>& refusals) {
    RefusalsDocument document;
    document.error = {ErrorCode::invalid_argument, fmt::format("refused for {} reason{}, nothing was changed",
                                                               refusals.size(), refusals.size() == 1 ? "" : "s")};
    for (const plan::Refusal& refusal : refusals) {
        RefusalEntry entry{about_of(refusal.about), refusal.name, {}, refusal.message};
        if (refusal.port.number != 0) entry.port = refusal.port.number;
        if (refusal.port.protocol != Protocol::tcp) entry.protocol = refusal.port.protocol;
        document.refusals.push_back(std::move(entry));
    }
    return document;
}

}  // namespace flocker::api
