// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "sim/world.hpp"

namespace flocker::contract {

/// Lets the world go on until it is so. False: it is not, after ten minutes of its time.
inline bool pass_until(sim::World& world, const std::function<bool()>& met, const std::function<void()>& each = [] {}) {
    const Instant end = world.now() + 10min;
    while (!met()) {
        if (world.now() > end) return false;
        world.run_until(world.now() + 1ms);
        each();
    }
    return true;
}

}  // namespace flocker::contract
