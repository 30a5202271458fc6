// SPDX-License-Identifier: Apache-2.0
#include "control_wiring.hpp"

#include <chrono>

#include "adapters/peer/digest_client.hpp"
#include "adapters/peer/logs_client.hpp"
#include "adapters/posix/files.hpp"
#include "adapters/posix/log.hpp"
#include "codec/json.hpp"
#include "engine_socket.hpp"
#include "setup/layout.hpp"
#include "standby/asking.hpp"

namespace flocker {
namespace {

constexpr std::size_t file_max = std::size_t{1} << 20U;

setup::Certify signs(const tls::Authority& authority, const tls::Terms& terms) {
    return [authority, terms](const std::string& request) {
        return tls::sign(authority, request, terms, setup::wall_clock());
    };
}

void tell_of_certificate(const std::string& text) {
    posix::log(posix::Level::info, "certificate", {{"says", text}});
}

driver::Trace control_log() {
    return [](const std::string& line) { posix::log(posix::Level::info, "control", {{"does", line}}); };
}

driver::Trace control_alarm() {
    return [](const std::string& text) { posix::log(posix::Level::error, "records", {{"says", text}}); };
}

}  // namespace

Result<std::unique_ptr<ControlWiring>> ControlWiring::open(const standby::Watching& watching, const std::string& folder,
                                                           ports::Loop& loop) {
    const manifest::DaemonConfig& config = watching.config;
    const setup::ConfigFolder files{folder};
    const setup::StateFolder state{config.state};
    tls::Credentials credentials;
    FLOCKER_TRY(credentials.authority, posix::read_file(files.authority(), file_max));
    FLOCKER_TRY(credentials.certificate, posix::read_file(files.certificate("control"), file_max));
    FLOCKER_TRY(credentials.key, posix::read_file(files.key("control"), file_max));
    tls::Authority authority{credentials.authority, {}};
    FLOCKER_TRY(authority.key, posix::read_file(files.authority_key(), file_max));
    FLOCKER_TRY(auto identity, tls::TlsContext::make(credentials));
    FLOCKER_TRY(auto store, sqlite::SqliteStateStore::open(state.records(), loop));
    FLOCKER_TRY(auto tokens, sqlite::SqliteTokenStore::open(state.tokens()));
    FLOCKER_TRY(auto api_listener, identity.listen("0.0.0.0", config.control.port, tls::ClientCertificates::optional));
    FLOCKER_TRY(auto agent_listener, identity.listen("0.0.0.0", config.control.agent_port, tls::ClientCertificates::required));
    FLOCKER_TRY(const std::string introduction, posix::read_file(state.node(), file_max));
    FLOCKER_TRY(model::Node self, codec::decode<model::Node>(introduction));
    return std::make_unique<ControlWiring>(watching,
                                           Parts{std::move(identity), std::move(store), std::move(tokens),
                                                 std::move(api_listener),
                                                 std::move(agent_listener), std::move(authority), std::move(self)},
                                           folder, loop);
}

ControlWiring::ControlWiring(const standby::Watching& watching, Parts parts, const std::string& folder, ports::Loop& loop)
    : parts_(std::move(parts)),
      place_(watching.place),
      workers_(loop),
      images_(workers_, engine_socket(watching.config)),
      copies_(*parts_.store, loop, parts_.authority.key),
      sessions_(loop, [this](const model::NodeReport& report) {
          model::ReportReceipt given;
          driver_.reported(report, [&](model::ReportReceipt receipt) { given = receipt; });
          return given;
      }, [authority = parts_.authority](const model::Node& node, const std::string& request) {
          return tls::sign(authority, request, tls::terms_for_node(node.id.value, node.address), setup::wall_clock());
      }),
      driver_({loop, copies_, sessions_, images_}, control_log(), control_alarm()),
      enrollment_(*parts_.tokens, parts_.authority, {{place_.address, place_.port}}, setup::wall_clock),
      api_({loop, driver_, enrollment_,
            [this](const model::Node& node, const model::ApplicationName& application, std::uint32_t tail_lines, bool follow,
                   const ports::Sink& sink) { return logs(node, application, tail_lines, follow, sink); },
            [this](const model::Node& node, const model::DatasetId& dataset, const model::SnapshotId& snapshot) {
                return tree(node, dataset, snapshot);
            }}),
      api_server_(*parts_.api_listener, [this](const http::Request& request) { return answer(request); }),
      agent_server_(*parts_.agent_listener, [this](const http::Request& request) { return answer_agent(request); }),
      rivals_(watching, copies_),
      own_renewal_({{folder}, "control", parts_.identity},
                   signs(parts_.authority, tls::terms_for_control({{place_.address, "127.0.0.1"}, {}, {}})),
                   setup::wall_clock, tell_of_certificate) {
    const setup::ConfigFolder files{folder};
    if (!posix::read_file(files.certificate("user"), file_max)) return;
    user_renewal_.emplace(setup::Renewable{files, "user"}, signs(parts_.authority, tls::terms_for_user("admin")),
                          setup::wall_clock, tell_of_certificate);
}

void ControlWiring::start() {
    driver_.start();
    driver_.ask(protocol::Control::AddNode{parts_.self}, [](const protocol::Control::Answer& answer) {
        if (const auto* error = std::get_if<Error>(&answer)) {
            posix::log(posix::Level::error, "own_node_not_added", {{"error", *error}});
        }
    });
}

void ControlWiring::stop() {
    api_.close();
    sessions_.stop();
    copies_.stop();
    api_server_.stop();
    agent_server_.stop();
}

http::Answer ControlWiring::answer(const http::Request& request) {
    if (standby::asks_for_control(request)) {
        return standby::answer(request, {parts_.self.id, place_, true, {}, copies_.revision(), copies_.members()});
    }
    api::Reply reply = api_.serve(request);
    // Clients remember them, for the day on which this one does not answer.
    reply.response.headers.add(standby::members_header, standby::members_text(copies_.members()));
    if (!reply.body) return std::move(reply.response);
    http::Response head = reply.response;
    return {std::move(head), [reply = std::move(reply)](http::BodyWriter& writer) { api::write_body(reply, writer); }};
}

http::Answer ControlWiring::answer_agent(const http::Request& request) {
    if (auto answer = sessions_.respond(request)) return std::move(*answer);
    if (auto answer = copies_.respond(request)) return std::move(*answer);
    return api::error_response({ErrorCode::not_found, "agents have nothing to ask at " + request.target});
}

Status ControlWiring::logs(const model::Node& node, const model::ApplicationName& application,
                           std::uint32_t tail_lines, bool follow,
                           const ports::Sink& sink) const {
    return peer::fetch_logs(parts_.identity.connector(tls::peer_is("node:" + node.id.value)), node.address, node.data_port,
                            application, tail_lines, follow, sink);
}

Result<std::unique_ptr<ports::HeldTree>> ControlWiring::tree(const model::Node& node, const model::DatasetId& dataset,
                                                             const model::SnapshotId& snapshot) const {
    return peer::hold_tree(parts_.identity.connector(tls::peer_is("node:" + node.id.value)), node.address, node.data_port,
                           dataset, snapshot);
}

}  // namespace flocker
