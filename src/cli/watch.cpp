// SPDX-License-Identifier: Apache-2.0
#include "cli/watch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flocker::cli {
namespace {

using api::ApplicationEntry;
using api::ApplicationState;
using api::StatusDocument;
using api::StepKind;
using Policy = model::RestartPolicy::Name;

const ApplicationEntry* find(const StatusDocument& status, const std::string& application) {
    const auto found = std::ranges::find(status.applications, application, &ApplicationEntry::name);
    return found == status.applications.end() ? nullptr : &*found;
}

bool same_run(const api::ContainerEntry& a, const api::ContainerEntry& b) {
    return a.id == b.id && a.started == b.started;
}

/// nullopt: it may yet be heard of.
std::optional<std::string> silence(const StatusDocument& status, const std::string& node) {
    const auto found = std::ranges::find(status.nodes, node, &api::NodeEntry::name);
    if (found == status.nodes.end() || found->alive) return std::nullopt;
    const Duration silent = found->heard_ago.value_or(status.now - status.control_started);
    if (silent < silence_borne) return std::nullopt;
    return fmt::format("node {} has not been heard of for {}", node, to_text(silent));
}

void fail(Outcome& outcome, std::string node, std::string reason) {
    outcome.standing = Standing::failed;
    outcome.node = std::move(node);
    outcome.reason = std::move(reason);
}

/// What is tried on the move's target is the control service's to judge, while there is a way back.
const api::ProblemEntry* lasting_problem(const ApplicationEntry& entry) {
    const bool way_back = entry.move && entry.move->phase != model::MovePhase::settling;
    const auto found = std::ranges::find_if(entry.problems, [&](const api::ProblemEntry& problem) {
        return problem.attempts >= attempts_max && !(way_back && problem.node == entry.move->target);
    });
    return found == entry.problems.end() ? nullptr : &*found;
}

}  // namespace

Watch::Watch(const api::PlanDocument& plan, const StatusDocument& before) : revision_(plan.revision) {
    for (const api::StepEntry& step : plan.steps) {
        Target target;
        target.outcome.step = step;
        target.outcome.node = step.node;
        if (const ApplicationEntry* entry = find(before, step.application)) {
            if (entry->last_move) target.last_move_before = entry->last_move->id;
            target.container_before = entry->container;
        }
        targets_.push_back(std::move(target));
    }
}

void Watch::see(const StatusDocument& status) {
    // An older one says what was before the deployment, or that the records are still being read.
    if (status.revision < revision_) return;
    for (Target& target : targets_) see(status, target);
}

void Watch::see(const StatusDocument& status, Target& target) const {
    Outcome& outcome = target.outcome;
    outcome.standing = Standing::pending;
    outcome.node = outcome.step.node;
    outcome.reason.clear();
    const ApplicationEntry* entry = find(status, outcome.step.application);
    if (outcome.step.kind == StepKind::stop) return see_stop(status, entry, target);
    if (!entry || entry->state == ApplicationState::stopping) {
        return fail(outcome, outcome.step.node, "another deployment has taken it out of the configuration");
    }
    if (entry->wanted_node != outcome.step.node) {
        return fail(outcome, entry->wanted_node, fmt::format("another deployment wants it on {}", entry->wanted_node));
    }
    if (entry->last_move && entry->last_move->id > target.last_move_before) outcome.move = entry->last_move;
    if (entry->settled) {
        outcome.standing = Standing::done;
        return;
    }
    if (!entry->move && outcome.move && !outcome.move->succeeded) {
        return fail(outcome, outcome.move->target,
                    fmt::format("the move to {} was given up, {} keeps it: {}", outcome.move->target,
                                outcome.move->source, outcome.move->reason));
    }
    if (const auto reason = exit_failure(status, *entry, target)) return fail(outcome, entry->owner_node, *reason);
    if (const api::ProblemEntry* problem = lasting_problem(*entry)) {
        return fail(outcome, problem->node,
                    fmt::format("{} (tried {} times)", problem->error.message, problem->attempts));
    }
    for (const std::string& node : {entry->owner_node, entry->wanted_node}) {
        if (const auto reason = silence(status, node)) return fail(outcome, node, *reason);
    }
}

void Watch::see_stop(const StatusDocument& status, const ApplicationEntry* entry, Target& target) const {
    Outcome& outcome = target.outcome;
    if (!entry || entry->state != ApplicationState::stopping) {
        outcome.standing = Standing::done;
    } else if (const api::ProblemEntry* problem = lasting_problem(*entry)) {
        fail(outcome, problem->node, fmt::format("{} (tried {} times)", problem->error.message, problem->attempts));
    } else if (const auto reason = silence(status, entry->owner_node)) {
        fail(outcome, entry->owner_node, *reason);
    }
}

std::optional<std::string> Watch::exit_failure(const StatusDocument& status, const ApplicationEntry& entry,
                                               Target& target) {
    if (!entry.container || entry.move) return std::nullopt;
    const api::ContainerEntry& container = *entry.container;
    const bool run_before = target.container_before && same_run(*target.container_before, container);
    if (!run_before && container.started.unix_ns != 0) target.runs.insert(container.started);

    const bool exited = container.status == model::ContainerSeen::Status::exited && container.exit_code != 0;
    // The run from before is ended by ourselves, if the plan says more than keep.
    if (!exited || (run_before && target.outcome.step.kind != StepKind::keep)) {
        target.exited.reset();
        return std::nullopt;
    }
    if (!target.exited || target.exited->first != container.finished) target.exited = {container.finished, status.now};

    const std::string how = fmt::format("its container exited with code {}", container.exit_code);
    const model::RestartPolicy& policy = entry.restart_policy;
    if (policy.name == Policy::never)
        return fmt::format("{}, and its restart policy is never; see `flocker logs {}`", how, entry.name);
    const auto most = policy.maximum_retry_count;
    const bool spent = policy.name == Policy::on_failure && most && target.runs.size() > *most;
    if (spent || target.runs.size() >= runs_max || status.now - target.exited->second > restart_waited) {
        return fmt::format("{}, after {} starts; see `flocker logs {}`", how,
                           std::max<std::size_t>(target.runs.size(), 1), entry.name);
    }
    return std::nullopt;
}

bool Watch::over() const {
    return std::ranges::none_of(targets_,
                                [](const Target& target) { return target.outcome.standing == Standing::pending; });
}

bool Watch::failed() const {
    return std::ranges::any_of(targets_,
                               [](const Target& target) { return target.outcome.standing == Standing::failed; });
}

std::vector<Outcome> Watch::outcomes() const {
    std::vector<Outcome> outcomes;
    for (const Target& target : targets_) outcomes.push_back(target.outcome);
    return outcomes;
}

bool Watch::concerns(const std::string& application) const {
    return std::ranges::any_of(targets_,
                               [&](const Target& target) { return target.outcome.step.application == application; });
}

}  // namespace flocker::cli
