// SPDX-License-Identifier: Apache-2.0
#include "api/documents_json.hpp"

#include "api/step_fields.hpp"
#include "codec/json_decoder.hpp"
#include "codec/json_encoder.hpp"

namespace flocker::api {

using codec::Either;

template <class V>
void fields(V&& visit, Either<ErrorDocument> auto& document) {
    visit("error", document.error);
}

template <class V>
void fields(V&& visit, Either<VersionDocument> auto& document) {
    visit("version", document.version);
    visit("api", document.api);
}

template <class V>
void fields(V&& visit, Either<ProblemEntry> auto& document) {
    visit("node", document.node);
    visit("subject", document.subject);
    visit("error", document.error);
    visit("attempts", document.attempts);
    visit("since", document.since);
}

template <class V>
void fields(V&& visit, Either<NodeEntry> auto& document) {
    visit("id", document.id);
    visit("name", document.name);
    visit("hostname", document.hostname);
    visit("address", document.address);
    visit("datacenter", document.datacenter);
    visit("labels", document.labels);
    visit("alive", document.alive);
    visit("heard_ago_ns", document.heard_ago);
    visit("pool_size", document.pool_size);
    visit("pool_free", document.pool_free);
    visit("applications", document.applications);
    visit("problems", document.problems);
    visit("draining", document.draining, codec::added);
    visit("bandwidth", document.bandwidth);
    visit("pool_short", document.pool_short, codec::added);
}

template <class V>
void fields(V&& visit, Either<ContainerEntry> auto& document) {
    visit("id", document.id);
    visit("status", document.status);
    visit("ready", document.ready);
    visit("address", document.address);
    visit("exit_code", document.exit_code);
    visit("started", document.started);
    visit("finished", document.finished);
}

template <class V>
void fields(V&& visit, Either<RoundEntry> auto& document) {
    visit("bytes", document.bytes);
    visit("took_ns", document.took);
    visit("interval_ns", document.interval);
    visit("whole", document.whole);
}

template <class V>
void fields(V&& visit, Either<MoveEntry> auto& document) {
    visit("id", document.id);
    visit("phase", document.phase);
    visit("source", document.source);
    visit("target", document.target);
    visit("started", document.started);
    visit("phase_started", document.phase_started);
    visit("sealing_started", document.sealing_started);
    visit("bytes_live", document.bytes_live);
    visit("bytes_cutover", document.bytes_cutover);
    visit("rounds", document.rounds);
    visit("round_sent", document.round_sent);
    visit("round_expected", document.round_expected);
    visit("last_round", document.last_round);
    visit("measured", document.measured);
    visit("target_waits", document.target_waits, codec::added);
    visit("downtime_max_ns", document.downtime_max);
    visit("predicted_ns", document.predicted);
}

template <class V>
void fields(V&& visit, Either<MoveResultEntry> auto& document) {
    visit("id", document.id);
    visit("source", document.source);
    visit("target", document.target);
    visit("started", document.started);
    visit("ended", document.ended);
    visit("succeeded", document.succeeded);
    visit("reason", document.reason);
    visit("downtime_ns", document.downtime);
    visit("bytes_live", document.bytes_live);
    visit("bytes_cutover", document.bytes_cutover);
    visit("rounds", document.rounds);
    visit("predicted_ns", document.predicted);
    visit("steps_ns", document.steps);
    visit("failover", document.failover, codec::added);
    visit("lost_ns", document.lost);
}

template <class V>
void fields(V&& visit, Either<ReasonEntry> auto& document) {
    visit("waits_for", document.waits_for);
    visit("node", document.node);
    visit("until", document.until);
}

template <class V>
void fields(V&& visit, Either<ApplicationEntry> auto& document) {
    visit("name", document.name);
    visit("image", document.image);
    visit("place", document.place);
    visit("wanted_node", document.wanted_node);
    visit("owner_node", document.owner_node);
    visit("epoch", document.epoch);
    visit("state", document.state);
    visit("settled", document.settled);
    visit("ports", document.ports);
    visit("environment", document.environment);
    visit("volume", document.volume);
    visit("restart_policy", document.restart_policy);
    visit("container", document.container);
    visit("problems", document.problems);
    visit("move", document.move);
    visit("last_move", document.last_move);
    visit("avoided_node", document.avoided_node);
    visit("why", document.why);
    visit("failover", document.failover, codec::added);
    visit("promoting", document.promoting, codec::added);
}

template <class V>
void fields(V&& visit, Either<CopyEntry> auto& document) {
    visit("node", document.node);
    visit("owner", document.owner);
    visit("present", document.present);
    visit("used", document.used);
    visit("mounted", document.mounted);
    visit("sealed", document.sealed);
    visit("trial", document.trial);
    visit("changed", document.changed);
    visit("snapshots", document.snapshots);
    visit("leaving", document.leaving, codec::added);
    visit("set_aside", document.set_aside);
    visit("asides_to_go", document.asides_to_go, codec::added);
}

template <class V>
void fields(V&& visit, Either<ReplicaEntry> auto& document) {
    visit("node", document.node);
    visit("snapshot", document.snapshot);
    visit("behind_ns", document.behind);
    visit("bytes", document.bytes);
    visit("proof_age_ns", document.proof_age);
    visit("reason", document.reason);
    visit("round_sent", document.round_sent);
    visit("round_expected", document.round_expected);
}

template <class V>
void fields(V&& visit, Either<VolumeEntry> auto& document) {
    visit("dataset", document.dataset);
    visit("application", document.application);
    visit("owner_node", document.owner_node);
    visit("epoch", document.epoch);
    visit("established", document.established);
    visit("destroying", document.destroying);
    visit("mountpoint", document.mountpoint);
    visit("maximum_size", document.maximum_size);
    visit("copies", document.copies);
    visit("wished_replicas", document.wished_replicas, codec::added);
    visit("wished_lag_ns", document.wished_lag, codec::added);
    visit("spread", document.spread, codec::added);
    visit("promoting", document.promoting, codec::added);
    visit("replicas", document.replicas);
    visit("bandwidth", document.bandwidth);
    visit("named_replicas", document.named_replicas);
}

template <class V>
void fields(V&& visit, Either<StatusDocument> auto& document) {
    visit("version", document.version);
    visit("revision", document.revision);
    visit("now", document.now);
    visit("control_started", document.control_started);
    visit("nodes", document.nodes);
    visit("applications", document.applications);
    visit("volumes", document.volumes);
}

template <class V>
void fields(V&& visit, Either<NodesDocument> auto& document) {
    visit("nodes", document.nodes);
}

template <class V>
void fields(V&& visit, Either<VolumesDocument> auto& document) {
    visit("volumes", document.volumes);
}

template <class V>
void fields(V&& visit, Either<MoveUnderWay> auto& document) {
    visit("application", document.application);
    visit("move", document.move);
}

template <class V>
void fields(V&& visit, Either<MoveEnded> auto& document) {
    visit("application", document.application);
    visit("result", document.result);
}

template <class V>
void fields(V&& visit, Either<MovesDocument> auto& document) {
    visit("under_way", document.under_way);
    visit("ended", document.ended);
}

template <class V>
void fields(V&& visit, Either<WhyDocument> auto& document) {
    visit("name", document.name);
    visit("reasons", document.reasons);
}

template <class V>
void fields(V&& visit, Either<EventsDocument> auto& document) {
    visit("events", document.events);
}

template <class V>
void fields(V&& visit, Either<DeployRequest> auto& document) {
    visit("deployment", document.deployment);
    visit("dry_run", document.dry_run);
}

template <class V>
void fields(V&& visit, Either<MoveRequest> auto& document) {
    visit("application", document.application);
    visit("node", document.node);
    visit("dry_run", document.dry_run);
    visit("downtime_max_ns", document.downtime_max);
}

template <class V>
void fields(V&& visit, Either<FailoverRequest> auto& document) {
    visit("application", document.application);
    visit("node", document.node);
    visit("dry_run", document.dry_run);
}

template <class V>
void fields(V&& visit, Either<DrainRequest> auto& document) {
    visit("dry_run", document.dry_run);
}

template <class V>
void fields(V&& visit, Either<SettingsRequest> auto& document) {
    visit("replicas", document.replicas);
    visit("lag_ns", document.lag);
    visit("failover", document.failover);
    visit("replace_after_ns", document.replace_after);
    visit("full_copies_max", document.full_copies_max);
    visit("bandwidth", document.bandwidth);
}

template <class V>
void fields(V&& visit, Either<NodeBandwidth> auto& document) {
    visit("bandwidth", document.bandwidth);
}

template <class V>
void fields(V&& visit, Either<CandidateEntry> auto& document) {
    visit("node", document.node);
    visit("snapshot", document.snapshot);
    visit("taken", document.taken);
    visit("behind_ns", document.behind);
    visit("why_not", document.why_not);
}

template <class V>
void fields(V&& visit, Either<FailoverDocument> auto& document) {
    visit("application", document.application);
    visit("from", document.from);
    visit("to", document.to);
    visit("heard_ago_ns", document.heard_ago);
    visit("snapshot", document.snapshot);
    visit("lost_ns", document.lost);
    visit("lost_bytes", document.lost_bytes);
    visit("candidates", document.candidates);
    visit("revision", document.revision);
}

template <class V>
void fields(V&& visit, Either<PlanDocument> auto& document) {
    visit("steps", document.steps);
    visit("left_alone", document.left_alone);
    visit("changes", document.changes);
    visit("revision", document.revision);
}

template <class V>
void fields(V&& visit, Either<RefusalEntry> auto& document) {
    visit("about", document.about);
    visit("name", document.name);
    visit("port", document.port);
    visit("message", document.message);
    visit("node", document.node);
    visit("protocol", document.protocol);
}

template <class V>
void fields(V&& visit, Either<RefusalsDocument> auto& document) {
    visit("error", document.error);
    visit("refusals", document.refusals);
}

template <class V>
void fields(V&& visit, Either<TokenRequest> auto& document) {
    visit("lifetime_ns", document.lifetime);
}

template <class V>
void fields(V&& visit, Either<TokenCreated> auto& document) {
    visit("token", document.token);
}

template <class V>
void fields(V&& visit, Either<TokenEntry> auto& document) {
    visit("id", document.id);
    visit("created", document.created);
    visit("expires", document.expires);
    visit("used_by", document.used_by);
    visit("revoked", document.revoked);
}

template <class V>
void fields(V&& visit, Either<TokensDocument> auto& document) {
    visit("tokens", document.tokens);
}

template <class V>
void fields(V&& visit, Either<JoinDocument> auto& document) {
    visit("token", document.token);
    visit("request", document.request);
    visit("node", document.node);
}

template <class V>
void fields(V&& visit, Either<JoinedDocument> auto& document) {
    visit("node", document.node);
    visit("certificate", document.certificate);
    visit("authority", document.authority);
}

const char* name_of(ApplicationState state) {
    switch (state) {
        case ApplicationState::running: return "running";
        case ApplicationState::starting: return "starting";
        case ApplicationState::finished: return "finished";
        case ApplicationState::exited: return "exited";
        case ApplicationState::moving: return "moving";
        case ApplicationState::waiting: return "waiting";
        case ApplicationState::node_lost: return "node_lost";
        case ApplicationState::stopping: return "stopping";
    }
    return "running";
}

const char* name_of(StepKind kind) {
    switch (kind) {
        case StepKind::start: return "start";
        case StepKind::stop: return "stop";
        case StepKind::restart: return "restart";
        case StepKind::move: return "move";
        case StepKind::keep: return "keep";
    }
    return "start";
}

const char* name_of(RefusalAbout about) {
    switch (about) {
        case RefusalAbout::application: return "application";
        case RefusalAbout::image: return "image";
        case RefusalAbout::port: return "port";
        case RefusalAbout::place: return "place";
        case RefusalAbout::deployment: return "deployment";
        case RefusalAbout::replica: return "replica";
        case RefusalAbout::volume: return "volume";
    }
    return "application";
}

template <class V>
void fields(V&& visit, Either<VerifyBegun> auto& document) {
    visit("volume", document.volume);
    visit("dataset", document.dataset);
    visit("owner", document.owner);
    visit("snapshot", document.snapshot);
    visit("replicas", document.replicas);
}

template <class V>
void fields(V&& visit, Either<VerifyProgress> auto& document) {
    visit("node", document.node);
    visit("entries", document.entries);
    visit("entries_expected", document.entries_expected);
    visit("bytes", document.bytes);
    visit("bytes_expected", document.bytes_expected);
    visit("done", document.done);
}

template <class V>
void fields(V&& visit, Either<VerifyVerdict> auto& document) {
    visit("replica", document.replica);
    visit("equal", document.equal);
    visit("reason", document.reason);
    visit("digest", document.digest);
    visit("owner_digest", document.owner_digest);
    visit("entries", document.entries);
    visit("bytes", document.bytes);
    visit("first_difference", document.first_difference);
}

template <class V>
void fields(V&& visit, Either<VerifyDocument> auto& document) {
    visit("volume", document.volume);
    visit("dataset", document.dataset);
    visit("owner", document.owner);
    visit("snapshot", document.snapshot);
    visit("replicas", document.replicas);
}

template <class V>
void fields(V&& visit, Either<VerifyLine> auto& document) {
    visit("begun", document.begun);
    visit("progress", document.progress);
    visit("verdict", document.verdict);
    visit("error", document.error);
}

template <class Document>
std::string to_json(const Document& document) {
    codec::Encoder encoder;
    encoder.value(document);
    return encoder.take();
}

template <class Document>
Result<Document> from_json(std::string_view text) {
    FLOCKER_TRY(const auto tree, codec::parse(text));
    codec::Decoder decoder;
    Document document{};
    decoder.read(tree, document, codec::Path{});
    if (decoder.error()) return tl::unexpected(*decoder.error());
    return document;
}

#define FLOCKER_DOCUMENT(...)                         \
    template std::string to_json(const __VA_ARGS__&); \
    template Result<__VA_ARGS__> from_json<__VA_ARGS__>(std::string_view)

FLOCKER_DOCUMENT(ErrorDocument);
FLOCKER_DOCUMENT(VersionDocument);
FLOCKER_DOCUMENT(StatusDocument);
FLOCKER_DOCUMENT(NodesDocument);
FLOCKER_DOCUMENT(VolumesDocument);
FLOCKER_DOCUMENT(VolumeEntry);
FLOCKER_DOCUMENT(MovesDocument);
FLOCKER_DOCUMENT(WhyDocument);
FLOCKER_DOCUMENT(EventsDocument);
FLOCKER_DOCUMENT(DeployRequest);
FLOCKER_DOCUMENT(MoveRequest);
FLOCKER_DOCUMENT(FailoverRequest);
FLOCKER_DOCUMENT(DrainRequest);
FLOCKER_DOCUMENT(NodeBandwidth);
FLOCKER_DOCUMENT(SettingsRequest);
FLOCKER_DOCUMENT(PlanDocument);
FLOCKER_DOCUMENT(FailoverDocument);
FLOCKER_DOCUMENT(RefusalsDocument);
FLOCKER_DOCUMENT(TokenRequest);
FLOCKER_DOCUMENT(TokenCreated);
FLOCKER_DOCUMENT(TokensDocument);
FLOCKER_DOCUMENT(JoinDocument);
FLOCKER_DOCUMENT(JoinedDocument);
FLOCKER_DOCUMENT(model::ClusterSettings);
FLOCKER_DOCUMENT(VerifyLine);
FLOCKER_DOCUMENT(VerifyDocument);

}  // namespace flocker::api
