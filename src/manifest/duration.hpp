// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::manifest {

/// "90s", "10m", "1h30m", "2d", "500ms"; a bare number is of seconds. More than nothing, less than 2^63 ns.
/// Errors: invalid_argument.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

/// What parse_duration reads as this duration, to the millisecond: "1s", "1h30m", "1s500ms".
[[nodiscard]] std::string duration_text(Duration duration);

}  // namespace flocker::manifest
