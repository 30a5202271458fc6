// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "setup/layout.hpp"

namespace flocker::setup {

/// Whether `path` is where a btrfs is mounted.
[[nodiscard]] bool is_btrfs_mount(const std::string& path);

/// A pool in a sparse file of the state folder: takes disk as it fills, up to `size`. Mounted on
/// return. Repeating: an image that is there is kept and mounted.
/// Errors: unavailable, with the reason of mkfs.btrfs, losetup or mount.
[[nodiscard]] Status make_pool_in_file(const StateFolder& state, Bytes size);

/// Mounts the pool that init made, if it made one and it is not mounted (after a reboot).
[[nodiscard]] Status mount_pool_in_file(const StateFolder& state);

/// Half of what is free where the state folder is, at most 100 GiB, at least 1 GiB.
[[nodiscard]] Result<Bytes> default_pool_size(const StateFolder& state);

}  // namespace flocker::setup
