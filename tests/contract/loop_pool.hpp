// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace flocker::contract {

/// A btrfs in a sparse file under /var/tmp, mounted, and a volumes folder beside it. Gone
/// with its owner; the first one made also clears away what a crashed run left.
class LoopPool {
public:
    explicit LoopPool(const std::string& size = "2G");
    ~LoopPool();
    LoopPool(const LoopPool&) = delete;
    LoopPool& operator=(const LoopPool&) = delete;

    [[nodiscard]] std::string pool() const { return folder_ / "pool"; }
    [[nodiscard]] std::string volumes() const { return folder_ / "volumes"; }
    [[nodiscard]] std::filesystem::path dataset(const std::string& id) const {
        return folder_ / "pool" / "flocker" / id;
    }
    [[nodiscard]] std::filesystem::path volume(const std::string& id) const { return folder_ / "volumes" / id; }

    /// What was not on the disk at this instant is lost. Mounts in the volumes folder are gone.
    void power_loss();

private:
    std::filesystem::path folder_;
};

/// Where something is mounted below a folder, newest first.
[[nodiscard]] std::vector<std::string> mounts_below(const std::filesystem::path& folder);

/// Runs a shell command; the test fails if it does.
void run(const std::string& command);

}  // namespace flocker::contract
