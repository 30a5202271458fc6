// SPDX-License-Identifier: Apache-2.0
#include "plan/drain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "plan/limits.hpp"
#include "plan/prediction.hpp"

namespace flocker::plan {
namespace {

using namespace model;

class Draining {
public:
    Draining(const View& view, const Node& node) : view_(view), node_(node) {}

    std::variant<DeployPlan, std::vector<Refusal>> run() {
        Node marked = node_;
        marked.draining = true;
        if (!node_.draining) {
            plan_.changes.emplace_back(PutNode{marked});
            plan_.changes.emplace_back(
                AddEvent{{0, view_.now, EventKind::node_draining, node_.name, "everything is moved away"}});
        }
        for (const auto& [id, member] : view_.records.nodes) {
            if (const NodeReport* report = report_of(view_, id)) room_[id] = report->pool_free;
        }
        for (const auto& [name, wanted] : view_.records.configuration) {
            if (wanted.node == node_.id) move_away(wanted);
        }
        if (!refusals_.empty()) return std::move(refusals_);
        return std::move(plan_);
    }

private:
    void move_away(const Wanted& wanted) {
        const auto found = view_.records.ownerships.find(subject_of(wanted.application));
        const Ownership* ownership = found == view_.records.ownerships.end() ? nullptr : &found->second;
        const bool has_data = ownership && ownership->dataset;
        const DatasetSeen* here = has_data ? dataset_in(report_of(view_, ownership->owner), *ownership->dataset) : nullptr;
        std::optional<std::tuple<bool, std::uint64_t, NodeId>> best;
        Bytes to_copy;
        for (const auto& [id, member] : view_.records.nodes) {
            if (id == node_.id || member.draining || !is_alive(view_, id)) continue;
            const DatasetSeen* there = has_data ? dataset_in(report_of(view_, id), *ownership->dataset) : nullptr;
            const bool holds = there && !there->snapshots.empty();
            const Bytes needed = here && !holds ? here->used : Bytes{0};
            if (room_[id].value < needed.value + room_left_min.value) continue;
            const std::tuple candidate{holds, room_[id].value, id};
            if (best && candidate < *best) continue;
            best = candidate;
            to_copy = needed;
        }
        const auto& name = wanted.application.name;
        if (!best) {
            refusals_.push_back({Refusal::About::application, name.value, 0,
                                 "no other node answers and has room for it; add one, or make room"});
            return;
        }
        const NodeId target = std::get<NodeId>(*best);
        room_[target].value -= to_copy.value;
        Wanted there = wanted;
        there.node = target;
        plan_.changes.emplace_back(PutWanted{there});
        Step step{Step::Kind::move, name, target, node_.id, to_copy, {}};
        if (ownership) {
            step.predicted = predict(view_, *ownership);
            if (ownership->avoided_target) {
                Ownership changed = *ownership;
                changed.avoided_target.reset();
                plan_.changes.emplace_back(PutOwnership{changed});
            }
        }
        plan_.steps.push_back(std::move(step));
    }

    const View& view_;
    const Node& node_;
    std::map<NodeId, Bytes> room_;
    DeployPlan plan_;
    std::vector<Refusal> refusals_;
};

std::vector<Refusal> no_node(const NodeId& node) {
    return {{Refusal::About::place, node.value, 0, fmt::format("no node {}; `flocker node ls` lists them", node.value)}};
}

}  // namespace

std::variant<DeployPlan, std::vector<Refusal>> plan_drain(const View& view, const NodeId& node) {
    const auto found = view.records.nodes.find(node);
    if (found == view.records.nodes.end()) return no_node(node);
    return Draining(view, found->second).run();
}

std::variant<DeployPlan, std::vector<Refusal>> plan_activate(const View& view, const NodeId& node) {
    const auto found = view.records.nodes.find(node);
    if (found == view.records.nodes.end()) return no_node(node);
    DeployPlan plan;
    if (!found->second.draining) return plan;
    Node active = found->second;
    active.draining = false;
    plan.changes.emplace_back(PutNode{active});
    plan.changes.emplace_back(
        AddEvent{{0, view.now, EventKind::node_activated, active.name, "things may be placed on it again"}});
    for (const auto& [name, wanted] : view.records.configuration) {
        const auto ownership = view.records.ownerships.find(subject_of(wanted.application));
        if (ownership == view.records.ownerships.end()) continue;
        const Ownership& owned = ownership->second;
        const bool not_begun = owned.owner == node && wanted.node != node &&
                               (!owned.move || owned.move->phase == MovePhase::staging);
        if (!not_begun) continue;
        Wanted stays = wanted;
        stays.node = node;
        plan.changes.emplace_back(PutWanted{stays});
        plan.steps.push_back({Step::Kind::keep, name, node, node, {}, "its move is called off"});
    }
    return plan;
}

}  // namespace flocker::plan
