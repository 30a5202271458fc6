// SPDX-License-Identifier: Apache-2.0
#include "api/client.hpp"

#include <fmt/format.h>

#include "api/documents_json.hpp"
#include "api/reply.hpp"

namespace flocker::api {
namespace {

/// A deployment may wait for image registries; the service gives up before this.
constexpr Duration command_limit = 150s;

http::Request request(std::string method, std::string target, std::string body = {}) {
    http::Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    request.body = std::move(body);
    return request;
}

Error error_of(const http::Response& response) {
    if (auto document = from_json<ErrorDocument>(response.body)) return std::move(document->error);
    return {code_for(response.status), fmt::format("the control service answered with status {} {}", response.status,
                                                   http::reason(response.status))};
}

template <class Document>
Result<Document> document_of(const http::Response& response) {
    auto document = from_json<Document>(response.body);
    if (document) return document;
    return fail(ErrorCode::corrupt,
                fmt::format("the control service's answer is not understood; are both of one version? {}",
                            document.error().message));
}

}  // namespace

Result<http::Response> Client::send(const Call& call) const {
    FLOCKER_TRY(http::Response response, transport_(call));
    if (response.status / 100 != 2) return tl::unexpected(error_of(response));
    return response;
}

template <class Document>
Result<Document> Client::get(const std::string& target) const {
    FLOCKER_TRY(const http::Response response, send({request("GET", target)}));
    return document_of<Document>(response);
}

Result<VersionDocument> Client::version() const {
    return get<VersionDocument>("/v1/version");
}
Result<StatusDocument> Client::status() const {
    return get<StatusDocument>("/v1/status");
}
Result<NodesDocument> Client::nodes() const {
    return get<NodesDocument>("/v1/nodes");
}
Result<VolumesDocument> Client::volumes() const {
    return get<VolumesDocument>("/v1/volumes");
}
Result<VolumeEntry> Client::volume(const std::string& name) const {
    return get<VolumeEntry>("/v1/volumes/" + http::percent_encode(name));
}
Result<MovesDocument> Client::moves(const std::optional<std::string>& application) const {
    return get<MovesDocument>("/v1/moves" + (application ? "?application=" + http::percent_encode(*application) : ""));
}
Result<WhyDocument> Client::why(const std::string& name) const {
    return get<WhyDocument>("/v1/why/" + http::percent_encode(name));
}
Result<EventsDocument> Client::latest_events(std::uint32_t count) const {
    return get<EventsDocument>(fmt::format("/v1/events?latest={}", count));
}
Result<TokensDocument> Client::tokens() const {
    return get<TokensDocument>("/v1/tokens");
}

Result<model::ClusterSettings> Client::settings() const {
    return get<model::ClusterSettings>("/v1/settings");
}

template <class Document>
Result<std::variant<Document, RefusalsDocument>> Client::plan(const std::string& target, std::string body) const {
    using Outcome = std::variant<Document, RefusalsDocument>;
    FLOCKER_TRY(const http::Response response,
                transport_({request("POST", target, std::move(body)), {}, command_limit}));
    if (response.status == 422) {
        FLOCKER_TRY(RefusalsDocument refusals, document_of<RefusalsDocument>(response));
        return Outcome(std::move(refusals));
    }
    if (response.status / 100 != 2) return tl::unexpected(error_of(response));
    FLOCKER_TRY(Document plan, document_of<Document>(response));
    return Outcome(std::move(plan));
}

Result<Planned> Client::deploy(const DeployRequest& request) const {
    return plan<PlanDocument>("/v1/deploy", to_json(request));
}
Result<Planned> Client::move(const MoveRequest& request) const {
    return plan<PlanDocument>("/v1/moves", to_json(request));
}
Result<Planned> Client::cancel_move(const std::string& application) const {
    return plan<PlanDocument>("/v1/moves/" + http::percent_encode(application) + "/cancel", "{}");
}
Result<FailoverPlanned> Client::failover(const FailoverRequest& request) const {
    return plan<FailoverDocument>("/v1/failovers", to_json(request));
}
Result<Planned> Client::drain(const std::string& node, bool dry_run) const {
    return plan<PlanDocument>("/v1/nodes/" + http::percent_encode(node) + "/drain", to_json(DrainRequest{dry_run}));
}
Result<Planned> Client::activate(const std::string& node) const {
    return plan<PlanDocument>("/v1/nodes/" + http::percent_encode(node) + "/activate", "{}");
}

Result<model::ClusterSettings> Client::configure(const SettingsRequest& body) const {
    FLOCKER_TRY(const http::Response response,
                send({request("PUT", "/v1/settings", to_json(body)), {}, command_limit}));
    return document_of<model::ClusterSettings>(response);
}

Status Client::limit_node(const std::string& node, const NodeBandwidth& bandwidth) const {
    const std::string target = "/v1/nodes/" + http::percent_encode(node) + "/bandwidth";
    FLOCKER_TRY(const http::Response done, send({request("PUT", target, to_json(bandwidth)), {}, command_limit}));
    static_cast<void>(done);
    return {};
}

Status Client::erase(const std::string& target) const {
    FLOCKER_TRY(const http::Response done, send({request("DELETE", target), {}, command_limit}));
    static_cast<void>(done);
    return {};
}
Status Client::destroy_volume(const std::string& name) const {
    return erase("/v1/volumes/" + http::percent_encode(name));
}
Status Client::remove_aside(const std::string& volume, const model::SnapshotId& aside, const std::string& node) const {
    return erase("/v1/volumes/" + http::percent_encode(volume) + "/set-aside/" + to_text(aside) +
                 "?node=" + http::percent_encode(node));
}
Status Client::remove_node(const std::string& name) const {
    return erase("/v1/nodes/" + http::percent_encode(name));
}
Status Client::revoke_token(const std::string& id) const {
    return erase("/v1/tokens/" + http::percent_encode(id));
}

Result<TokenCreated> Client::create_token(const TokenRequest& body) const {
    FLOCKER_TRY(const http::Response response, send({request("POST", "/v1/tokens", to_json(body))}));
    return document_of<TokenCreated>(response);
}

Result<JoinedDocument> Client::join(const JoinDocument& body) const {
    FLOCKER_TRY(const http::Response response, send({request("POST", "/v1/join", to_json(body)), {}, command_limit}));
    return document_of<JoinedDocument>(response);
}

Status Client::follow_events(std::uint32_t latest, const ports::Sink& sink) const {
    FLOCKER_TRY(const http::Response done,
                send({request("GET", fmt::format("/v1/events?follow=1&latest={}", latest)), sink, {}}));
    static_cast<void>(done);
    return {};
}

Status Client::verify(const std::string& volume, const std::string& replica,
                      const std::function<Status(const VerifyLine&)>& each) const {
    std::string target = "/v1/volumes/" + http::percent_encode(volume) + "/verify";
    if (!replica.empty()) target += "?replica=" + http::percent_encode(replica);
    std::string pending;
    const auto take = [&](std::span<const std::byte> bytes) -> Status {
        pending.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
            FLOCKER_TRY(const VerifyLine line, from_json<VerifyLine>(std::string_view(pending).substr(0, end)));
            FLOCKER_CHECK_OK(each(line));
            pending.erase(0, end + 1);
        }
        return {};
    };
    FLOCKER_TRY(const http::Response done, send({request("GET", target), take, command_limit}));
    static_cast<void>(done);
    return {};
}

Status Client::logs(const std::string& application, std::uint32_t tail_lines, bool follow,
                    const ports::Sink& sink) const {
    const std::string target = fmt::format("/v1/applications/{}/logs?tail={}&follow={}",
                                           http::percent_encode(application), tail_lines, follow ? 1 : 0);
    FLOCKER_TRY(const http::Response done, send({request("GET", target), sink, follow ? Duration{} : Duration{30s}}));
    static_cast<void>(done);
    return {};
}

}  // namespace flocker::api
