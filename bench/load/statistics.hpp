// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "load/database.hpp"

namespace flocker::load {

using Clock = std::chrono::steady_clock;
using WallClock = std::chrono::system_clock;

/// What a client saw between two marks.
struct Window {
    std::string name;
    WallClock::time_point started;
    WallClock::time_point ended;
    std::uint64_t acknowledged{0};
    std::uint64_t others{0};  ///< Rows acknowledged to other clients; their pauses and latencies count nowhere.
    std::uint64_t refused{0};
    std::uint64_t resets{0};
    std::uint64_t errors{0};
    /// Between two acknowledged writes, of which the later one is in this window; or since the last one
    /// until the window's end.
    Clock::duration longest_pause{};
    std::vector<Clock::duration> latencies;  ///< Of the acknowledged writes, in no order.
    std::map<std::string, std::uint64_t> messages;  ///< What went wrong, and how often.
};

/// One line of JSON: times in seconds since 1970, durations in milliseconds.
[[nodiscard]] std::string to_json(const char* event, const Window& window);

/// Sorts the outcomes into windows. It reads no clock: everything is told with its time.
///
/// Threads: one at a time.
class Statistics {
public:
    Statistics(Clock::time_point now, WallClock::time_point wall);

    void acknowledged(Clock::time_point begun, Clock::time_point now);
    void acknowledged_to_others();
    void failed(const Attempt& attempt);
    /// Ends the present window and begins the one called `name`.
    [[nodiscard]] Window mark(std::string name, Clock::time_point now, WallClock::time_point wall);
    /// Everything since the beginning, as one window called "total".
    [[nodiscard]] Window total(Clock::time_point now, WallClock::time_point wall) const;

private:
    Window window_;
    Window finished_;  ///< The sum of the windows that have ended.
    Clock::time_point last_acknowledged_;
};

}  // namespace flocker::load
