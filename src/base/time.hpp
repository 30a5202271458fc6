// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <ostream>
#include <string>

namespace flocker {

using Duration = std::chrono::nanoseconds;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;

/// A point in time as one process sees it: never goes back while the process lives, and is
/// anchored to the Unix epoch when the process starts, so that it can be shown to people.
/// Comparing Instants of two machines compares their clocks.
struct Instant {
    std::int64_t unix_ns{0};

    friend auto operator<=>(const Instant&, const Instant&) = default;
    friend Instant operator+(Instant at, Duration by) { return {at.unix_ns + by.count()}; }
    friend Instant operator-(Instant at, Duration by) { return {at.unix_ns - by.count()}; }
    friend Duration operator-(Instant a, Instant b) { return Duration{a.unix_ns - b.unix_ns}; }
    friend std::ostream& operator<<(std::ostream& out, Instant at) { return out << at.unix_ns; }
};

/// "2026-11-22T09:30:00.123Z"
[[nodiscard]] std::string to_utc_text(Instant at);
/// "850 ms", "3.2 s", "4 min 10 s", "2 h 5 min"
[[nodiscard]] std::string to_text(Duration duration);

[[nodiscard]] inline std::int64_t to_ms(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

}  // namespace flocker
