// SPDX-License-Identifier: Apache-2.0
//
// Whose round begins next, on a node that feeds many replicas.
#pragma once

#include <vector>

#include "base/time.hpp"
#include "model/ids.hpp"

namespace flocker::plan {

/// One round of a feed, under way or waiting.
struct Round {
    model::NodeId to;
    bool whole{false};   ///< A full copy.
    bool moving{false};  ///< For a move under way.
    /// Of a replica's increment: when it breaks its wished lag. Else: since when it waits.
    Instant due;

    friend bool operator==(const Round&, const Round&) = default;
};

/// Which of the waiting rounds begin now, as indexes, in their order. Moves first; then what is due first.
///
/// Full copies and increments have places of their own, so that neither keeps the other waiting. A move's round
/// waits for other moves only; others have the places that moves leave, and one at least, however long a move
/// takes. A node that does not answer can't take all places from the rounds to other nodes.
[[nodiscard]] std::vector<std::size_t> turns(const std::vector<Round>& under_way, const std::vector<Round>& waiting);

}  // namespace flocker::plan
