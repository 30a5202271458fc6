// SPDX-License-Identifier: Apache-2.0
//
// What can be seen of this machine without asking anybody.
#pragma once

#include <string>
#include <vector>

#include "doctor/facts.hpp"

namespace flocker::doctor {

/// A line of /proc/self/mountinfo.
struct MountSeen {
    std::string point;
    std::string type;
    std::vector<std::string> options;  ///< Of the mount and of its file system.
};
[[nodiscard]] std::vector<MountSeen> parse_mounts(const std::string& mountinfo);

/// One who listens on TCP, from /proc/net/tcp or tcp6.
struct Listening {
    std::uint16_t port{0};
    std::uint64_t inode{0};
};
[[nodiscard]] std::vector<Listening> parse_listening(const std::string& table);

[[nodiscard]] KernelFacts look_at_kernel(const std::vector<MountSeen>& mounts, bool root);
/// `path` empty: none is chosen yet. `image`: the file that it is in, if it is there.
[[nodiscard]] PoolFacts look_at_pool(const std::string& path, const std::string& image, const std::vector<MountSeen>& mounts);
/// The disks of those paths that are there, each disk once.
[[nodiscard]] std::vector<DiskFacts> look_at_disks(const std::vector<std::string>& paths);
/// Fills in who holds each port.
void look_at_ports(std::vector<PortFacts>& ports);
[[nodiscard]] std::vector<NetworkFacts> look_at_networks();

}  // namespace flocker::doctor
