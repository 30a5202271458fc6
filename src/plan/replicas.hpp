// SPDX-License-Identifier: Apache-2.0
//
// Where the copies of a dataset beside the owner's are kept.
#pragma once

#include <vector>

#include "plan/view.hpp"

namespace flocker::plan {

/// What is to change in one ownership so that as many replicas as wished are kept, where they are best:
/// one node more or less at a time; empty: nothing. Never while a move is under way. A replica is let go
/// only when as many others as wished are up to date, or when none is wished (P3).
///
/// Nodes that the user has named keep the replicas, and no others do: one that is lost is waited for. In the place
/// of a named node that is the owner, is drained or has left the cluster, the planner chooses another one.
///
/// `full_copies`: replicas in the whole cluster that have nothing yet; what is begun here is added.
[[nodiscard]] std::vector<model::Change> tend_replicas(const View& view, const model::Ownership& ownership,
                                                       std::size_t& full_copies);
[[nodiscard]] std::size_t full_copies(const View& view);

/// Whether the node's pool has room for a replica of it.
[[nodiscard]] bool has_room(const View& view, const model::Ownership& ownership, const model::NodeId& node);

/// Members that could hold one more replica of it, best first: other data centers than the owner's if so
/// wished, those that hold some of it already, those with most room.
[[nodiscard]] std::vector<model::NodeId> replica_places(const View& view, const model::Ownership& ownership);

}  // namespace flocker::plan
