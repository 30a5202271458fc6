// SPDX-License-Identifier: Apache-2.0
#include "plan/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/deploy.hpp"

namespace flocker::plan {
namespace {

using namespace model;

bool holds(const DatasetSeen* seen, const SnapshotId& id) {
    return seen && std::ranges::find(seen->snapshots, id, &SnapshotSeen::id) != seen->snapshots.end();
}

Result<std::vector<Node>> nodes_to_compare(const View& view, const Ownership& ownership,
                                           const std::optional<NodeReference>& only) {
    std::vector<Node> nodes;
    if (only) {
        const Node* node = find_node(view.records, *only);
        if (!node) return fail(ErrorCode::not_found, fmt::format("no node is called \"{}\"", only->value));
        if (node->id == ownership.owner) {
            return fail(ErrorCode::invalid_argument, fmt::format("{} is the owner of {}: name a node with a replica",
                                                                 node->name, subject_name(ownership)));
        }
        nodes.push_back(*node);
        return nodes;
    }
    for (const NodeId& id : ownership.replicas) {
        const auto found = view.records.nodes.find(id);
        if (found != view.records.nodes.end()) nodes.push_back(found->second);
    }
    if (nodes.empty()) return fail(ErrorCode::conflict, subject_name(ownership) + " has no replica to compare with");
    return nodes;
}

/// Why a node's copy can't be compared at that snapshot.
std::string why_not(const View& view, const Ownership& ownership, const Node& node) {
    if (!is_alive(view, node.id)) return node.name + " does not answer";
    const DatasetSeen* seen = dataset_in(report_of(view, node.id), *ownership.dataset);
    if (!seen || seen->snapshots.empty()) return node.name + " holds no snapshot of it yet";
    return fmt::format("{} holds no snapshot that the others hold; try again, or name it with --replica", node.name);
}

}  // namespace

Result<Comparison> plan_comparison(const View& view, const DatasetId& dataset,
                                   const std::optional<NodeReference>& only) {
    const auto found = view.records.ownerships.find(SubjectId{dataset.value});
    if (found == view.records.ownerships.end()) return fail(ErrorCode::not_found, "no volume " + dataset.value);
    const Ownership& ownership = found->second;
    FLOCKER_TRY(const std::vector<Node> nodes, nodes_to_compare(view, ownership, only));
    const auto owner = view.records.nodes.find(ownership.owner);
    if (owner == view.records.nodes.end() || !is_alive(view, ownership.owner)) {
        return fail(ErrorCode::unavailable,
                    fmt::format("{}, the owner of {}, does not answer", node_name(view.records, ownership.owner),
                                subject_name(ownership)));
    }
    const auto can = [&](const Node& node, const SnapshotId& id) {
        return is_alive(view, node.id) && holds(dataset_in(report_of(view, node.id), dataset), id);
    };
    Comparison best;
    const DatasetSeen* owners = dataset_in(report_of(view, ownership.owner), dataset);
    for (const SnapshotSeen& snapshot : owners ? owners->snapshots : std::vector<SnapshotSeen>{}) {
        std::vector<Node> holders;
        for (const Node& node : nodes) {
            if (can(node, snapshot.id)) holders.push_back(node);
        }
        // Oldest first, so of equals the newest stays.
        if (holders.empty() || holders.size() < best.replicas.size()) continue;
        best.snapshot = snapshot.id;
        best.replicas = std::move(holders);
    }
    best.dataset = dataset;
    best.volume = subject_name(ownership);
    best.owner = owner->second;
    std::string reasons;
    for (const Node& node : nodes) {
        if (std::ranges::find(best.replicas, node) != best.replicas.end()) continue;
        best.left_out.emplace_back(node, why_not(view, ownership, node));
        reasons += (reasons.empty() ? "" : "; ") + best.left_out.back().second;
    }
    if (best.replicas.empty()) return fail(ErrorCode::unavailable, "nothing can be compared now: " + reasons);
    return best;
}

}  // namespace flocker::plan
