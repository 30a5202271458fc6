// SPDX-License-Identifier: Apache-2.0
#include "api/api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/deployment_check.hpp"
#include "api/documents_json.hpp"
#include "api/settings.hpp"
#include "api/status.hpp"
#include "plan/deploy.hpp"

namespace flocker::api {
namespace {

using protocol::Control;

constexpr Duration token_lifetime = 60min;
constexpr Duration token_lifetime_min = 1min;
constexpr Duration token_lifetime_max = 7 * 24 * 60min;

template <class Document>
Result<Document> body_of(const http::Request& request) {
    auto document = from_json<Document>(request.body);
    if (document) return document;
    return fail(ErrorCode::invalid_argument, "the request's body can't be taken: " + document.error().message);
}

bool may(const http::Request& request, const Target& target) {
    if (request.peer.starts_with("user:")) return true;
    return request.peer.empty() && request.method == "POST" &&
           target.segments == std::vector<std::string>{"v1", "join"};
}

Reply denied(const http::Request& request) {
    if (!request.peer.empty()) {
        return {
            error_response({ErrorCode::denied,
                            fmt::format("\"{}\" may not use this API; it takes a user's certificate", request.peer)}),
            {}};
    }
    return {error_response(401, {ErrorCode::denied, "show a user's certificate"}), {}};
}

}  // namespace

struct Api::Route {
    const char* method;
    std::vector<const char*> pattern;  ///< nullptr stands for any one segment.
    Reply (Api::*answer)(const http::Request&, const Target&);

    [[nodiscard]] bool matches(const Target& target) const {
        return std::ranges::equal(pattern, target.segments, [](const char* wanted, const std::string& segment) {
            return wanted == nullptr || segment == wanted;
        });
    }
};

const std::vector<Api::Route>& Api::routes() {
    constexpr const char* any = nullptr;
    static const std::vector<Route> routes{
        {"GET", {"v1", "version"}, &Api::get_version},
        {"GET", {"v1", "status"}, &Api::get_status},
        {"GET", {"v1", "nodes"}, &Api::get_nodes},
        {"DELETE", {"v1", "nodes", any}, &Api::delete_node},
        {"POST", {"v1", "nodes", any, "drain"}, &Api::post_drain},
        {"POST", {"v1", "nodes", any, "activate"}, &Api::post_activate},
        {"PUT", {"v1", "nodes", any, "bandwidth"}, &Api::put_bandwidth},
        {"POST", {"v1", "deploy"}, &Api::post_deploy},
        {"POST", {"v1", "moves"}, &Api::post_moves},
        {"POST", {"v1", "moves", any, "cancel"}, &Api::post_cancel},
        {"GET", {"v1", "moves"}, &Api::get_moves},
        {"POST", {"v1", "failovers"}, &Api::post_failovers},
        {"GET", {"v1", "settings"}, &Api::get_settings},
        {"PUT", {"v1", "settings"}, &Api::put_settings},
        {"GET", {"v1", "volumes"}, &Api::get_volumes},
        {"GET", {"v1", "volumes", any}, &Api::get_volume},
        {"DELETE", {"v1", "volumes", any}, &Api::delete_volume},
        {"GET", {"v1", "volumes", any, "verify"}, &Api::get_verify},
        {"DELETE", {"v1", "volumes", any, "set-aside", any}, &Api::delete_aside},
        {"GET", {"v1", "why", any}, &Api::get_why},
        {"GET", {"v1", "events"}, &Api::get_events},
        {"GET", {"v1", "applications", any, "logs"}, &Api::get_logs},
        {"POST", {"v1", "tokens"}, &Api::post_tokens},
        {"GET", {"v1", "tokens"}, &Api::get_tokens},
        {"DELETE", {"v1", "tokens", any}, &Api::delete_token},
        {"POST", {"v1", "join"}, &Api::post_join},
    };
    return routes;
}

Reply Api::serve(const http::Request& request) {
    const auto target = parse_target(request.target);
    if (!target) return {error_response(target.error()), {}};
    if (!may(request, *target)) return denied(request);
    std::string allowed;
    for (const Route& route : routes()) {
        if (!route.matches(*target)) continue;
        if (route.method == request.method) return (this->*route.answer)(request, *target);
        allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
    }
    if (allowed.empty()) {
        return {error_response({ErrorCode::not_found,
                                fmt::format("there is nothing at {}; docs/api.md lists what is", request.target)}),
                {}};
    }
    Reply reply{error_response(405, {ErrorCode::invalid_argument,
                                     fmt::format("{} is not possible here, only {}", request.method, allowed)}),
                {}};
    reply.response.headers.add("Allow", allowed);
    return reply;
}

template <class Made>
Result<Api::Outcome<Made>> Api::ask_for(Command command, Make<Made> make) {
    return calls_.wait_for<Outcome<Made>>(
        [&control = services_.control, command = std::move(command),
         make = std::move(make)](const Done<Outcome<Made>>& done) {
            control.ask(command, [&control, make, done](const Control::Answer& answer) {
                std::visit(
                    Overloaded{
                        [&](const Control::Accepted& accepted) { done(Outcome<Made>(make(control.view(), accepted))); },
                        [&](const std::vector<plan::Refusal>& refusals) { done(Outcome<Made>(refusals_of(refusals))); },
                        [&](const Error& error) { done(tl::unexpected(error)); }},
                    answer);
            });
        },
        command_limit);
}

template <class Made>
Reply Api::reply_with(Command command, Make<Made> make) {
    const auto outcome = ask_for<Made>(std::move(command), std::move(make));
    if (!outcome) return {error_response(outcome.error()), {}};
    if (const auto* refusals = std::get_if<RefusalsDocument>(&*outcome))
        return {json_response(422, to_json(*refusals)), {}};
    return {json_response(200, to_json(std::get<Made>(*outcome))), {}};
}

Status Api::ask(Command command) {
    FLOCKER_TRY(const auto outcome,
                ask_for<model::Revision>(std::move(command),
                                         [](const plan::View&, const auto& accepted) { return accepted.revision; }));
    const auto* refused = std::get_if<RefusalsDocument>(&outcome);
    return refused ? Status(tl::unexpected(refused->error)) : Status();
}

Reply Api::planned(Command command) {
    return reply_with<PlanDocument>(std::move(command), [](const plan::View& view, const Control::Accepted& accepted) {
        return plan_of(view, accepted.plan, accepted.revision);
    });
}

Result<model::NodeId> Api::node_called(const std::string& name) {
    return read<model::NodeId>([name](const plan::View& view) -> Result<model::NodeId> {
        if (const model::Node* found = plan::find_node(view.records, model::NodeReference{name})) return found->id;
        if (view.records.nodes.contains(model::NodeId{name})) return model::NodeId{name};
        return fail(ErrorCode::not_found, fmt::format("no node is called \"{}\"", name));
    });
}

Reply Api::post_deploy(const http::Request& request, const Target&) {
    auto body = body_of<DeployRequest>(request);
    if (!body) return {error_response(body.error()), {}};
    if (const auto refusals = check(body->deployment); !refusals.empty()) {
        return {json_response(422, to_json(refusals_of(refusals))), {}};
    }
    return planned(Control::Deploy{std::move(body->deployment), body->dry_run.value_or(false)});
}

Reply Api::post_moves(const http::Request& request, const Target&) {
    const auto body = body_of<MoveRequest>(request);
    if (!body) return {error_response(body.error()), {}};
    if (body->downtime_max && *body->downtime_max <= Duration{}) {
        return {
            error_response({ErrorCode::invalid_argument, "downtime_max_ns is the longest pause, more than nothing"}),
            {}};
    }
    return planned(Control::MoveTo{model::ApplicationName{body->application}, model::NodeReference{body->node},
                                   body->dry_run.value_or(false), body->downtime_max});
}

Reply Api::post_cancel(const http::Request&, const Target& target) {
    return planned(Control::CancelMove{model::ApplicationName{target.segments[2]}});
}

Reply Api::post_failovers(const http::Request& request, const Target&) {
    const auto body = body_of<FailoverRequest>(request);
    if (!body) return {error_response(body.error()), {}};
    Control::FailOver failover{model::ApplicationName{body->application}, {}, body->dry_run.value_or(false)};
    if (body->node) failover.to = model::NodeReference{*body->node};
    return reply_with<FailoverDocument>(
        std::move(failover), [](const plan::View& view, const Control::Accepted& accepted) {
            return accepted.failover ? failover_of(view, *accepted.failover, accepted.revision) : FailoverDocument{};
        });
}

Reply Api::post_drain(const http::Request& request, const Target& target) {
    const auto body = request.body.empty() ? Result<DrainRequest>() : body_of<DrainRequest>(request);
    if (!body) return {error_response(body.error()), {}};
    const auto node = node_called(target.segments[2]);
    if (!node) return {error_response(node.error()), {}};
    return planned(Control::DrainNode{*node, body->dry_run.value_or(false)});
}

Reply Api::post_activate(const http::Request&, const Target& target) {
    const auto node = node_called(target.segments[2]);
    if (!node) return {error_response(node.error()), {}};
    return planned(Control::ActivateNode{*node});
}

Reply Api::put_bandwidth(const http::Request& request, const Target& target) {
    const auto body = body_of<NodeBandwidth>(request);
    if (!body) return {error_response(body.error()), {}};
    const std::string problem = problem_of(body->bandwidth.value_or(model::Bandwidth{}));
    if (!problem.empty()) return {error_response({ErrorCode::invalid_argument, problem + "; nothing was changed"}), {}};
    const auto node = node_called(target.segments[2]);
    if (!node) return {error_response(node.error()), {}};
    if (const Status done = ask(Control::LimitNode{*node, body->bandwidth}); !done) return {error_response(done.error()), {}};
    return {json_response(200, to_json(*body)), {}};
}

Reply Api::put_settings(const http::Request& request, const Target& target) {
    const auto body = body_of<SettingsRequest>(request);
    if (!body) return {error_response(body.error()), {}};
    const auto settings = read<model::ClusterSettings>(
        [](const plan::View& view) -> Result<model::ClusterSettings> { return settings_of(view); });
    if (!settings) return {error_response(settings.error()), {}};
    const model::ClusterSettings wished = changed(*settings, *body);
    if (const Status sound = api::check(wished); !sound) return {error_response(sound.error()), {}};
    if (const Status done = ask(Control::Configure{wished}); !done) return {error_response(done.error()), {}};
    return get_settings(request, target);
}

Result<model::DatasetId> Api::volume_called(const std::string& name) {
    return read<model::DatasetId>([name](const plan::View& view) -> Result<model::DatasetId> {
        for (const auto& [subject, ownership] : view.records.ownerships) {
            if (ownership.dataset && (ownership.dataset->value == name || plan::subject_name(ownership) == name))
                return *ownership.dataset;
        }
        return fail(ErrorCode::not_found, fmt::format("no volume is called \"{}\"", name));
    });
}

Reply Api::delete_volume(const http::Request&, const Target& target) {
    const auto dataset = volume_called(target.segments.back());
    if (!dataset) return {error_response(dataset.error()), {}};
    if (const Status done = ask(Control::DestroyVolume{*dataset}); !done) return {error_response(done.error()), {}};
    return {{204, {}, {}}, {}};
}

Reply Api::delete_aside(const http::Request&, const Target& target) {
    const auto dataset = volume_called(target.segments[2]);
    if (!dataset) return {error_response(dataset.error()), {}};
    const auto aside = model::parse_snapshot_id(target.segments.back());
    if (!aside) {
        return {error_response({ErrorCode::invalid_argument,
                                fmt::format("\"{}\" is not a snapshot's name; it is like e3-s43", target.segments.back())}),
                {}};
    }
    Control::RemoveAside remove{*dataset, *aside, {}};
    if (const auto node = target.parameters.find("node"); node != target.parameters.end())
        remove.on = model::NodeReference{node->second};
    if (const Status done = ask(remove); !done) return {error_response(done.error()), {}};
    return {{204, {}, {}}, {}};
}

Reply Api::delete_node(const http::Request&, const Target& target) {
    const auto node = node_called(target.segments.back());
    if (!node) return {error_response(node.error()), {}};
    if (const Status done = ask(Control::RemoveNode{*node}); !done) return {error_response(done.error()), {}};
    return {{204, {}, {}}, {}};
}

Reply Api::post_tokens(const http::Request& request, const Target&) {
    const auto body = body_of<TokenRequest>(request);
    if (!body) return {error_response(body.error()), {}};
    const Duration lifetime = body->lifetime.value_or(token_lifetime);
    if (lifetime < token_lifetime_min || lifetime > token_lifetime_max) {
        return {error_response({ErrorCode::invalid_argument, "a token lives from a minute to seven days"}), {}};
    }
    auto token = services_.enrollment.create_token(lifetime);
    if (!token) return {error_response(token.error()), {}};
    return {json_response(201, to_json(TokenCreated{*std::move(token)})), {}};
}

Reply Api::delete_token(const http::Request&, const Target& target) {
    if (const Status done = services_.enrollment.revoke_token(target.segments.back()); !done) {
        return {error_response(done.error()), {}};
    }
    return {{204, {}, {}}, {}};
}

}  // namespace flocker::api
