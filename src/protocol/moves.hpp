// SPDX-License-Identifier: Apache-2.0
//
// The life of a move, decided one commit at a time. Level-triggered: what comes next follows from
// the record and the reports, so a control service that was restarted knows where it was.
//
//            wanted elsewhere         increments small,         sealed            trial ready
//   (none) ─────────────────▶ staging ────────────────▶ sealing ──────▶ trial ──────────────▶ settling ─▶ (none)
//      ▲                          │      target prepared    │              │   owner := target             serving
//      └──────────────────────────┴─────────────────────────┴──────────────┘   epoch := epoch + 1
//         the way back: target lost, refused, failed or too slow; wanted elsewhere; owner unchanged
//
// Before the commit the owner is the source, and giving the move up is one commit that clears it.
// After it the owner is the target, and there is nothing to give up any more.
#pragma once

#include <vector>

#include "plan/view.hpp"

namespace flocker::protocol {

/// The changes to commit next for this ownership, all together; empty: nothing to do now.
[[nodiscard]] std::vector<model::Change> advance(const plan::View& view, const model::Ownership& ownership);

}  // namespace flocker::protocol
