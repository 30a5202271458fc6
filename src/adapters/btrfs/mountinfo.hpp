// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flocker::btrfs {

/// One line of /proc/<pid>/mountinfo.
struct MountLine {
    std::uint64_t id{0};
    std::string device;  ///< "major:minor" of the file system; one for all subvolumes of a btrfs.
    std::string root;    ///< Which folder of the file system is mounted.
    std::string point;   ///< Where, as that namespace sees it.
    bool shared{false};

    friend bool operator==(const MountLine&, const MountLine&) = default;
};

/// nullopt: not such a line.
[[nodiscard]] std::optional<MountLine> parse_mount_line(std::string_view line);

/// Whether a mount of `root` shows the folder `path` of its file system, or something below it.
/// (A mount of what lies above does not count: the pool itself is one.)
[[nodiscard]] bool shows(std::string_view root, std::string_view path);

}  // namespace flocker::btrfs
