// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::cli {

/// "90s", "10m", "1h30m", "2d", "500ms"; a bare number is of seconds.
/// Errors: invalid_argument.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

}  // namespace flocker::cli
