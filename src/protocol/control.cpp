// SPDX-License-Identifier: Apache-2.0
#include "protocol/control.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/asides.hpp"
#include "plan/assignments.hpp"
#include "plan/drain.hpp"
#include "plan/failover.hpp"
#include "plan/replicas.hpp"
#include "plan/takeover.hpp"
#include "protocol/moves.hpp"

namespace flocker::protocol {

using namespace model;

std::vector<Control::Effect> Control::begin() { return {Load{}}; }

std::vector<Control::Effect> Control::on(const Event& event, Instant now) {
    std::visit(Overloaded{[&](const Loaded& loaded_event) { loaded(loaded_event, now); },
                          [&](const Committed& committed_event) { committed(committed_event, now); },
                          [&](const Reported& reported_event) {
                              reported(reported_event, now);
                              effects_.push_back(Receipt{reported_event.id, {grants_lease(reported_event.report, now)}});
                          },
                          [&](const Asked& asked) { waiting_.push_back({asked.id, asked.command}); },
                          [&](const ImagesFound& found) { images_found(found); },
                          [](const Tick&) {}},
               event);
    work(now);
    return std::exchange(effects_, {});
}

void Control::loaded(const Loaded& event, Instant now) {
    if (!event.records) {
        // Nothing can be decided without the records; the driver loads again after a rest.
        effects_.push_back(Load{});
        return;
    }
    records_ = *event.records;
    ready_ = true;
    // Whoever watches gets it again, in case that the service before this one could not say it.
    published_.clear();
    publish(now);
}

void Control::committed(const Committed& event, Instant now) {
    UnderWay done = std::move(*under_way_);
    under_way_.reset();
    if (!event.revision) {
        if (done.request) reply(*done.request, event.revision.error());
        // Whether it was written is known only to the store.
        ready_ = false;
        effects_.push_back(Load{});
        return;
    }
    for (const Change& change : done.changes) model::apply(change, records_);
    records_.revision = *event.revision;
    publish(now);
    if (done.request) reply(*done.request, Accepted{std::move(done.plan), records_.revision, std::move(done.failover)});
}

void Control::reported(const Reported& event, Instant now) {
    const NodeReport& report = event.report;
    if (!records_.nodes.contains(report.node)) return;
    plan::NodeState& state = states_[report.node];
    const bool older = state.heard.unix_ns != 0 &&
                       std::pair(report.agent_started, report.sequence) <
                           std::pair(state.report.agent_started, state.report.sequence);
    if (older) return;
    state.report = report;
    put_in_order(state.report);
    state.heard = now;
    hear_incidents(report, now);
}

void Control::hear_incidents(const NodeReport& report, Instant now) {
    auto& [agent, last] = incidents_heard_[report.node];
    if (std::exchange(agent, report.agent_started) != report.agent_started) last = 0;
    for (const Incident& incident : report.incidents) {
        if (incident.number <= last) continue;
        last = incident.number;
        found_.emplace_back(AddEvent{{0, now, EventKind::stranger_found, plan::node_name(records_, report.node), incident.text}});
    }
}

/// A lease is a promise to give nothing of the node away for a while. It is not given to one that does not
/// know yet what it has lost, nor while something is being taken from it.
bool Control::grants_lease(const NodeReport& report, Instant now) const {
    const auto state = states_.find(report.node);
    if (!ready_ || state == states_.end() || report.revision < state->second.published) return false;
    if (plan::is_withheld(view(now), report.node) || plan::is_outnumbered(view(now))) return false;
    if (!under_way_) return true;
    return std::ranges::none_of(under_way_->changes, [&](const Change& change) {
        const auto* put = std::get_if<PutOwnership>(&change);
        if (!put) return false;
        const auto before = records_.ownerships.find(put->ownership.subject);
        return before != records_.ownerships.end() && before->second.owner == report.node &&
               put->ownership.owner != report.node;
    });
}

void Control::images_found(const ImagesFound& event) {
    const auto found = finding_images_.find(event.id);
    if (found == finding_images_.end()) return;
    Waiting waiting = std::move(found->second);
    finding_images_.erase(found);
    if (event.missing.empty()) {
        waiting.images_known = true;
        waiting_.push_front(std::move(waiting));
        return;
    }
    std::vector<plan::Refusal> refusals;
    const auto* deploy = std::get_if<Deploy>(&waiting.command);
    for (const auto& [image, error] : event.missing) {
        const std::string message =
            fmt::format("image {} is on no node, and its registry does not give it: {}; load it on one node "
                        "(docker load, docker build) or correct its name", image, error.message);
        if (!deploy) refusals.push_back({plan::Refusal::About::deployment, "", 0, message});
        if (!deploy) continue;
        for (const Application& application : deploy->deployment.applications) {
            if (application.image == image) {
                refusals.push_back({plan::Refusal::About::image, application.name.value, 0, message});
            }
        }
    }
    reply(waiting.id, std::move(refusals));
}

void Control::work(Instant now) {
    if (!ready_ || !plan::is_informed(view(now))) return;
    if (under_way_) return;
    if (auto better = plan::heed_pools(view(now)); !better.empty()) return commit(std::move(better), std::nullopt, {});
    while (!under_way_ && !waiting_.empty()) serve_next(now);
    if (!under_way_) reconcile(now);
}

void Control::serve_next(Instant now) {
    const Waiting waiting = std::move(waiting_.front());
    waiting_.pop_front();
    const plan::View view = this->view(now);
    std::visit(
        Overloaded{
            [&](const Deploy& deploy) {
                serve_plan(waiting, plan::plan_deployment(view, deploy.deployment), deploy.dry_run);
            },
            [&](const MoveTo& move) {
                serve_plan(waiting, plan::plan_move(view, move.application, move.to, move.downtime_max), move.dry_run);
            },
            [&](const DestroyVolume& destroy) {
                const auto found = records_.ownerships.find(SubjectId{destroy.dataset.value});
                if (found == records_.ownerships.end()) {
                    return reply(waiting.id, Error{ErrorCode::not_found, "no volume " + destroy.dataset.value});
                }
                if (found->second.application) {
                    return reply(waiting.id, Error{ErrorCode::conflict,
                                                   fmt::format("volume {} belongs to application {}; take that out of "
                                                               "the manifests first", destroy.dataset.value,
                                                               found->second.application->value)});
                }
                Ownership destroyed = found->second;
                destroyed.destroying = true;
                destroyed.move.reset();
                commit({PutOwnership{destroyed}}, waiting.id, {});
            },
            [&](const AddNode& add) {
                const auto known = records_.nodes.find(add.node.id);
                Node added = add.node;
                // What users said of it stays: a node introduces itself again whenever it starts.
                if (known != records_.nodes.end()) {
                    added.draining = known->second.draining;
                    added.bandwidth = known->second.bandwidth;
                }
                if (known != records_.nodes.end() && known->second == added) {
                    return reply(waiting.id, Accepted{{}, records_.revision});
                }
                for (const auto& [id, node] : records_.nodes) {
                    const bool same_place = node.name == add.node.name || node.address == add.node.address;
                    if (id == add.node.id || !same_place) continue;
                    return reply(waiting.id, Error{ErrorCode::already_exists,
                                                   fmt::format("node {} at {} is a member already; remove it first with "
                                                               "`flocker node rm {}`", node.name, node.address, node.name)});
                }
                commit({PutNode{added},
                        AddEvent{{0, now, EventKind::node_joined, add.node.name, "at " + add.node.address}}},
                       waiting.id, {});
            },
            [&](const RemoveNode& remove) {
                const auto found = records_.nodes.find(remove.node);
                if (found == records_.nodes.end()) {
                    return reply(waiting.id, Error{ErrorCode::not_found, "no node " + remove.node.value});
                }
                std::vector<Change> changes;
                for (const auto& [subject, ownership] : records_.ownerships) {
                    if (ownership.owner == remove.node) {
                        return reply(waiting.id,
                                     Error{ErrorCode::conflict,
                                           fmt::format("node {} owns {}; move it to another node first", found->second.name,
                                                       plan::subject_name(ownership))});
                    }
                    if (!ownership.replicas.contains(remove.node) && !ownership.leaving.contains(remove.node)) continue;
                    Ownership without = ownership;
                    without.replicas.erase(remove.node);
                    without.leaving.erase(remove.node);
                    changes.emplace_back(PutOwnership{without});
                }
                for (const auto& [name, wanted] : records_.configuration) {
                    if (wanted.node != remove.node) continue;
                    return reply(waiting.id, Error{ErrorCode::conflict,
                                                   fmt::format("application {} is wanted on node {}; deploy it elsewhere first",
                                                               name.value, found->second.name)});
                }
                changes.emplace_back(EraseNode{remove.node});
                changes.emplace_back(AddEvent{{0, now, EventKind::node_removed, found->second.name, "removed by a user"}});
                commit(std::move(changes), waiting.id, {});
            },
            [&](const FailOver& failover) { serve_failover(waiting, failover, now); },
            [&](const CancelMove& cancel) { serve_plan(waiting, plan::plan_cancel(view, cancel.application), false); },
            [&](const DrainNode& drain) { serve_plan(waiting, plan::plan_drain(view, drain.node), drain.dry_run); },
            [&](const ActivateNode& activate) { serve_plan(waiting, plan::plan_activate(view, activate.node), false); },
            [&](const RemoveAside& remove) {
                auto changes = plan::plan_aside_removal(view, remove.dataset, remove.aside, remove.on);
                if (!changes) return reply(waiting.id, changes.error());
                if (changes->empty()) return reply(waiting.id, Accepted{{}, records_.revision});
                commit(*std::move(changes), waiting.id, {});
            },
            [&](const Note& note) {
                commit({AddEvent{{0, now, note.kind, note.subject, note.text}}}, waiting.id, {});
            },
            [&](const LimitNode& limit) {
                const auto found = records_.nodes.find(limit.node);
                if (found == records_.nodes.end()) {
                    return reply(waiting.id, Error{ErrorCode::not_found, "no node " + limit.node.value});
                }
                Node node = found->second;
                node.bandwidth = limit.bandwidth;
                if (node == found->second) return reply(waiting.id, Accepted{{}, records_.revision});
                const std::string text = node.bandwidth ? "bandwidth " + to_text(*node.bandwidth) : "bandwidth as the cluster's";
                commit({PutNode{node}, AddEvent{{0, now, EventKind::settings_changed, node.name, text}}}, waiting.id, {});
            },
            [&](const Configure& configure) {
                if (configure.settings == records_.settings) return reply(waiting.id, Accepted{{}, records_.revision});
                commit({PutSettings{configure.settings},
                        AddEvent{{0, now, EventKind::settings_changed, "cluster", "changed by a user"}}},
                       waiting.id, {});
            }},
        waiting.command);
}

void Control::serve_plan(const Waiting& waiting,
                         std::variant<plan::DeployPlan, std::vector<plan::Refusal>> planned, bool dry_run) {
    if (auto* refusals = std::get_if<std::vector<plan::Refusal>>(&planned)) return reply(waiting.id, std::move(*refusals));
    auto& plan = std::get<plan::DeployPlan>(planned);
    if (!plan.images_to_find.empty() && !waiting.images_known) {
        finding_images_.emplace(waiting.id, waiting);
        effects_.push_back(FindImages{waiting.id, plan.images_to_find});
        return;
    }
    if (dry_run || plan.changes.empty()) return reply(waiting.id, Accepted{std::move(plan), records_.revision});
    auto changes = plan.changes;
    commit(std::move(changes), waiting.id, std::move(plan));
}

void Control::serve_failover(const Waiting& waiting, const FailOver& failover, Instant now) {
    auto planned = plan::plan_failover(view(now), failover.application, failover.to);
    if (auto* refusals = std::get_if<std::vector<plan::Refusal>>(&planned)) return reply(waiting.id, std::move(*refusals));
    auto& plan = std::get<plan::FailoverPlan>(planned);
    if (failover.dry_run) return reply(waiting.id, Accepted{{}, records_.revision, std::move(plan)});
    auto changes = plan.changes;
    commit(std::move(changes), waiting.id, {});
    under_way_->failover = std::move(plan);
}

void Control::reconcile(Instant now) {
    // What is lost comes before everything else, and one at a time: each takes the next move's number.
    auto due = plan::due_failovers(view(now));
    if (!due.empty()) return commit(std::move(due.front().changes), std::nullopt, {});

    // Each ownership is looked at with the changes of those before it already made, so that two moves
    // which begin together get two numbers.
    Records next = records_;
    std::vector<Change> changes;
    std::size_t full_copies = plan::full_copies(view(now));
    for (const auto& [subject, ownership] : records_.ownerships) {
        const plan::View view{next, states_, now, started_};
        if (plan::is_unproven(view, ownership)) continue;
        std::vector<Change> made = advance(view, ownership);
        if (made.empty()) made = plan::tend_replicas(view, ownership, full_copies);
        if (made.empty()) made = plan::forget_removed_asides(view, ownership);
        for (Change& change : made) {
            model::apply(change, next);
            changes.push_back(std::move(change));
        }
    }
    watch_nodes({records_, states_, now, started_}, changes);
    for (Change& event : std::exchange(found_, {})) changes.push_back(std::move(event));
    for (AddEvent& event : watch_.look({records_, states_, now, started_})) changes.push_back(std::move(event));
    if (!changes.empty()) commit(std::move(changes), std::nullopt, {});
}

void Control::watch_nodes(const plan::View& view, std::vector<Change>& changes) {
    for (const auto& [id, node] : records_.nodes) {
        if (plan::is_alive(view, id)) {
            if (lost_.erase(id) == 0) continue;
            changes.emplace_back(AddEvent{{0, view.now, EventKind::node_back, node.name, "answers again"}});
            continue;
        }
        const auto state = states_.find(id);
        const bool was_there = state != states_.end() && state->second.heard.unix_ns != 0;
        if (!was_there || !lost_.insert(id).second) continue;
        changes.emplace_back(AddEvent{{0, view.now, EventKind::node_lost, node.name,
                                    fmt::format("not heard of for {}", to_text(view.now - state->second.heard))}});
    }
    std::erase_if(lost_, [&](const NodeId& id) { return !records_.nodes.contains(id); });
}

void Control::commit(std::vector<Change> changes, std::optional<RequestId> request, plan::DeployPlan plan) {
    under_way_ = UnderWay{changes, request, std::move(plan)};
    effects_.push_back(Commit{records_.revision, std::move(changes)});
}

void Control::publish(Instant now) {
    const plan::View view = this->view(now);
    for (const auto& [id, node] : records_.nodes) {
        if (!plan::is_informed(view) || plan::is_withheld(view, id)) continue;
        Assignment assignment = plan::assignment_for(records_, id);
        Assignment& last = published_[id];
        Assignment comparable = assignment;
        comparable.revision = last.revision;
        if (comparable == last) continue;
        last = assignment;
        states_[id].published = assignment.revision;
        effects_.push_back(Publish{std::move(assignment)});
    }
    std::erase_if(published_, [&](const auto& entry) { return !records_.nodes.contains(entry.first); });
    std::erase_if(incidents_heard_, [&](const auto& entry) { return !records_.nodes.contains(entry.first); });
    std::erase_if(states_, [&](const auto& entry) { return !records_.nodes.contains(entry.first); });
}

}  // namespace flocker::protocol
