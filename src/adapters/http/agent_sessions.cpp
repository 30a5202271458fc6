// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/agent_sessions.hpp"

#include <future>
#include <string_view>
#include <utility>

#include "codec/json.hpp"

namespace flocker::http {
namespace {

/// How often an idle watch looks whether its agent is still there, and how many such looks are
/// between two blank lines.
constexpr Duration look_interval = 1s;
constexpr int looks_per_blank_line = 5;
/// The loop does not block; if it is behind by more, the agent had better ask again.
constexpr Duration receipt_limit = 3s;
constexpr std::string_view nodes_path = "/v1/nodes/";

Answer refusal(unsigned status, const std::string& message) {
    Response response;
    response.status = status;
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.body = message + "\n";
    return response;
}

}  // namespace

HttpAgentSessions::HttpAgentSessions(ports::Loop& loop, Reported reported, Certify certify)
    : loop_(loop), reported_(std::move(reported)), certify_(std::move(certify)) {}

HttpAgentSessions::~HttpAgentSessions() {
    stop();
}

void HttpAgentSessions::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
}

void HttpAgentSessions::publish(const model::Assignment& assignment) {
    const std::lock_guard lock(mutex_);
    note_members(assignment);
    Session& session = sessions_[assignment.node];
    if (session.newest && (session.newest->revision > assignment.revision || *session.newest == assignment)) return;
    session.newest = assignment;
    session.line = std::make_shared<const std::string>(codec::encode(assignment) + "\n");
    ++session.version;
    changed_.notify_all();
}

void HttpAgentSessions::note_members(const model::Assignment& assignment) {
    if (assignment.revision < members_at_ || assignment.nodes.empty()) return;
    members_at_ = assignment.revision;
    members_.clear();
    for (const model::Node& node : assignment.nodes) members_.emplace(node.id, node);
    for (auto& [id, session] : sessions_) {
        if (members_.contains(id)) continue;
        ++session.watch;
        session.newest.reset();
        session.line.reset();
    }
    changed_.notify_all();
}

bool HttpAgentSessions::may_be_member(const model::NodeId& node) {
    const std::lock_guard lock(mutex_);
    return members_.empty() || members_.contains(node);
}

std::optional<Answer> HttpAgentSessions::respond(const Request& request) {
    std::string_view path = request.target;
    std::string_view query;
    if (const auto mark = path.find('?'); mark != std::string_view::npos) {
        query = path.substr(mark + 1);
        path = path.substr(0, mark);
    }
    if (!path.starts_with(nodes_path)) return std::nullopt;
    path.remove_prefix(nodes_path.size());
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const std::string_view what = path.substr(slash + 1);
    if (what != "assignment" && what != "report" && what != "certificate") return std::nullopt;

    const model::NodeId node{std::string(path.substr(0, slash))};
    if (request.peer != "node:" + node.value) return refusal(403, "only node " + node.value + " itself may do this");
    if (!may_be_member(node)) {
        return refusal(403, "node " + node.value + " is no member of this cluster any more: it was removed");
    }
    if (request.method != (what == "assignment" ? "GET" : "POST")) return refusal(405, "no such method here");
    if (what == "report") return report(request, node);
    if (what == "certificate") return certificate(request, node);
    return assignment(node, query == "watch=1");
}

Answer HttpAgentSessions::assignment(const model::NodeId& node, bool watch) {
    Response response;
    response.headers.add("Content-Type", "application/json");
    if (watch) {
        return {std::move(response), [this, node](BodyWriter& writer) { stream(node, writer); }};
    }
    const std::lock_guard lock(mutex_);
    const auto session = sessions_.find(node);
    if (session == sessions_.end() || !session->second.line) return refusal(404, "there is no assignment yet");
    response.body = *session->second.line;
    return response;
}

void HttpAgentSessions::stream(const model::NodeId& node, BodyWriter& writer) {
    std::unique_lock lock(mutex_);
    Session& session = sessions_[node];  // never erased, so the reference stays good
    const std::uint64_t watch = ++session.watch;
    std::uint64_t written = 0;
    changed_.notify_all();
    const auto due = [&] { return stopping_ || session.watch != watch || session.version != written; };
    // A blank line comes first if nothing else does: it tells the agent that it is being heard.
    for (int look = 0; !stopping_ && session.watch == watch; ++look) {
        const auto line = session.version != written ? session.line : nullptr;
        written = session.version;
        const std::string_view nothing = look % looks_per_blank_line == 0 ? "\n" : "";
        lock.unlock();
        if (!writer.write(line ? std::string_view(*line) : nothing)) return;
        lock.lock();
        changed_.wait_for(lock, look_interval, due);
    }
}

Answer HttpAgentSessions::certificate(const Request& request, const model::NodeId& node) {
    model::Node member;
    {
        const std::lock_guard lock(mutex_);
        const auto found = members_.find(node);
        if (found == members_.end()) return refusal(503, "the control service has just started: ask again");
        member = found->second;
    }
    if (!certify_) return refusal(404, "no certificates are given here");
    auto certificate = certify_(member, request.body);
    if (!certificate) return refusal(400, certificate.error().message);
    Response response;
    response.headers.add("Content-Type", "application/x-pem-file");
    response.body = *std::move(certificate);
    return response;
}

Answer HttpAgentSessions::report(const Request& request, const model::NodeId& node) {
    auto report = codec::decode<model::NodeReport>(request.body);
    if (!report) return refusal(400, report.error().message);
    if (report->node != node) return refusal(403, "the report is about another node");
    const auto receipt = std::make_shared<std::promise<model::ReportReceipt>>();
    std::future<model::ReportReceipt> given = receipt->get_future();
    loop_.post([reported = reported_, report = *std::move(report), receipt] { receipt->set_value(reported(report)); });
    if (given.wait_for(receipt_limit) != std::future_status::ready) {
        return refusal(503, "the control service is busy: send the next report");
    }
    Response response;
    response.headers.add("Content-Type", "application/json");
    response.body = codec::encode(given.get());
    return response;
}

}  // namespace flocker::http
