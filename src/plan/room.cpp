// SPDX-License-Identifier: Apache-2.0
#include "plan/room.hpp"

#include <algorithm>
#include <tuple>

#include "plan/limits.hpp"

namespace flocker::plan {
namespace {

/// Below it the pool is short.
Bytes least_free(Bytes size) { return {std::min(size.value / 10, pool_short_max.value)}; }

Duration patience(const Pin& pin, bool nearly_full) {
    if (!nearly_full) return pin.silent ? silent_patience : lagging_patience;
    return pin.silent || !pin.replica ? Duration{0} : silent_patience;
}

bool may_go(const Pin& pin, Instant short_since, bool nearly_full, Instant now) {
    const Instant since = pin.replica ? std::max(pin.proven, short_since) : short_since;
    return now - since > patience(pin, nearly_full);
}

/// Less goes first.
auto rank(const Pin& pin) { return std::tuple(!pin.replica, !pin.silent, pin.oldest); }

}  // namespace

bool is_short(Bytes size, Bytes free, bool was_short) {
    const std::uint64_t least = least_free(size).value;
    return free.value < (was_short ? least + least / 2 : least);
}

bool is_nearly_full(Bytes size, Bytes free) { return free.value < least_free(size).value / 4; }

const Pin* next_to_go(const std::vector<Pin>& pins, Instant short_since, bool nearly_full, Instant now) {
    const Pin* next = nullptr;
    for (const Pin& pin : pins) {
        if (may_go(pin, short_since, nearly_full, now) && (!next || rank(pin) < rank(*next))) next = &pin;
    }
    return next;
}

Duration rest_after_letting_go(bool nearly_full) { return nearly_full ? let_go_rest_full : let_go_rest; }

}  // namespace flocker::plan
