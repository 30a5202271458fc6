// SPDX-License-Identifier: Apache-2.0
#include "plan/why.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/increments.hpp"
#include "plan/limits.hpp"
#include "plan/prediction.hpp"
#include "plan/takeover.hpp"

namespace flocker::plan {
namespace {

using namespace model;

class Explainer {
public:
    explicit Explainer(const View& view) : view_(view) {}

    std::vector<Reason> take() { return std::move(reasons_); }

    void node(const NodeId& id) {
        const std::string name = node_name(view_.records, id);
        if (!is_alive(view_, id)) {
            const auto state = view_.states.find(id);
            const bool heard = state != view_.states.end() && state->second.heard.unix_ns != 0;
            add(heard ? fmt::format("node {} has not been heard of for {}", name, to_text(view_.now - state->second.heard))
                      : fmt::format("node {} has not been heard of since the control service started", name),
                id);
            return;
        }
        if (!is_current(view_, id)) add(fmt::format("node {} has not answered to its new assignment yet", name), id);
        for (const Problem& problem : report_of(view_, id)->problems) add_problem(problem, id);
        if (const auto clock = clock_problem(view_, id)) add_problem(*clock, id);
    }

    void ownership(const Ownership& ownership) {
        const NodeReport* owner = report_of(view_, ownership.owner);
        if (owner && (is_withheld(view_, ownership.owner) || is_unproven(view_, ownership))) unheard();
        if (ownership.destroying) {
            add("every trace of it is being removed", ownership.owner);
        } else if (ownership.move) {
            move(ownership, *ownership.move);
        } else if (const auto* target = avoided(ownership)) {
            add(fmt::format("its move to {} was given up: {}; deploy again to retry", node_name(view_.records, *target),
                            last_move(ownership) ? last_move(ownership)->reason : ""),
                *target);
        } else if (!is_alive(view_, ownership.owner)) {
            node(ownership.owner);
        } else if (ownership.application) {
            running(ownership, owner);
        }
        if (const Problem* problem = problem_in(owner, ownership)) add_problem(*problem, ownership.owner);
    }

private:
    void add(std::string text, const NodeId& on, std::optional<Instant> until = std::nullopt) {
        reasons_.push_back({std::move(text), node_name(view_.records, on), until});
    }

    void unheard() {
        for (const NodeId& node : view_.records.takeover->unheard) {
            const std::string name = node_name(view_.records, node);
            add(fmt::format("the control service was taken over with a copy of the records, and what {0} knows of may have "
                            "come after it; if {0} will not come back, `flocker node rm {0}`", name),
                node);
        }
    }

    void add_problem(const Problem& problem, const NodeId& on) {
        if (problem.attempts == 0) {
            return add(fmt::format("{}: {} ({})", problem.subject, problem.error.message, to_utc_text(problem.since)), on);
        }
        add(fmt::format("{}: {} (tried {} times since {})", problem.subject, problem.error.message, problem.attempts,
                        to_utc_text(problem.since)),
            on);
    }

    [[nodiscard]] const NodeId* avoided(const Ownership& ownership) const {
        if (!ownership.application || !ownership.avoided_target) return nullptr;
        const auto wanted = view_.records.configuration.find(*ownership.application);
        const bool wished = wanted != view_.records.configuration.end() && wanted->second.node == *ownership.avoided_target;
        return wished ? &*ownership.avoided_target : nullptr;
    }

    void running(const Ownership& ownership, const NodeReport* owner) {
        const ContainerSeen* container = container_in(owner, *ownership.application);
        if (!is_current(view_, ownership.owner)) {
            add("the node has not answered to its new assignment yet", ownership.owner);
            // Without these it knows nothing of what is to be done.
            for (const Problem& problem : owner->problems) {
                if (problem.subject == "pool" || problem.subject == "engine") add_problem(problem, ownership.owner);
            }
        } else if (!container) {
            add("its container is being created", ownership.owner);
        } else if (container->status == ContainerSeen::Status::exited) {
            add(fmt::format("its container exited with code {} at {}", container->exit_code, to_utc_text(container->finished)),
                ownership.owner);
        } else if (container->status == ContainerSeen::Status::waiting) {
            add("its container waits at its gate until the node may let it go", ownership.owner);
        } else if (!container->ready) {
            add("its container is not ready yet", ownership.owner);
        }
    }

    void move(const Ownership& ownership, const Move& move) {
        const Instant limit = move.phase_started + cutover_limit;
        if (!is_alive(view_, move.source) && move.phase != MovePhase::settling) node(move.source);
        if (!is_alive(view_, move.target)) node(move.target);
        switch (move.phase) {
            case MovePhase::staging: staging(ownership, move); break;
            case MovePhase::sealing:
                add("the source stops the application and takes the final snapshot", move.source, limit);
                break;
            case MovePhase::trial:
                add(fmt::format("the target takes {} and starts the application on it",
                                move.sealed ? to_text(*move.sealed) : "nothing"),
                    move.target, limit);
                break;
            case MovePhase::settling: add("the target lets the clients through", move.target); break;
        }
        if (const Problem* problem = problem_in(report_of(view_, move.target), ownership)) add_problem(*problem, move.target);
    }

    void staging(const Ownership& ownership, const Move& move) {
        const NodeReport* target = report_of(view_, move.target);
        if (ownership.application) {
            const ContainerSeen* container = container_in(target, *ownership.application);
            if (!container) add("the target gets the image and creates the container", move.target);
            const bool gate = has_gate(view_.records, ownership);
            if (container && container->status == ContainerSeen::Status::running) {
                add("the target stops what is left of an earlier trial", move.target);
            } else if (container && gate && container->status != ContainerSeen::Status::waiting) {
                add("the target starts the container, held at its gate", move.target);
            }
        }
        if (!ownership.dataset) return;
        const NodeReport* source = report_of(view_, move.source);
        const FeedSeen* feed = feed_in(source, *ownership.dataset, move.target);
        const DatasetSeen* dataset = dataset_in(source, *ownership.dataset);
        if (!feed || !dataset) {
            add("the source has not begun to send", move.source);
            return;
        }
        const IncrementForecast next = forecast(*feed, dataset->changed);
        if (!next.ready) {
            add(fmt::format("{}; {} sent so far", next.reason, to_text(feed->bytes_total)), move.source);
        } else if (move.downtime_max) {
            const Prediction now = predict(view_, ownership);
            if (now.total > *move.downtime_max) {
                add(over_limit_text(now, *move.downtime_max), move.source,
                    move.ready_since ? std::optional(*move.ready_since + calm_patience) : std::nullopt);
            }
        } else if (move.ready_since) {
            add("the source runs what comes before a move", move.source);
        }
    }

    const View& view_;
    std::vector<Reason> reasons_;
};

}  // namespace

bool exists(const Records& records, const std::string& name) {
    const auto node = [&](const auto& entry) { return entry.second.name == name; };
    const auto owned = [&](const auto& entry) { return entry.second.dataset && entry.second.dataset->value == name; };
    return records.configuration.contains(ApplicationName{name}) || std::ranges::any_of(records.nodes, node) ||
           std::ranges::any_of(records.ownerships, owned);
}

std::vector<Reason> explain(const View& view, const std::string& name) {
    Explainer explainer(view);
    for (const auto& [id, member] : view.records.nodes) {
        if (member.name == name) explainer.node(id);
    }
    for (const auto& [subject, ownership] : view.records.ownerships) {
        const bool application = ownership.application && ownership.application->value == name;
        if (application || (ownership.dataset && ownership.dataset->value == name)) explainer.ownership(ownership);
    }
    return explainer.take();
}

bool is_settled(const View& view, const Wanted& wanted) {
    const auto found = view.records.ownerships.find(subject_of(wanted.application));
    if (found == view.records.ownerships.end()) return false;
    const Ownership& ownership = found->second;
    if (ownership.application != wanted.application.name || ownership.owner != wanted.node || ownership.move) return false;
    if (!is_current(view, ownership.owner)) return false;
    const ContainerSeen* container = container_in(report_of(view, ownership.owner), wanted.application.name);
    if (!container) return false;
    if (container->status == ContainerSeen::Status::exited) {
        return container->exit_code == 0 && wanted.application.restart_policy.name != RestartPolicy::Name::always;
    }
    if (container->status != ContainerSeen::Status::running || !container->ready) return false;
    return std::ranges::all_of(view.records.nodes, [&](const auto& entry) {
        if (!is_alive(view, entry.first)) return true;
        if (!is_current(view, entry.first)) return false;
        const NodeReport& report = view.states.at(entry.first).report;
        return std::ranges::all_of(wanted.application.ports,
                                   [&](const Port& port) { return is_open(report, external_of(port)); });
    });
}

}  // namespace flocker::plan
