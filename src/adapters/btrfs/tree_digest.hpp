// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "adapters/posix/fd.hpp"
#include "ports/snapshot_digests.hpp"

namespace flocker::btrfs {

/// A mark at the latest after so many entries, and before and after each file of that size: so that what lies between
/// two of them is soon read again.
inline constexpr std::uint64_t mark_every_entries = 256;
inline constexpr Bytes mark_every_bytes{std::uint64_t{64} << 20U};

/// HeldTree::digest() of a tree that nobody changes. `expected` is told with the progress. The listener is called at
/// least once a MiB, and once an entry.
[[nodiscard]] Result<ports::TreeDigest> digest_tree(const posix::Fd& root,
                                                    const std::optional<ports::DigestRange>& only,
                                                    ports::DigestProgress expected,
                                                    const ports::DigestListener& listener);

}  // namespace flocker::btrfs
