// SPDX-License-Identifier: Apache-2.0
#include "plan/room.hpp"

#include <algorithm>
#include <tuple>

#include "plan/limits.hpp"

namespace flocker::plan {
namespace {

/// Below it the pool is short.
Bytes least_free(Bytes size) { return {std::min(size.value / 10, pool_short_max.value)}; }

bool may_go(const Pin& pin, Instant short_since, Instant now) {
    if (!pin.replica) return now - short_since > lagging_patience;
    return now - std::max(pin.proven, short_since) > (pin.silent ? silent_patience : lagging_patience);
}

/// Less goes first.
auto rank(const Pin& pin) { return std::tuple(!pin.replica, !pin.silent, pin.oldest); }

}  // namespace

bool is_short(Bytes size, Bytes free, bool was_short) {
    const std::uint64_t least = least_free(size).value;
    return free.value < (was_short ? least + least / 2 : least);
}

const Pin* next_to_go(const std::vector<Pin>& pins, Instant short_since, Instant now) {
    const Pin* next = nullptr;
    for (const Pin& pin : pins) {
        if (may_go(pin, short_since, now) && (!next || rank(pin) < rank(*next))) next = &pin;
    }
    return next;
}

Duration rest_after_letting_go(Bytes size, Bytes free) {
    return free.value < least_free(size).value / 4 ? let_go_rest_full : let_go_rest;
}

}  // namespace flocker::plan
