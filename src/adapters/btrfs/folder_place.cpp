// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/folder_place.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "adapters/btrfs/os_error.hpp"

namespace flocker::btrfs {
namespace {

Result<FolderSeen> folder_of(const struct statx& seen) {
    if ((seen.stx_mask & STATX_MNT_ID) == 0 || (seen.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) == 0) {
        return fail(ErrorCode::unavailable, "this kernel does not tell mounts apart: Linux 5.8 or newer is needed");
    }
    return FolderSeen{seen.stx_mnt_id, (seen.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0, seen.stx_ino,
                      seen.stx_dev_major, seen.stx_dev_minor};
}

std::vector<MountLine> own_mounts() {
    std::vector<MountLine> mounts;
    std::ifstream lines("/proc/self/mountinfo");
    for (std::string line; std::getline(lines, line);) {
        if (auto mount = parse_mount_line(line)) mounts.push_back(std::move(*mount));
    }
    return mounts;
}

Result<MountLine> mount_in(const std::vector<MountLine>& mounts, std::uint64_t mount_id) {
    for (const MountLine& mount : mounts) {
        if (mount.id == mount_id) return mount;
    }
    return fail(ErrorCode::unavailable, "a mount is not in /proc/self/mountinfo: is /proc mounted");
}

Result<Place> place_in(const std::vector<MountLine>& mounts, const posix::Fd& subvolume) {
    FLOCKER_TRY(const FolderSeen folder, look_at_folder(subvolume));
    FLOCKER_TRY(const MountLine mount, mount_in(mounts, folder.mount_id));
    std::error_code error;
    const std::string path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(subvolume.get()), error);
    if (error || !path.starts_with(mount.point)) {
        return fail(ErrorCode::unavailable, "cannot tell where a subvolume lies: " + path + " in " + mount.point);
    }
    std::string inside = path.substr(mount.point == "/" ? 0 : mount.point.size());
    return Place{mount.device, mount.root == "/" ? inside : mount.root + inside};
}

}  // namespace

Result<FolderSeen> look_at_folder(const posix::Fd& folder) {
    struct statx seen {};
    if (::statx(folder.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &seen) != 0) {
        return fail_os(errno, "look at a folder");
    }
    return folder_of(seen);
}

Result<std::optional<FolderSeen>> look_at_folder(const std::string& path) {
    struct statx seen {};
    if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_MNT_ID,
                &seen) != 0) {
        if (errno == ENOENT) return std::nullopt;
        return fail_os(errno, "look at " + path);
    }
    FLOCKER_TRY(FolderSeen folder, folder_of(seen));
    return folder;
}

Result<MountLine> mount_of(std::uint64_t mount_id) {
    return mount_in(own_mounts(), mount_id);
}

Result<Place> place_of(const posix::Fd& subvolume) {
    return place_in(own_mounts(), subvolume);
}

Result<std::optional<std::string>> find_mount_of(const posix::Fd& subvolume) {
    const auto mounts = own_mounts();
    FLOCKER_TRY(const Place place, place_in(mounts, subvolume));
    for (const MountLine& mount : mounts) {
        if (mount.device == place.device && shows(mount.root, place.root)) return mount.point;
    }
    return std::nullopt;
}

}  // namespace flocker::btrfs
