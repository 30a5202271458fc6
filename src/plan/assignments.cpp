// SPDX-License-Identifier: Apache-2.0
#include "plan/assignments.hpp"

#include <algorithm>
#include <utility>

#include "plan/failover.hpp"
#include "plan/hooks.hpp"
#include "plan/lag.hpp"
#include "plan/takeover.hpp"
#include "plan/view.hpp"

namespace flocker::plan {
namespace {

using namespace model;

bool is_target(const Ownership& ownership, const NodeId& node) {
    return ownership.move && ownership.move->phase != MovePhase::settling && ownership.move->target == node;
}

std::optional<DatasetAssignment> dataset_for(const Records& records, const Ownership& ownership, const NodeId& node) {
    const bool owner = ownership.owner == node;
    const bool target = is_target(ownership, node);
    const bool leaves = ownership.leaving.contains(node);
    // What was set aside may lie on a node that has nothing to do with it any more, unless it is to go.
    const auto to_go = ownership.asides_to_go.find(node);
    const bool concerns = owner || target || leaves || ownership.replicas.contains(node) || ownership.destroying ||
                          to_go != ownership.asides_to_go.end();
    if (!ownership.dataset || !concerns) return std::nullopt;

    DatasetAssignment assignment;
    assignment.dataset = *ownership.dataset;
    assignment.owner = ownership.owner;
    assignment.epoch = ownership.epoch;
    if (const Wanted* wanted = wanted_of(records, ownership); wanted && wanted->application.volume) {
        assignment.maximum_size = wanted->application.volume->maximum_size;
        assignment.bandwidth = wanted->application.volume->bandwidth.value_or(Bandwidth{});
    }
    for (const MoveResult& result : ownership.moves) {
        if (result.succeeded && result.id != ownership.won_by) assignment.past_wins.insert(result.id);
    }
    if (ownership.destroying) {
        assignment.duty = Duty::destroy;
        return assignment;
    }
    if (to_go != ownership.asides_to_go.end()) assignment.asides_to_go = to_go->second;
    const bool cutover = in_cutover(ownership);
    if (owner) {
        assignment.duty = cutover ? Duty::seal : Duty::serve;
        assignment.move = cutover ? ownership.move->id : ownership.won_by;
        assignment.may_create = !ownership.established && unheard_members(records).empty();
        assignment.replicas = ownership.replicas;
        assignment.lag = wished_lag(records, ownership);
        if (ownership.promoting) {
            assignment.from = ownership.began_from;
            if (const MoveResult* won = last_move(ownership)) assignment.won_from = won->source;
        }
        if (ownership.move && ownership.move->phase == MovePhase::settling) {
            assignment.won_from = ownership.move->source;
        } else if (ownership.move) {
            assignment.feed = ownership.move->target;
        }
    } else if (target && ownership.move->phase == MovePhase::trial) {
        assignment.duty = Duty::trial;
        assignment.move = ownership.move->id;
        assignment.from = ownership.move->sealed;
    } else {
        if (leaves && !target) assignment.duty = Duty::release;
        assignment.from = ownership.began_from;
    }
    return assignment;
}

std::optional<ApplicationAssignment> application_for(const Wanted& wanted, const Ownership& ownership,
                                                     const NodeId& node, bool leased) {
    ApplicationAssignment assignment;
    assignment.application = wanted.application;
    assignment.incarnation = wanted.incarnation;
    const bool cutover = in_cutover(ownership);
    if (ownership.destroying) return std::nullopt;
    if (ownership.owner == node) {
        assignment.intent = cutover ? Intent::hold : Intent::run;
        if (cutover) assignment.move = ownership.move->id;
        const bool nearly = ownership.move && ownership.move->phase == MovePhase::staging && ownership.move->ready_since;
        if (nearly && !hook_of(wanted.application).empty()) assignment.hook_for = ownership.move->id;
        assignment.leased = leased;
        return assignment;
    }
    if (!is_target(ownership, node)) {
        // Its image is there when it has to be started in a hurry.
        if (!ownership.replicas.contains(node)) return std::nullopt;
        assignment.intent = Intent::stand_by;
        return assignment;
    }
    assignment.leased = leased;
    assignment.intent = Intent::prepare;
    if (ownership.move->phase == MovePhase::trial) {
        assignment.intent = Intent::run;
        assignment.move = ownership.move->id;
    }
    return assignment;
}

/// Whom the owner took over from, if that one was lost.
std::optional<NodeId> lost_owner(const Ownership& ownership) {
    const MoveResult* last = last_move(ownership);
    if (!last || !last->failover || !last->succeeded || last->target != ownership.owner) return std::nullopt;
    return last->source;
}

}  // namespace

bool in_cutover(const Ownership& ownership) {
    return ownership.move &&
           (ownership.move->phase == MovePhase::sealing || ownership.move->phase == MovePhase::trial);
}

Assignment assignment_for(const Records& records, const NodeId& node) {
    Assignment assignment;
    assignment.node = node;
    assignment.revision = records.revision;
    const auto self = records.nodes.find(node);
    const bool own = self != records.nodes.end() && self->second.bandwidth;
    assignment.bandwidth = own ? *self->second.bandwidth : records.settings.bandwidth;
    for (const auto& [id, member] : records.nodes) assignment.nodes.push_back(member);
    for (const auto& [subject, ownership] : records.ownerships) {
        if (auto dataset = dataset_for(records, ownership, node)) assignment.datasets.push_back(std::move(*dataset));
    }
    for (const auto& [name, wanted] : records.configuration) {
        const auto found = records.ownerships.find(subject_of(wanted.application));
        if (found == records.ownerships.end() || found->second.application != name) continue;
        const Ownership& ownership = found->second;
        const bool leased = failover_of(records, wanted.application) == Failover::automatic;
        if (auto application = application_for(wanted, ownership, node, leased)) {
            assignment.applications.push_back(std::move(*application));
        }
        for (const Port& port : wanted.application.ports) {
            assignment.routes.push_back({port.external, port.internal, name, ownership.owner, in_cutover(ownership),
                                         lost_owner(ownership), port.protocol});
        }
    }
    std::ranges::sort(assignment.datasets, {}, &DatasetAssignment::dataset);
    std::ranges::sort(assignment.routes, {}, [](const Route& route) { return std::pair(route.external, route.protocol); });
    return assignment;
}

}  // namespace flocker::plan
