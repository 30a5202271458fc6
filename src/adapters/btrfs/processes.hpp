// SPDX-License-Identifier: Apache-2.0
//
// Who uses a subvolume, asked of /proc.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"

namespace flocker::btrfs {

/// A subvolume as mountinfo names it, the same in every namespace.
struct Place {
    std::string device;  ///< "major:minor" of the file system.
    std::string root;    ///< Path from the top of the file system.
};

/// Who has the place, or a folder in it, mounted: "at /data for process 812 (redis-server)". nullopt:
/// nobody. Reads the mounts of each mount namespace once.
[[nodiscard]] Result<std::optional<std::string>> find_mount(const Place& place);

/// A process with a file or its working folder on the device (a subvolume has one of its own), for
/// a message; nullopt: none was found. Costs a look at every open file of the machine.
[[nodiscard]] std::optional<std::string> find_user_of_device(unsigned major_number, unsigned minor_number);

}  // namespace flocker::btrfs
