// SPDX-License-Identifier: Apache-2.0
//
// Which folder is meant, whatever path leads to it, and where it is mounted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "adapters/btrfs/mountinfo.hpp"
#include "adapters/posix/fd.hpp"
#include "base/result.hpp"

namespace flocker::btrfs {

/// A subvolume as mountinfo names it, the same in every namespace.
struct Place {
    std::string device;  ///< "major:minor" of the file system.
    std::string root;    ///< Path from the top of the file system.
};

struct FolderSeen {
    std::uint64_t mount_id{0};
    bool mount_root{false};
    std::uint64_t inode{0};
    std::uint32_t device_major{0};
    std::uint32_t device_minor{0};

    /// Every subvolume has a device number of its own.
    [[nodiscard]] bool is_same(const FolderSeen& other) const {
        return inode == other.inode && device_major == other.device_major && device_minor == other.device_minor;
    }
};

[[nodiscard]] Result<FolderSeen> look_at_folder(const posix::Fd& folder);
/// nullopt: it is not there. Follows no symbolic link at the end of the path.
[[nodiscard]] Result<std::optional<FolderSeen>> look_at_folder(const std::string& path);

/// The mount of this number in our namespace.
[[nodiscard]] Result<MountLine> mount_of(std::uint64_t mount_id);
[[nodiscard]] Result<Place> place_of(const posix::Fd& subvolume);
/// Where our namespace has the subvolume, or a folder in it, mounted; nullopt: nowhere.
[[nodiscard]] Result<std::optional<std::string>> find_mount_of(const posix::Fd& subvolume);

}  // namespace flocker::btrfs
