// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/http/server.hpp"
#include "model/report.hpp"
#include "ports/control_link.hpp"
#include "ports/loop.hpp"

namespace flocker::http {

/// The control service's end of what agents and control service say to each other.
///
///   GET  /v1/nodes/<id>/assignment           the newest assignment; 404: there is none yet
///   GET  /v1/nodes/<id>/assignment?watch=1   a stream of lines: the newest assignment at once, then each
///                                            new one; a blank line every 5 s says that we are there
///   POST /v1/nodes/<id>/report               a report; 200 and its receipt
///   POST /v1/nodes/<id>/certificate          a certificate request, PEM; 200 and a new certificate
///
/// Only the node itself may ask (403): its certificate's name is "node:<id>", and it is a member by the newest
/// assignment that was published. A node's newest watch ends its older one; one that is removed loses its own.
///
/// Threads: publish() on the loop thread; respond() on the server's threads; stop() from any.
class HttpAgentSessions final : public ports::AgentSessions {
public:
    /// Called on the loop thread; gives the receipt before it returns.
    using Reported = std::function<model::ReportReceipt(const model::NodeReport&)>;
    /// Signs a request of that member; on a thread of the server's.
    using Certify = std::function<Result<std::string>(const model::Node&, const std::string& request)>;
    HttpAgentSessions(ports::Loop& loop, Reported reported, Certify certify = {});
    ~HttpAgentSessions() override;

    void publish(const model::Assignment& assignment) override;

    /// For the server's Respond; nullopt: not a request of ours. The server is stopped before this
    /// is destroyed, and stops at once if this was stopped before.
    [[nodiscard]] std::optional<Answer> respond(const Request& request);
    /// Ends all watches.
    void stop();

private:
    struct Session {
        std::optional<model::Assignment> newest;
        std::shared_ptr<const std::string> line;  ///< `newest` as JSON and a newline.
        std::uint64_t version{0};                 ///< Of `line`.
        std::uint64_t watch{0};                   ///< The newest watch.
    };

    [[nodiscard]] Answer assignment(const model::NodeId& node, bool watch);
    [[nodiscard]] Answer report(const Request& request, const model::NodeId& node);
    [[nodiscard]] Answer certificate(const Request& request, const model::NodeId& node);
    /// Under the lock.
    void note_members(const model::Assignment& assignment);
    /// Before anything was published everybody may be one.
    [[nodiscard]] bool may_be_member(const model::NodeId& node);
    void stream(const model::NodeId& node, BodyWriter& writer);

    ports::Loop& loop_;
    Reported reported_;
    Certify certify_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<model::NodeId, Session> sessions_;
    std::map<model::NodeId, model::Node> members_;
    model::Revision members_at_;
    bool stopping_{false};
};

}  // namespace flocker::http
