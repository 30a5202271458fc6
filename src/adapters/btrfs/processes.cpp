// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/processes.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <vector>

#include "adapters/btrfs/mountinfo.hpp"

namespace flocker::btrfs {
namespace {

namespace fs = std::filesystem;

Result<std::vector<std::string>> all_pids() {
    std::vector<std::string> pids;
    std::error_code error;
    fs::directory_iterator processes("/proc", error);
    while (!error && processes != fs::directory_iterator()) {
        std::string pid = processes->path().filename();
        if (pid.front() >= '0' && pid.front() <= '9') pids.push_back(std::move(pid));
        processes.increment(error);
    }
    if (error) return fail(ErrorCode::unavailable, "cannot list /proc: " + error.message());
    return pids;
}

std::string name_of(const std::string& pid) {
    std::ifstream file("/proc/" + pid + "/comm");
    std::string name;
    std::getline(file, name);
    return "process " + pid + " (" + name + ")";
}

bool is_on(const std::string& path, unsigned major_number, unsigned minor_number) {
    struct stat seen {};
    return ::stat(path.c_str(), &seen) == 0 && major(seen.st_dev) == major_number && minor(seen.st_dev) == minor_number;
}

}  // namespace

Result<std::optional<std::string>> find_mount(const Place& place) {
    FLOCKER_TRY(const auto pids, all_pids());
    std::set<std::string> seen;
    for (const std::string& pid : pids) {
        // Which namespace it is in only saves reading the same mounts again; it may be hidden from us.
        const std::string space_path = "/proc/" + pid + "/ns/mnt";
        std::error_code error;
        const std::string space = fs::read_symlink(space_path, error);
        if (!error && seen.contains(space)) continue;
        std::ifstream lines("/proc/" + pid + "/mountinfo");
        if (!lines && (errno == EACCES || errno == EPERM)) {
            return fail(ErrorCode::unavailable,
                        "cannot see the mounts of process " + pid + ": flockerd must run as root");
        }
        for (std::string line; std::getline(lines, line);) {
            const auto mount = parse_mount_line(line);
            if (mount && mount->device == place.device && shows(mount->root, place.root)) {
                return "at " + mount->point + " for " + name_of(pid);
            }
        }
        // A process that ended meanwhile showed no mounts; another one of its namespace is asked then.
        if (!space.empty() && fs::read_symlink(space_path, error) == space && !error) seen.insert(space);
    }
    return std::nullopt;
}

std::optional<std::string> find_user_of_device(unsigned major_number, unsigned minor_number) {
    const auto pids = all_pids();
    if (!pids) return std::nullopt;
    const std::string own = std::to_string(::getpid());
    for (const std::string& pid : *pids) {
        if (pid == own) continue;
        const std::string folder = "/proc/" + pid;
        if (is_on(folder + "/cwd", major_number, minor_number) || is_on(folder + "/root", major_number, minor_number)) {
            return name_of(pid);
        }
        std::error_code error;
        fs::directory_iterator files(folder + "/fd", error);
        while (!error && files != fs::directory_iterator()) {
            if (is_on(files->path(), major_number, minor_number)) return name_of(pid);
            files.increment(error);
        }
    }
    return std::nullopt;
}

}  // namespace flocker::btrfs
