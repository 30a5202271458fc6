// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/loop_pool.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;

const fs::path base = "/var/tmp";
const std::string prefix = "flkt-btrfs-";

void unmount_below(const fs::path& folder) {
    // An unmount of a shared mount may take others along.
    for (const auto& point : mounts_below(folder)) {
        if (::umount2(point.c_str(), 0) != 0) ::umount2(point.c_str(), MNT_DETACH);
    }
}

void clear_away(const fs::path& folder) {
    unmount_below(folder);
    static_cast<void>(std::system(("chattr -i " + folder.string() + "/volumes/* 2>/dev/null").c_str()));
    std::error_code error;
    fs::remove_all(folder, error);
}

void clear_leftovers() {
    for (const auto& entry : fs::directory_iterator(base)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with(prefix)) continue;
        const int pid = std::atoi(name.c_str() + prefix.size());
        if (pid <= 0 || (pid != ::getpid() && ::kill(pid, 0) != 0)) clear_away(entry.path());
    }
}

}  // namespace

std::vector<std::string> mounts_below(const fs::path& folder) {
    std::vector<std::string> points;
    std::ifstream lines("/proc/self/mountinfo");
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string id, parent, device, root, point;
        words >> id >> parent >> device >> root >> point;
        if (point.starts_with(folder.string() + "/")) points.insert(points.begin(), point);
    }
    return points;
}

void run(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

LoopPool::LoopPool(const std::string& size) {
    static int count = 0;
    if (count == 0) clear_leftovers();
    folder_ = base / (prefix + std::to_string(::getpid()) + "-" + std::to_string(count++));
    fs::create_directories(folder_ / "pool");
    const std::string image = folder_ / "image";
    run("truncate -s " + size + " " + image + " && mkfs.btrfs -q " + image +
        " >/dev/null 2>&1 && mount -o loop,nodiscard " + image + " " + pool());
}

LoopPool::~LoopPool() {
    clear_away(folder_);
}

void LoopPool::power_loss() {
    // What btrfs has not given to the loop device yet is not in the file.
    run("cp --sparse=always " + (folder_ / "image").string() + " " + (folder_ / "after").string());
    unmount_below(folder_);
    run("btrfs device scan --forget >/dev/null; mv " + (folder_ / "after").string() + " " +
        (folder_ / "image").string());
    run("mount -o loop,nodiscard " + (folder_ / "image").string() + " " + pool());
}

}  // namespace flocker::contract
