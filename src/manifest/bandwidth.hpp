// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "model/bandwidth.hpp"

namespace flocker::manifest {

/// "10MB/s", "50MiB/s; 08:00-18:00 10MB/s; 23:00-05:00 unlimited": rates, separated by semicolons. One without a
/// time of day is for the rest of the day; none of that kind: unlimited then. K, M and G are of 1000, Ki, Mi and Gi
/// of 1024; Mbit/s and Gbit/s are read as well.
/// Errors: invalid_argument; the message says what would be right.
[[nodiscard]] Result<model::Bandwidth> parse_bandwidth(std::string_view text);

}  // namespace flocker::manifest
