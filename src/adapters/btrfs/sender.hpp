// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "adapters/posix/fd.hpp"
#include "ports/byte_stream.hpp"

namespace flocker::btrfs {

enum class Content : std::uint8_t { with, without };

/// btrfs' send stream, version 1, of a read-only snapshot: the difference to `base`, or all of it.
/// `Content::without` says where content would be (stream::Extent) instead of giving it.
/// The kernel writes it into a pipe, in a thread of its own that has ended when this returns.
/// Errors: whatever the sink returned, which cancels the rest; unavailable.
[[nodiscard]] Status send_stream(const posix::Fd& snapshot, const std::optional<posix::Fd>& base, Content content,
                                 const ports::Sink& sink);

}  // namespace flocker::btrfs
