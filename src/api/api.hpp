// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "api/documents.hpp"
#include "api/loop_call.hpp"
#include "api/reply.hpp"
#include "api/target.hpp"
#include "api/verification.hpp"
#include "driver/control_driver.hpp"
#include "ports/enrollment.hpp"

namespace flocker::api {

/// Where the output of an application on a node comes from; as ports::EngineStreams::logs, of that node.
using LogSource = std::function<Status(const model::Node& node, const model::ApplicationName& application,
                                       std::uint32_t tail_lines, bool follow, const ports::Sink& sink)>;

/// The REST API of the control service; docs/api.md lists the endpoints.
///
/// Threads:  serve() from any thread but the loop's, several at a time; it blocks until the loop has
///           answered. close() from any thread.
/// Access:   Request::peer says who asks. "user:…" may do everything; nobody else may do anything, but
///           that who shows no certificate may join with a token.
/// Owns:     nothing of what it is given; all of it outlives this and every reply of it.
class Api {
public:
    struct Services {
        ports::Loop& loop;
        driver::ControlDriver& control;
        ports::Enrollment& enrollment;
        LogSource logs;
        DigestSource digests{};
    };

    explicit Api(Services services) : services_(std::move(services)), calls_(services_.loop) {}

    [[nodiscard]] Reply serve(const http::Request& request);
    /// Ends what waits, and bodies that are being made; call it before the loop stops.
    void close() { calls_.close(); }

private:
    using Command = protocol::Control::Command;
    struct Route;
    static const std::vector<Route>& routes();

    // What has no effect: reads.cpp
    Reply get_version(const http::Request& request, const Target& target);
    Reply get_status(const http::Request& request, const Target& target);
    Reply get_nodes(const http::Request& request, const Target& target);
    Reply get_moves(const http::Request& request, const Target& target);
    Reply get_volumes(const http::Request& request, const Target& target);
    Reply get_volume(const http::Request& request, const Target& target);
    Reply get_why(const http::Request& request, const Target& target);
    Reply get_tokens(const http::Request& request, const Target& target);
    Reply get_settings(const http::Request& request, const Target& target);

    // What has: api.cpp, join.cpp
    Reply post_deploy(const http::Request& request, const Target& target);
    Reply post_moves(const http::Request& request, const Target& target);
    Reply post_cancel(const http::Request& request, const Target& target);
    Reply post_failovers(const http::Request& request, const Target& target);
    Reply post_drain(const http::Request& request, const Target& target);
    Reply post_activate(const http::Request& request, const Target& target);
    Reply put_bandwidth(const http::Request& request, const Target& target);
    Reply put_settings(const http::Request& request, const Target& target);
    Reply delete_volume(const http::Request& request, const Target& target);
    Reply delete_aside(const http::Request& request, const Target& target);
    Reply delete_node(const http::Request& request, const Target& target);
    Reply post_tokens(const http::Request& request, const Target& target);
    Reply delete_token(const http::Request& request, const Target& target);
    Reply post_join(const http::Request& request, const Target& target);

    // What goes on and on: streams.cpp
    Reply get_events(const http::Request& request, const Target& target);
    Reply get_logs(const http::Request& request, const Target& target);
    Reply get_verify(const http::Request& request, const Target& target);

    /// What `read` makes of the view, on the loop thread.
    template <class T>
    [[nodiscard]] Result<T> read(std::function<Result<T>(const plan::View&)> read) {
        return calls_.wait_for<T>(
            [&control = services_.control, read = std::move(read)](const Done<T>& done) { done(read(control.view())); },
            read_limit);
    }
    /// What `make` makes of the command's being accepted, on the loop thread, or why it is refused.
    template <class Made>
    using Outcome = std::variant<Made, RefusalsDocument>;
    template <class Made>
    using Make = std::function<Made(const plan::View&, const protocol::Control::Accepted&)>;
    template <class Made>
    [[nodiscard]] Result<Outcome<Made>> ask_for(Command command, Make<Made> make);
    template <class Made>
    [[nodiscard]] Reply reply_with(Command command, Make<Made> make);
    [[nodiscard]] Status ask(Command command);
    [[nodiscard]] Reply planned(Command command);
    /// The member by name, hostname, address or id.
    [[nodiscard]] Result<model::NodeId> node_called(const std::string& name);
    /// The volume by its id or its application's name.
    [[nodiscard]] Result<model::DatasetId> volume_called(const std::string& name);
    [[nodiscard]] Result<EventsDocument> events(std::uint64_t after, std::uint32_t limit);
    [[nodiscard]] Result<EventsDocument> latest_events(std::uint32_t count);
    [[nodiscard]] Status follow_events(std::uint64_t after, const ports::Sink& sink);

    /// Until there are verdicts on all replicas, or on `only`.
    [[nodiscard]] Status verify(const model::DatasetId& dataset, const std::optional<model::NodeReference>& only,
                                const ports::Sink& sink);
    [[nodiscard]] Status tell_verdicts(Verification& verification, const VerifyBegun& begun, const ports::Sink& sink);

    /// A view is made in milliseconds; longer means that the loop is stuck.
    static constexpr Duration read_limit = 15s;
    /// A command may wait for the disk, and a deployment for image registries.
    static constexpr Duration command_limit = 2min;

    Services services_;
    LoopCalls calls_;
};

}  // namespace flocker::api
