// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "api/documents_json.hpp"
#include "cli/commands.hpp"
#include "cli/input_file.hpp"
#include "cli/pause.hpp"
#include "cli/plan_text.hpp"
#include "cli/results.hpp"
#include "cli/text.hpp"
#include "cli/undertaking.hpp"
#include "manifest/limits.hpp"
#include "manifest/manifest.hpp"

namespace flocker::cli {
namespace {

int refused(const Session& session, const std::vector<manifest::Diagnostic>& problems) {
    if (session.json()) session.out() << refusals_json(problems) << std::endl;
    for (const auto& problem : problems) session.err() << to_text(problem) << "\n";
    session.err() << fmt::format("flocker: refused, {}; nothing was changed", counted(problems.size(), "problem"))
                  << std::endl;
    return exit_code::refused;
}

int cancel_move(const Session& session, const api::Client& client, const std::string& application) {
    const auto planned = client.cancel_move(application);
    if (!planned) return unknown_outcome(session, planned.error());
    if (const auto* refusals = std::get_if<api::RefusalsDocument>(&*planned)) return say_refusals(session, *refusals, false);
    const auto& plan = std::get<api::PlanDocument>(*planned);
    if (session.json()) session.out() << api::to_json(plan) << "\n";
    for (const api::StepEntry& step : plan.steps) {
        if (session.json()) break;
        session.out() << printable(fmt::format("{} stays on {}: {}", step.application, step.node, step.reason)) << "\n";
    }
    session.out() << std::flush;
    return exit_code::done;
}

}  // namespace

int deploy(const Session& session, const DeployOptions& options) {
    std::vector<manifest::SourceText> sources;
    std::optional<Error> unreadable;
    for (const std::string& file : {options.deployment_file, options.application_file}) {
        auto text = read_input_file(file, manifest::limits::text_bytes);
        if (!text) {
            session.err() << "flocker: " << text.error().message << std::endl;
            unreadable = text.error();
            continue;
        }
        sources.push_back({file, *std::move(text)});
    }
    if (unreadable) return exit_code::refused;

    const auto parsed = manifest::parse(sources[0], sources[1]);
    if (const auto* problems = std::get_if<std::vector<manifest::Diagnostic>>(&parsed))
        return refused(session, *problems);
    const auto& [deployment, positions] = std::get<manifest::Manifests>(parsed);

    auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const Ask ask = [&](bool dry_run) { return client->deploy({deployment, dry_run}); };
    const Refuse refuse = [&](const api::RefusalsDocument& document) {
        return refused(session, place(document.refusals, positions, options.deployment_file));
    };
    const World& world = session.world();
    const bool question = world.in_is_terminal && world.out_is_terminal && !options.yes && !session.json();
    return Undertaking(session, *client, ask, refuse).run(options.follow, question);
}

int move(const Session& session, const MoveOptions& options) {
    auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const Ask ask = [&](bool dry_run) {
        return client->move({options.application, options.node, dry_run, options.downtime_max});
    };
    const Refuse refuse = [&](const api::RefusalsDocument& document) { return say_refusals(session, document, false); };
    if (options.cancel) return cancel_move(session, *client, options.application);
    if (!options.plan) return Undertaking(session, *client, ask, refuse).run(options.follow, false);
    const auto planned = ask(true);
    if (!planned) return session.fail_with(planned.error());
    if (const auto* refusals = std::get_if<api::RefusalsDocument>(&*planned)) return refuse(*refusals);
    const auto& plan = std::get<api::PlanDocument>(*planned);
    session.out() << (session.json() ? results_json(plan, {}, false) + "\n" : forecast_text(plan)) << std::flush;
    return exit_code::done;
}

int list_moves(const Session& session, const std::optional<std::string>& application) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto moves = client->moves(application);
    if (!moves) return session.fail_with(moves.error());
    session.out() << (session.json() ? moves_json(moves->ended) + "\n"
                                     : moves_text(moves->ended, session.world().now(), session.look()))
                  << std::flush;
    return exit_code::done;
}

}  // namespace flocker::cli
