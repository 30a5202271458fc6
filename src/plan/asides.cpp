// SPDX-License-Identifier: Apache-2.0
#include "plan/asides.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/deploy.hpp"

namespace flocker::plan {
namespace {

using namespace model;

const DatasetSeen* seen_on(const View& view, const Ownership& ownership, const NodeId& node) {
    return dataset_in(report_of(view, node), *ownership.dataset);
}

bool has_aside(const DatasetSeen* seen, const SnapshotId& id) {
    return seen && std::ranges::find(seen->set_aside, id, &SetAsideSeen::id) != seen->set_aside.end();
}

/// "e1-s7 on alder, e1-s9 on birch"
std::string what_there_is(const View& view, const Ownership& ownership) {
    std::string text;
    for (const auto& [id, node] : view.records.nodes) {
        const DatasetSeen* seen = seen_on(view, ownership, id);
        if (!seen) continue;
        for (const SetAsideSeen& kept : seen->set_aside)
            text += fmt::format("{}{} on {}", text.empty() ? "" : ", ", to_text(kept.id), node.name);
    }
    return text;
}

Error none_of_that_name(const View& view, const Ownership& ownership, const SnapshotId& aside) {
    for (const auto& [id, node] : view.records.nodes) {
        const DatasetSeen* seen = seen_on(view, ownership, id);
        if (!seen || std::ranges::find(seen->snapshots, aside, &SnapshotSeen::id) == seen->snapshots.end()) continue;
        return {ErrorCode::conflict,
                fmt::format("snapshot {} of {} was not set aside: replication uses it, and lets it go by itself",
                            to_text(aside), subject_name(ownership))};
    }
    const std::string there = what_there_is(view, ownership);
    return {ErrorCode::not_found,
            fmt::format("nothing called {} is set aside of {}; {}", to_text(aside), subject_name(ownership),
                        there.empty() ? "nothing is, as far as the nodes have said" : "there is " + there)};
}

}  // namespace

Result<std::vector<Change>> plan_aside_removal(const View& view, const DatasetId& dataset, const SnapshotId& aside,
                                               const std::optional<NodeReference>& on) {
    const auto found = view.records.ownerships.find(SubjectId{dataset.value});
    if (found == view.records.ownerships.end()) return fail(ErrorCode::not_found, "no volume " + dataset.value);
    const Ownership& ownership = found->second;
    if (ownership.destroying)
        return fail(ErrorCode::conflict, fmt::format("{} is being destroyed, with all of it", subject_name(ownership)));
    const Node* only = on ? find_node(view.records, *on) : nullptr;
    if (on && !only) return fail(ErrorCode::not_found, fmt::format("no node is called \"{}\"", on->value));

    std::vector<const Node*> holders;
    for (const auto& [id, node] : view.records.nodes) {
        if ((!only || only->id == id) && has_aside(seen_on(view, ownership, id), aside)) holders.push_back(&node);
    }
    if (holders.empty()) return tl::unexpected(none_of_that_name(view, ownership, aside));
    if (holders.size() > 1) {
        return fail(ErrorCode::conflict, fmt::format("{} is set aside on {} and on {}; say which with --node",
                                                     to_text(aside), holders[0]->name, holders[1]->name));
    }
    Ownership next = ownership;
    if (!next.asides_to_go[holders[0]->id].insert(aside).second) return std::vector<Change>{};
    return std::vector<Change>{
        PutOwnership{next},
        AddEvent{{0, view.now, EventKind::aside_removed, subject_name(ownership),
                  fmt::format("{}, set aside on {}, is removed as asked", to_text(aside), holders[0]->name)}}};
}

std::vector<Change> forget_removed_asides(const View& view, const Ownership& ownership) {
    if (!ownership.dataset) return {};
    Ownership next = ownership;
    for (auto& [node, wished] : next.asides_to_go) {
        if (!view.records.nodes.contains(node)) {
            wished.clear();
        } else if (is_current(view, node)) {
            const DatasetSeen* seen = seen_on(view, ownership, node);
            std::erase_if(wished, [&](const SnapshotId& id) { return !has_aside(seen, id); });
        }
    }
    std::erase_if(next.asides_to_go, [](const auto& entry) { return entry.second.empty(); });
    if (next == ownership) return {};
    return {PutOwnership{next}};
}

}  // namespace flocker::plan
