// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/mounts.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <thread>

#include "adapters/btrfs/folder_place.hpp"
#include "adapters/btrfs/os_error.hpp"
#include "adapters/btrfs/processes.hpp"

namespace flocker::btrfs {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// Runs `attempt` until it gives true or patience is over; false: it is over.
template <class Attempt>
Result<bool> insist(Duration patience, const Attempt& attempt) {
    const auto deadline = Clock::now() + patience;
    Duration rest = 1ms;
    for (;;) {
        FLOCKER_TRY(const bool done, attempt());
        if (done) return true;
        if (Clock::now() >= deadline) return false;
        std::this_thread::sleep_for(rest);
        rest = std::min<Duration>(rest * 2, 50ms);
    }
}

/// An unmounted volume must not be written to by accident: nobody would ever see it again. File
/// systems without the flag keep the mode alone.
Status guard_folder(const std::string& point) {
    const posix::Fd folder(::open(point.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return fail_os(errno, "open " + point);
    int flags = 0;
    const bool has_flags = ::ioctl(folder.get(), FS_IOC_GETFLAGS, &flags) == 0;
    if (has_flags && (flags & FS_IMMUTABLE_FL) != 0) return {};
    if (::fchmod(folder.get(), 0) != 0) return fail_os(errno, "protect " + point);
    flags |= FS_IMMUTABLE_FL;
    if (has_flags && ::ioctl(folder.get(), FS_IOC_SETFLAGS, &flags) != 0 && errno != ENOTTY && errno != EOPNOTSUPP &&
        errno != EPERM) {
        return fail_os(errno, "protect " + point);
    }
    return {};
}

Status make_shared(const std::string& volumes) {
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    std::error_code error;
    fs::create_directories(volumes, error);
    if (error) return fail(ErrorCode::unavailable, "cannot create " + volumes + ": " + error.message());
    // Volumes are open to every user id that a container may have; nobody else is let through to them.
    if (::chmod(volumes.c_str(), 0700) != 0) return fail_os(errno, "protect " + volumes);
    FLOCKER_TRY(auto folder, look_at_folder(volumes));
    if (!folder) return fail(ErrorCode::unavailable, volumes + " is not there");
    FLOCKER_TRY(const MountLine mount, mount_of(folder->mount_id));
    if (mount.shared) return {};
    if (!folder->mount_root && ::mount(volumes.c_str(), volumes.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        return fail_os(errno, "mount " + volumes + " on itself");
    }
    if (::mount(nullptr, volumes.c_str(), nullptr, MS_SHARED, nullptr) != 0)
        return fail_os(errno, "share the mount " + volumes);
    return {};
}

}  // namespace

Mounts::Mounts(std::string volumes, Duration patience) : volumes_(std::move(volumes)), patience_(patience) {}

Result<bool> Mounts::is_mounted(const std::string& name, const posix::Fd& subvolume) const {
    FLOCKER_TRY(const auto at_point, look_at_folder(point(name)));
    if (!at_point || !at_point->mount_root) return false;
    FLOCKER_TRY(const FolderSeen wanted, look_at_folder(subvolume));
    return at_point->is_same(wanted);
}

Status Mounts::mount(const std::string& name, const posix::Fd& subvolume) {
    FLOCKER_CHECK_OK(make_shared(volumes_));
    FLOCKER_TRY(const bool mounted, is_mounted(name, subvolume));
    if (mounted) return {};
    const std::string target = point(name);
    FLOCKER_CHECK_OK(unmount_at(target));
    if (::mkdir(target.c_str(), 0) != 0 && errno != EEXIST) return fail_os(errno, "create " + target);
    FLOCKER_CHECK_OK(guard_folder(target));
    const std::string source = "/proc/self/fd/" + std::to_string(subvolume.get());
    if (::mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0)
        return fail_os(errno, "mount " + target);
    return {};
}

Status Mounts::unmount(const std::string& name) const { return unmount_at(point(name)); }

Status Mounts::unmount_at(const std::string& target) const {
    FLOCKER_TRY(const bool gone, insist(patience_, [&]() -> Result<bool> {
                    for (;;) {
                        FLOCKER_TRY(const auto folder, look_at_folder(target));
                        if (!folder || !folder->mount_root) return true;
                        if (::umount2(target.c_str(), UMOUNT_NOFOLLOW) == 0) continue;
                        if (errno == EBUSY) return false;
                        return fail_os(errno, "unmount " + target);
                    }
                }));
    if (gone) return {};
    FLOCKER_TRY(const auto folder, look_at_folder(target));
    const auto user = folder ? find_user_of({folder->device_major, folder->device_minor}) : std::nullopt;
    return fail(ErrorCode::conflict, target + " is in use by " + user.value_or("somebody") + ": stop it first");
}

Status Mounts::await_no_writer(const std::string& name, const posix::Fd& subvolume) const {
    FLOCKER_TRY(const Place place, place_of(subvolume));
    FLOCKER_TRY(const FolderSeen folder, look_at_folder(subvolume));
    std::string last;
    FLOCKER_TRY(const bool quiet, insist(patience_, [&]() -> Result<bool> {
                    FLOCKER_TRY(const auto writer, find_writer(place, {folder.device_major, folder.device_minor}));
                    last = writer.value_or("");
                    return !writer;
                }));
    if (!quiet) return fail(ErrorCode::conflict, "dataset " + name + " is still written by " + last + ": stop it first");
    return {};
}

Status Mounts::forget(const std::string& name) {
    const std::string target = point(name);
    FLOCKER_CHECK_OK(unmount_at(target));
    {
        const posix::Fd folder(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!folder && errno == ENOENT) return {};
        if (!folder) return fail_os(errno, "open " + target);
        int flags = 0;
        if (::ioctl(folder.get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL) != 0) {
            flags &= ~FS_IMMUTABLE_FL;
            if (::ioctl(folder.get(), FS_IOC_SETFLAGS, &flags) < 0) return fail_os(errno, "unprotect " + target);
        }
    }
    if (::rmdir(target.c_str()) != 0 && errno != ENOENT) return fail_os(errno, "remove " + target);
    return {};
}

}  // namespace flocker::btrfs
