// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <thread>

#include "base/result.hpp"

namespace flocker::standby {

/// What `read` gives of a file that flockerd writes now and then, and has open meanwhile: tries for a few seconds.
template <class Read>
[[nodiscard]] auto when_free(const Read& read) {
    constexpr auto look_interval = std::chrono::milliseconds(200);
    auto outcome = read();
    for (int i = 0; i < 20 && !outcome && outcome.error().code == ErrorCode::unavailable; ++i) {
        std::this_thread::sleep_for(look_interval);
        outcome = read();
    }
    return outcome;
}

}  // namespace flocker::standby
