// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace flocker::btrfs {

/// CRC-32C as btrfs uses it: `seed` goes in as it is and nothing is inverted at the end, so that a
/// sum can be carried on from one piece to the next.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t seed, std::span<const std::byte> bytes);

}  // namespace flocker::btrfs
