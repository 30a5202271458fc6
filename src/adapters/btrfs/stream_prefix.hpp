// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::btrfs::stream {

/// What goes ahead of btrfs' own stream: 8 bytes "flksnap1", the time at which the snapshot was
/// taken (Unix nanoseconds, 8 bytes, little endian), CRC-32C of these (4 bytes, little endian).
inline constexpr std::size_t prefix_bytes = 20;

[[nodiscard]] std::array<std::byte, prefix_bytes> encode_prefix(Instant taken);
/// Errors: corrupt.
[[nodiscard]] Result<Instant> decode_prefix(std::span<const std::byte, prefix_bytes> bytes);

}  // namespace flocker::btrfs::stream
