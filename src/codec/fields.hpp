// SPDX-License-Identifier: Apache-2.0
//
// Internal: which fields each struct of the model has in JSON. One description serves both
// directions; a test counts that no field of a struct is left out.
#pragma once

#include <concepts>
#include <type_traits>

#include "codec/enum_names.hpp"
#include "model/application.hpp"
#include "model/assignment.hpp"
#include "model/control.hpp"
#include "model/deployment.hpp"
#include "model/node.hpp"
#include "model/records.hpp"
#include "model/report.hpp"

namespace flocker::codec {

/// T is M or const M: a description is read to encode and written to decode.
template <class T, class M>
concept Either = std::same_as<std::remove_const_t<T>, M>;

/// Said of a field that came later: in a text of before it is missing and keeps its default.
struct Added {};
inline constexpr Added added;

template <class V>
void fields(V&& visit, Either<Error> auto& error) {
    visit("code", error.code);
    visit("message", error.message);
}

// --- application, deployment, node ----------------------------------------------------------

template <class V>
void fields(V&& visit, Either<model::Port> auto& port) {
    visit("internal", port.internal);
    visit("external", port.external);
    visit("protocol", port.protocol, added);
}

template <class V>
void fields(V&& visit, Either<model::TakenPort> auto& taken) {
    visit("number", taken.number);
    visit("protocol", taken.protocol);
    visit("by", taken.by);
}

template <class V>
void fields(V&& visit, Either<model::Link> auto& link) {
    visit("local_port", link.local_port);
    visit("remote_port", link.remote_port);
    visit("alias", link.alias);
}

template <class V>
void fields(V&& visit, Either<model::Bandwidth::Span> auto& span) {
    visit("from_minute", span.from);
    visit("until_minute", span.until);
    visit("bytes_per_second", span.rate);
}

template <class V>
void fields(V&& visit, Either<model::Bandwidth> auto& bandwidth) {
    visit("bytes_per_second", bandwidth.rate);
    visit("times", bandwidth.spans);
}

template <class V>
void fields(V&& visit, Either<model::Volume> auto& volume) {
    visit("dataset", volume.dataset);
    visit("mountpoint", volume.mountpoint);
    visit("maximum_size", volume.maximum_size);
    visit("replicas", volume.replicas);
    visit("lag_ns", volume.lag);
    visit("spread", volume.spread, added);
    visit("bandwidth", volume.bandwidth);
}

template <class V>
void fields(V&& visit, Either<model::RestartPolicy> auto& policy) {
    visit("name", policy.name);
    visit("maximum_retry_count", policy.maximum_retry_count);
}

template <class V>
void fields(V&& visit, Either<model::Application> auto& application) {
    visit("name", application.name);
    visit("image", application.image);
    visit("ports", application.ports);
    visit("links", application.links);
    visit("volume", application.volume);
    visit("environment", application.environment);
    visit("restart_policy", application.restart_policy);
    visit("mem_limit", application.mem_limit);
    visit("cpu_shares", application.cpu_shares);
    visit("command", application.command);
    visit("gate", application.gate, added);
    visit("before_move", application.before_move);
    visit("cutover", application.cutover, added);
    visit("failover", application.failover);
}

template <class V>
void fields(V&& visit, Either<model::Deployment> auto& deployment) {
    visit("applications", deployment.applications);
    visit("places", deployment.places);
    visit("replicas", deployment.replicas, added);
}

template <class V>
void fields(V&& visit, Either<model::Node> auto& node) {
    visit("id", node.id);
    visit("name", node.name);
    visit("hostname", node.hostname);
    visit("address", node.address);
    visit("data_port", node.data_port);
    visit("datacenter", node.datacenter);
    visit("labels", node.labels);
    visit("draining", node.draining, added);
    visit("bandwidth", node.bandwidth);
}

// --- records --------------------------------------------------------------------------------

template <class V>
void fields(V&& visit, Either<model::Move> auto& move) {
    visit("id", move.id);
    visit("phase", move.phase);
    visit("source", move.source);
    visit("target", move.target);
    visit("sealed", move.sealed);
    visit("started", move.started);
    visit("phase_started", move.phase_started);
    visit("sealing_started", move.sealing_started);
    visit("bytes_live", move.bytes_live);
    visit("rounds", move.rounds);
    visit("bytes_cutover", move.bytes_cutover);
    visit("ready_since", move.ready_since);
    visit("downtime_max_ns", move.downtime_max);
    visit("predicted_ns", move.predicted);
}

template <class V>
void fields(V&& visit, Either<model::MoveResult> auto& result) {
    visit("id", result.id);
    visit("source", result.source);
    visit("target", result.target);
    visit("started", result.started);
    visit("ended", result.ended);
    visit("succeeded", result.succeeded);
    visit("failover", result.failover, added);
    visit("lost_ns", result.lost, added);
    visit("reason", result.reason);
    visit("downtime_ns", result.downtime);
    visit("bytes_live", result.bytes_live);
    visit("bytes_cutover", result.bytes_cutover);
    visit("rounds", result.rounds);
    visit("predicted_ns", result.predicted);
    visit("steps_ns", result.steps);
}

template <class V>
void fields(V&& visit, Either<model::ClusterSettings> auto& settings) {
    visit("replicas", settings.replicas);
    visit("lag_ns", settings.lag);
    visit("failover", settings.failover);
    visit("replace_after_ns", settings.replace_after);
    visit("full_copies_max", settings.full_copies_max);
    visit("bandwidth", settings.bandwidth, added);
}

template <class V>
void fields(V&& visit, Either<model::Ownership> auto& ownership) {
    visit("subject", ownership.subject);
    visit("dataset", ownership.dataset);
    visit("application", ownership.application);
    visit("owner", ownership.owner);
    visit("epoch", ownership.epoch);
    visit("won_by", ownership.won_by);
    visit("established", ownership.established);
    visit("replicas", ownership.replicas);
    visit("leaving", ownership.leaving, added);
    visit("began_from", ownership.began_from);
    visit("promoting", ownership.promoting, added);
    visit("move", ownership.move);
    visit("moves", ownership.moves);
    visit("avoided_target", ownership.avoided_target);
    visit("destroying", ownership.destroying);
    visit("asides_to_go", ownership.asides_to_go, added);
}

template <class V>
void fields(V&& visit, Either<model::Wanted> auto& wanted) {
    visit("application", wanted.application);
    visit("place_as_written", wanted.place_as_written);
    visit("node", wanted.node);
    visit("incarnation", wanted.incarnation);
    visit("downtime_max_ns", wanted.downtime_max);
    visit("replica_nodes", wanted.replica_nodes);
}

template <class V>
void fields(V&& visit, Either<model::Event> auto& event) {
    visit("number", event.number);
    visit("at", event.at);
    visit("kind", event.kind);
    visit("subject", event.subject);
    visit("text", event.text);
}

template <class V>
void fields(V&& visit, Either<model::Takeover> auto& takeover) {
    visit("copied", takeover.copied);
    visit("at", takeover.at);
    visit("unheard", takeover.unheard);
}

template <class V>
void fields(V&& visit, Either<model::Records> auto& records) {
    visit("revision", records.revision);
    visit("nodes", records.nodes);
    visit("configuration", records.configuration);
    visit("ownerships", records.ownerships);
    visit("last_move", records.last_move);
    visit("settings", records.settings, added);
    visit("takeover", records.takeover);
}

template <class V>
void fields(V&& visit, Either<model::ControlPlace> auto& place) {
    visit("address", place.address);
    visit("port", place.port);
    visit("agent_port", place.agent_port);
    visit("term", place.term);
}

template <class V>
void fields(V&& visit, Either<model::ControlWord> auto& word) {
    visit("node", word.node);
    visit("place", word.place);
    visit("serves", word.serves);
    visit("silence_ns", word.silence);
    visit("copied", word.copied);
    visit("members", word.members);
    visit("now", word.now, added);
}

template <class V>
void fields(V&& visit, Either<model::BackupHead> auto& head) {
    visit("flocker_backup", head.flocker_backup);
    visit("authority", head.authority);
    visit("made", head.made);
    visit("revision", head.revision);
}

// --- assignment -----------------------------------------------------------------------------

template <class V>
void fields(V&& visit, Either<model::DatasetAssignment> auto& assignment) {
    visit("dataset", assignment.dataset);
    visit("duty", assignment.duty);
    visit("owner", assignment.owner);
    visit("epoch", assignment.epoch);
    visit("move", assignment.move);
    visit("from", assignment.from);
    visit("won_from", assignment.won_from);
    visit("past_wins", assignment.past_wins, added);
    visit("may_create", assignment.may_create);
    visit("feed", assignment.feed);
    visit("replicas", assignment.replicas);
    visit("lag_ns", assignment.lag, added);
    visit("maximum_size", assignment.maximum_size);
    visit("asides_to_go", assignment.asides_to_go, added);
    visit("bandwidth", assignment.bandwidth, added);
}

template <class V>
void fields(V&& visit, Either<model::ApplicationAssignment> auto& assignment) {
    visit("application", assignment.application);
    visit("intent", assignment.intent);
    visit("move", assignment.move);
    visit("incarnation", assignment.incarnation);
    visit("hook_for", assignment.hook_for, added);
    visit("leased", assignment.leased, added);
}

template <class V>
void fields(V&& visit, Either<model::Route> auto& route) {
    visit("external", route.external);
    visit("internal", route.internal);
    visit("application", route.application);
    visit("owner", route.owner);
    visit("held", route.held);
    visit("lost", route.lost, added);
    visit("protocol", route.protocol, added);
}

template <class V>
void fields(V&& visit, Either<model::Assignment> auto& assignment) {
    visit("node", assignment.node);
    visit("revision", assignment.revision);
    visit("datasets", assignment.datasets);
    visit("applications", assignment.applications);
    visit("routes", assignment.routes);
    visit("nodes", assignment.nodes);
    visit("bandwidth", assignment.bandwidth, added);
}

// --- report ---------------------------------------------------------------------------------

template <class V>
void fields(V&& visit, Either<model::SnapshotSeen> auto& snapshot) {
    visit("id", snapshot.id);
    visit("taken", snapshot.taken);
}

template <class V>
void fields(V&& visit, Either<model::Seal> auto& seal) {
    visit("move", seal.move);
    visit("snapshot", seal.snapshot);
    visit("told", seal.told, added);
}

template <class V>
void fields(V&& visit, Either<model::Trial> auto& trial) {
    visit("move", trial.move);
    visit("from", trial.from);
}

template <class V>
void fields(V&& visit, Either<model::SetAsideSeen> auto& kept) {
    visit("id", kept.id);
    visit("taken", kept.taken);
    visit("size", kept.size);
}

template <class V>
void fields(V&& visit, Either<model::DatasetSeen> auto& dataset) {
    visit("id", dataset.id);
    visit("epoch", dataset.epoch);
    visit("live", dataset.live);
    visit("seal", dataset.seal);
    visit("trial", dataset.trial);
    visit("mounted", dataset.mounted);
    visit("snapshots", dataset.snapshots);
    visit("acknowledged", dataset.acknowledged);
    visit("changed", dataset.changed);
    visit("used", dataset.used);
    visit("set_aside", dataset.set_aside, added);
    visit("maximum_size", dataset.maximum_size, added);
    visit("size_trouble", dataset.size_trouble, added);
}

template <class V>
void fields(V&& visit, Either<model::ContainerSeen> auto& container) {
    visit("application", container.application);
    visit("container", container.container);
    visit("fingerprint", container.fingerprint);
    visit("status", container.status);
    visit("address", container.address);
    visit("exit_code", container.exit_code);
    visit("started", container.started);
    visit("finished", container.finished);
    visit("ready", container.ready);
    visit("killed_after_ns", container.killed_after);
}

template <class V>
void fields(V&& visit, Either<model::RoundSeen> auto& round) {
    visit("to", round.to);
    visit("bytes", round.bytes);
    visit("took_ns", round.took);
    visit("interval_ns", round.interval);
    visit("whole", round.whole);
    visit("waited_ns", round.waited, added);
}

template <class V>
void fields(V&& visit, Either<model::FeedSeen> auto& feed) {
    visit("dataset", feed.dataset);
    visit("to", feed.to);
    visit("acknowledged", feed.acknowledged);
    visit("bytes_total", feed.bytes_total);
    visit("rounds", feed.rounds);
    visit("last_rounds", feed.last_rounds);
    visit("round_sent", feed.round_sent);
    visit("round_expected", feed.round_expected);
    visit("idle", feed.idle, added);
    visit("queued", feed.queued, added);
    visit("limited", feed.limited, added);
    visit("proven", feed.proven, added);
    visit("trouble", feed.trouble, added);
    visit("let_go", feed.let_go, added);
}

template <class V>
void fields(V&& visit, Either<model::ReportReceipt> auto& receipt) {
    visit("leased", receipt.leased);
}

template <class V>
void fields(V&& visit, Either<model::StepSeen> auto& step) {
    visit("subject", step.subject);
    visit("step", step.step);
    visit("move", step.move);
    visit("took_ns", step.took);
    visit("ended", step.ended);
}

template <class V>
void fields(V&& visit, Either<model::Problem> auto& problem) {
    visit("subject", problem.subject);
    visit("error", problem.error);
    visit("attempts", problem.attempts);
    visit("since", problem.since);
}

template <class V>
void fields(V&& visit, Either<model::Incident> auto& incident) {
    visit("number", incident.number);
    visit("subject", incident.subject);
    visit("text", incident.text);
    visit("at", incident.at);
}

template <class V>
void fields(V&& visit, Either<model::NodeReport> auto& report) {
    visit("node", report.node);
    visit("sequence", report.sequence);
    visit("agent_started", report.agent_started);
    visit("at", report.at, added);
    visit("revision", report.revision);
    visit("looked", report.looked, added);
    visit("datasets", report.datasets);
    visit("containers", report.containers);
    visit("feeds", report.feeds);
    visit("images", report.images);
    visit("open_routes", report.open_routes);
    visit("open_udp_routes", report.open_udp_routes);
    visit("taken_ports", report.taken_ports);
    visit("leased", report.leased, added);
    visit("problems", report.problems);
    visit("incidents", report.incidents);
    visit("steps", report.steps);
    visit("pool_size", report.pool_size);
    visit("pool_free", report.pool_free);
    visit("pool_short", report.pool_short, added);
}

}  // namespace flocker::codec
