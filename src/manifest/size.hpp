// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace flocker::manifest {

/// "100", "1.5G", "10.M": a number and K, M, G or T in either case, powers of 1024, rounded up to a
/// whole byte. At least 1 byte, less than 2^63.
/// Errors: invalid_argument; the message says what would be right.
[[nodiscard]] Result<Bytes> parse_size(std::string_view text);

}  // namespace flocker::manifest
