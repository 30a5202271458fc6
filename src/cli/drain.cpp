// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "api/documents_json.hpp"
#include "cli/text.hpp"
#include "cli/undertaking.hpp"

namespace flocker::cli {
namespace {

/// As the cluster calls it; what was said, if it is no member's.
std::string name_of(const api::StatusDocument& status, const std::string& said) {
    const auto found = std::ranges::find_if(status.nodes, [&](const api::NodeEntry& node) {
        return node.name == said || node.address == said || node.hostname == said || node.id.value == said;
    });
    return found == status.nodes.end() ? said : found->name;
}

/// Moves away from the node that were asked for before; who drains it again watches them, too.
void add_under_way(const api::StatusDocument& status, const std::string& node, api::PlanDocument& plan) {
    for (const api::ApplicationEntry& application : status.applications) {
        const bool leaves =
            application.owner_node == node && !application.wanted_node.empty() && application.wanted_node != node;
        const bool planned =
            std::ranges::find(plan.steps, application.name, &api::StepEntry::application) != plan.steps.end();
        if (!leaves || planned) continue;
        api::StepEntry step;
        step.kind = api::StepKind::move;
        step.application = application.name;
        step.node = application.wanted_node;
        step.from = node;
        step.reason = "asked for before";
        plan.steps.push_back(std::move(step));
    }
    std::ranges::sort(plan.steps, {}, &api::StepEntry::application);
}

std::string still_there(const api::StatusDocument& status, const std::string& node) {
    std::vector<std::string> volumes;
    for (const api::VolumeEntry& volume : status.volumes) {
        const bool held = std::ranges::any_of(volume.copies, [&](const api::CopyEntry& copy) {
            return copy.node == node && !copy.owner && copy.present;
        });
        if (held) volumes.push_back(volume.application.value_or(volume.dataset.value));
    }
    if (volumes.empty()) return "";
    return fmt::format("Its replicas of {} are let go once other nodes hold as many as wished.\n",
                       fmt::join(volumes, ", "));
}

}  // namespace

int drain_node(const Session& session, const DrainOptions& options) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto before = client->status();
    if (!before) return session.fail_with(before.error());
    const std::string node = name_of(*before, options.node);
    const Ask ask = [&](bool dry_run) -> Result<api::Planned> {
        FLOCKER_TRY(api::Planned planned, client->drain(node, dry_run));
        if (auto* plan = std::get_if<api::PlanDocument>(&planned)) add_under_way(*before, node, *plan);
        return planned;
    };
    const Refuse refuse = [&](const api::RefusalsDocument& document) { return say_refusals(session, document, true); };
    const Wording wording{
        fmt::format("Nothing to do: {} is drained already.", node),
        fmt::format("Nothing runs on {}; from now on nothing is placed there.", node),
        fmt::format("the moves go on; `flocker node activate {}` calls off those whose cutover has not begun", node)};
    const World& world = session.world();
    const bool question = world.in_is_terminal && world.out_is_terminal && !options.yes && !session.json();
    const int code = Undertaking(session, *client, ask, refuse, wording).run(options.follow, question);
    if (code != exit_code::done || session.json() || options.follow.dry_run || options.follow.detach) return code;
    session.out() << fmt::format("{} is drained; `flocker node activate {}` lets things be placed there again.\n", node,
                                 node);
    if (const auto after = client->status()) session.out() << still_there(*after, node);
    session.out() << std::flush;
    return code;
}

int activate_node(const Session& session, const std::string& name) {
    const auto client = session.connect();
    if (!client) return session.fail_with(client.error());
    const auto planned = client->activate(name);
    if (!planned) return unknown_outcome(session, planned.error());
    if (const auto* refusals = std::get_if<api::RefusalsDocument>(&*planned))
        return say_refusals(session, *refusals, true);
    const auto& plan = std::get<api::PlanDocument>(*planned);
    if (session.json()) {
        session.out() << api::to_json(plan) << std::endl;
        return exit_code::done;
    }
    if (!plan.changes) {
        session.out() << fmt::format("Nothing to do: {} is not being drained.", printable(name)) << std::endl;
        return exit_code::done;
    }
    session.out() << fmt::format("Things may be placed on {} again. What was moved away stays where it is.\n",
                                 printable(name));
    for (const api::StepEntry& step : plan.steps)
        session.out() << printable(fmt::format("  {} stays on {}: {}", step.application, step.node, step.reason))
                      << "\n";
    session.out() << std::flush;
    return exit_code::done;
}

}  // namespace flocker::cli
