// SPDX-License-Identifier: Apache-2.0
//
// Who uses a subvolume, asked of /proc.
#pragma once

#include <optional>
#include <string>

#include "adapters/btrfs/folder_place.hpp"
#include "base/result.hpp"

namespace flocker::btrfs {

/// Every subvolume has a device number of its own.
struct DeviceNumber {
    unsigned major{0};
    unsigned minor{0};
};

/// Who has the place, or a folder in it, mounted in its namespace, and a file of it open or mapped for
/// writing: "process 812 (redis-server), which has it mounted at /data". nullopt: nobody. Reads the mounts
/// of each mount namespace once, and the open files of the processes of those that have it mounted.
[[nodiscard]] Result<std::optional<std::string>> find_writer(const Place& place, const DeviceNumber& device);

/// A process with a file or its working folder on the device, for a message; nullopt: none was
/// found. Costs a look at every open file of the machine.
[[nodiscard]] std::optional<std::string> find_user_of(const DeviceNumber& device);

}  // namespace flocker::btrfs
