// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace flocker::btrfs {

/// A subvolume's identity, as btrfs keeps it. All zeros: none.
using Uuid = std::array<std::uint8_t, 16>;

}  // namespace flocker::btrfs
