// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "adapters/http/message.hpp"
#include "api/documents.hpp"
#include "ports/byte_stream.hpp"

namespace flocker::api {

/// One request, and how it is carried out.
struct Call {
    http::Request request;
    /// Not empty: takes the body of a 2xx answer as it arrives; the response's own stays empty.
    ports::Sink sink{};
    /// How long nothing may move. Zero: for ever.
    Duration idle_limit{30s};
};
/// Brings a call to the control service. An answer of any status is a success here.
using Transport = std::function<Result<http::Response>(const Call&)>;

using Planned = std::variant<PlanDocument, RefusalsDocument>;
using FailoverPlanned = std::variant<FailoverDocument, RefusalsDocument>;

/// The API, seen by who uses it. Each call is one request.
///
/// Threads: as the transport.
/// Errors:  what the transport returned; what the service answered, with its code and message;
///          corrupt (the answer is not what this version expects).
class Client {
public:
    explicit Client(Transport transport) : transport_(std::move(transport)) {}

    [[nodiscard]] Result<VersionDocument> version() const;
    [[nodiscard]] Result<StatusDocument> status() const;
    [[nodiscard]] Result<NodesDocument> nodes() const;
    [[nodiscard]] Result<VolumesDocument> volumes() const;
    [[nodiscard]] Result<VolumeEntry> volume(const std::string& name) const;
    /// Of all applications, or of one.
    [[nodiscard]] Result<MovesDocument> moves(const std::optional<std::string>& application) const;
    [[nodiscard]] Result<WhyDocument> why(const std::string& name) const;
    [[nodiscard]] Result<EventsDocument> latest_events(std::uint32_t count) const;
    [[nodiscard]] Result<TokensDocument> tokens() const;
    [[nodiscard]] Result<model::ClusterSettings> settings() const;

    /// timed_out: whether it was taken is not known; asking again does no harm.
    [[nodiscard]] Result<Planned> deploy(const DeployRequest& request) const;
    [[nodiscard]] Result<Planned> move(const MoveRequest& request) const;
    [[nodiscard]] Result<Planned> cancel_move(const std::string& application) const;
    [[nodiscard]] Result<FailoverPlanned> failover(const FailoverRequest& request) const;
    [[nodiscard]] Result<Planned> drain(const std::string& node, bool dry_run) const;
    [[nodiscard]] Result<Planned> activate(const std::string& node) const;
    /// The settings as they are then.
    [[nodiscard]] Result<model::ClusterSettings> configure(const SettingsRequest& request) const;
    [[nodiscard]] Status limit_node(const std::string& node, const NodeBandwidth& bandwidth) const;
    [[nodiscard]] Status destroy_volume(const std::string& name) const;
    /// One snapshot that was set aside on that node.
    [[nodiscard]] Status remove_aside(const std::string& volume, const model::SnapshotId& aside,
                                      const std::string& node) const;
    [[nodiscard]] Status remove_node(const std::string& name) const;
    [[nodiscard]] Result<TokenCreated> create_token(const TokenRequest& request) const;
    [[nodiscard]] Status revoke_token(const std::string& id) const;
    /// Over a transport that shows no certificate.
    [[nodiscard]] Result<JoinedDocument> join(const JoinDocument& request) const;

    /// The latest ones and then those that come, a JSON object a line, until the sink fails.
    [[nodiscard]] Status follow_events(std::uint32_t latest, const ports::Sink& sink) const;
    /// `each` is called with every line, until the last one. `replica`: its node; empty: all of them.
    [[nodiscard]] Status verify(const std::string& volume, const std::string& replica,
                                const std::function<Status(const VerifyLine&)>& each) const;
    [[nodiscard]] Status logs(const std::string& application, std::uint32_t tail_lines, bool follow,
                              const ports::Sink& sink) const;

private:
    template <class Document>
    [[nodiscard]] Result<Document> get(const std::string& target) const;
    [[nodiscard]] Result<http::Response> send(const Call& call) const;
    template <class Document>
    [[nodiscard]] Result<std::variant<Document, RefusalsDocument>> plan(const std::string& target,
                                                                        std::string body) const;
    [[nodiscard]] Status erase(const std::string& target) const;

    Transport transport_;
};

}  // namespace flocker::api
