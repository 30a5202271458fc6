// SPDX-License-Identifier: Apache-2.0
#include "plan/turns.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "plan/limits.hpp"

namespace flocker::plan {
namespace {

bool has_place(const std::vector<Round>& under_way, const Round& round) {
    std::size_t moves = 0;
    std::size_t others = 0;
    std::size_t others_there = 0;
    for (const Round& each : under_way) {
        if (each.whole != round.whole) continue;
        ++(each.moving ? moves : others);
        if (!each.moving && each.to == round.to) ++others_there;
    }
    const std::size_t places = round.whole ? full_copies_at_once : increments_at_once;
    if (round.moving) return moves < places;
    const std::size_t left = places > moves ? places - moves : 1;
    return others < left && (round.whole || others_there < increments_to_one_node);
}

}  // namespace

std::vector<std::size_t> turns(const std::vector<Round>& under_way, const std::vector<Round>& waiting) {
    std::vector<std::size_t> order(waiting.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return std::tuple(!waiting[i].moving, waiting[i].due, i); });
    std::vector<Round> taken = under_way;
    std::vector<std::size_t> begin;
    for (const std::size_t i : order) {
        if (!has_place(taken, waiting[i])) continue;
        taken.push_back(waiting[i]);
        begin.push_back(i);
    }
    return begin;
}

}  // namespace flocker::plan
