// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/processes.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
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

bool is_on(const std::string& path, const DeviceNumber& device) {
    struct stat seen {};
    return ::stat(path.c_str(), &seen) == 0 && major(seen.st_dev) == device.major && minor(seen.st_dev) == device.minor;
}

/// /proc shows by the mode of these links how the file was opened.
bool is_for_writing(const std::string& path) {
    struct stat link {};
    return ::lstat(path.c_str(), &link) == 0 && (link.st_mode & S_IWUSR) != 0;
}

bool writes_to(const std::string& pid, const DeviceNumber& device) {
    for (const char* kind : {"/fd", "/map_files"}) {
        std::error_code error;
        fs::directory_iterator files("/proc/" + pid + kind, error);
        while (!error && files != fs::directory_iterator()) {
            const std::string path = files->path();
            if (is_for_writing(path) && is_on(path, device)) return true;
            files.increment(error);
        }
    }
    return false;
}

/// Where the process has the place mounted; nullopt: nowhere.
Result<std::optional<std::string>> mount_point_for(const std::string& pid, const Place& place) {
    std::ifstream lines("/proc/" + pid + "/mountinfo");
    if (!lines && (errno == EACCES || errno == EPERM)) {
        return fail(ErrorCode::unavailable, "cannot see the mounts of process " + pid + ": flockerd must run as root");
    }
    for (std::string line; std::getline(lines, line);) {
        const auto mount = parse_mount_line(line);
        if (mount && mount->device == place.device && shows(mount->root, place.root)) return mount->point;
    }
    return std::nullopt;
}

}  // namespace

Result<std::optional<std::string>> find_writer(const Place& place, const DeviceNumber& device) {
    FLOCKER_TRY(const auto pids, all_pids());
    std::map<std::string, std::optional<std::string>> spaces;  ///< Mount namespace: where it has the place.
    const std::string own = std::to_string(::getpid());
    for (const std::string& pid : pids) {
        if (pid == own) continue;
        // Which namespace it is in only saves reading the same mounts again; it may be hidden from us.
        const std::string space_path = "/proc/" + pid + "/ns/mnt";
        std::error_code error;
        const std::string space = fs::read_symlink(space_path, error);
        std::optional<std::string> point;
        if (const auto known = spaces.find(space); !error && known != spaces.end()) {
            point = known->second;
        } else {
            FLOCKER_TRY(point, mount_point_for(pid, place));
            // A process that ended meanwhile showed no mounts; another one of its namespace is asked then.
            const bool still_there = !space.empty() && fs::read_symlink(space_path, error) == space && !error;
            if (still_there) spaces.emplace(space, point);
        }
        if (point && writes_to(pid, device)) return name_of(pid) + ", which has it mounted at " + *point;
    }
    return std::nullopt;
}

std::optional<std::string> find_user_of(const DeviceNumber& device) {
    const auto pids = all_pids();
    if (!pids) return std::nullopt;
    const std::string own = std::to_string(::getpid());
    for (const std::string& pid : *pids) {
        if (pid == own) continue;
        const std::string folder = "/proc/" + pid;
        if (is_on(folder + "/cwd", device) || is_on(folder + "/root", device)) return name_of(pid);
        std::error_code error;
        fs::directory_iterator files(folder + "/fd", error);
        while (!error && files != fs::directory_iterator()) {
            if (is_on(files->path(), device)) return name_of(pid);
            files.increment(error);
        }
    }
    return std::nullopt;
}

}  // namespace flocker::btrfs
