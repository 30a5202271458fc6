// SPDX-License-Identifier: Apache-2.0
//
// What a node does when its pool runs short of room. Snapshots cost nothing when they are taken; they pin what is
// overwritten afterwards, and so a replica that does not come along would fill the pool of the owner.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "model/ids.hpp"

namespace flocker::plan {

/// Whether the pool is short of room, if it was so, or was not, a moment ago: see pool_short_max.
[[nodiscard]] bool is_short(Bytes size, Bytes free, bool was_short);
/// Whether what is still free of a short pool may be gone before any patience has ended.
[[nodiscard]] bool is_nearly_full(Bytes size, Bytes free);

/// Snapshots that an owner keeps for one replica, the newest among them if it is kept for nobody else.
struct Pin {
    model::DatasetId dataset;
    std::optional<model::NodeId> replica;  ///< nullopt: the newest one of a dataset that has no replicas.
    Instant oldest;      ///< When the oldest of them was taken.
    Instant proven;      ///< Up to when the replica is known to have everything; 0: never.
    bool silent{false};  ///< The replica does not answer, or takes nothing.

    friend bool operator==(const Pin&, const Pin&) = default;
};

/// What goes next on a pool that has been short since then; nullptr: nothing, or not yet. First those of replicas
/// that do not answer, then of those that lag, then what is kept for nobody; of each kind the oldest first. Where it is
/// nearly full only those that lag are waited for.
[[nodiscard]] const Pin* next_to_go(const std::vector<Pin>& pins, Instant short_since, bool nearly_full, Instant now);
/// How long to wait after one went.
[[nodiscard]] Duration rest_after_letting_go(bool nearly_full);

}  // namespace flocker::plan
