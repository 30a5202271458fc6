// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace flocker::plan {

/// A cutover phase (sealing, trial) that lasts longer takes the way back. Holds an application's
/// stop with its grace period (Docker's default is 10 s) and its start on a slow disk.
inline constexpr Duration cutover_limit = 90s;
/// A target that is silent for this long during the cutover is given up: the source can serve again
/// sooner than anybody can tell what has become of it.
inline constexpr Duration cutover_silence_max = 4s;
/// After this long a move that has been committed is taken for ended, whatever became of its target.
inline constexpr Duration settling_limit = 60s;
/// So many failures of the source's hook end the move; nothing has been stopped for it yet.
inline constexpr unsigned hook_attempts_max = 2;
/// A move with a limit to its downtime waits so long for a calm moment.
inline constexpr Duration calm_patience = 60s;
/// So many failures of the target in staging end the move; nothing has been stopped for it yet.
inline constexpr unsigned staging_attempts_max = 4;

/// So many failures of the source to stop or to seal take the way back: clients are waiting.
inline constexpr unsigned sealing_attempts_max = 3;

/// The control service waits so much longer than the lease before it gives anything away: for clocks that
/// run apart (two in a hundred would be much), and for what is on its way.
inline constexpr Duration lease_margin = 1500ms;
/// Clocks that differ by more are said to be wrong. Nothing rests on them but certificates and what people read.
inline constexpr Duration clock_difference_max = 60s;
/// A control service that has just begun gives nodes so long to be heard of for the first time.
inline constexpr Duration first_word_max = 20s;
/// A control service that begins with a copy of the records waits so long for what the pools say. Agents
/// have found it by then, if they can.
inline constexpr Duration takeover_patience = 10s;
/// A replica is kept up with while it is within its wished lag and this, which is what reports may be late.
inline constexpr Duration lag_allowance = 2s;
/// A pool is short of room while less than a tenth of it is free, and less than this: of a large one a tenth is
/// plenty, and what is left has to last for some seconds of writing at full speed. It is short until half as much
/// again is free.
inline constexpr Bytes pool_short_max{8ULL << 30U};
/// On a short pool the snapshots for a replica are let go when it has not been seen to have everything for so long;
/// when it does not answer, sooner.
inline constexpr Duration lagging_patience = 10s;
inline constexpr Duration silent_patience = 3s;
/// Between one replica's and the next one's: a file system frees only after a while what was let go. When nearly
/// nothing is free, it is not waited for.
inline constexpr Duration let_go_rest = 10s;
inline constexpr Duration let_go_rest_full = 1s;
/// A cutover to a pool with less room than this does not begin, nor to one that is full but for a fiftieth: the
/// application could not write there.
inline constexpr Bytes cutover_room_min{64ULL << 20U};
/// Room that a pool must have left beside the new replica.
inline constexpr Bytes room_left_min{256ULL << 20U};

/// Rounds of feeds that are under way on a node at a time; see plan/turns.hpp.
inline constexpr unsigned increments_at_once = 16;
inline constexpr unsigned increments_to_one_node = 8;
inline constexpr unsigned full_copies_at_once = 2;

}  // namespace flocker::plan
