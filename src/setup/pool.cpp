// SPDX-License-Identifier: Apache-2.0
#include "setup/pool.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "adapters/posix/fd.hpp"
#include "setup/command.hpp"

namespace flocker::setup {
namespace {

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

}  // namespace

bool is_btrfs_mount(const std::string& path) {
    struct statfs at {};
    struct stat self {}, parent {};
    return ::statfs(path.c_str(), &at) == 0 && at.f_type == BTRFS_SUPER_MAGIC && ::stat(path.c_str(), &self) == 0 &&
           ::stat((path + "/..").c_str(), &parent) == 0 && self.st_dev != parent.st_dev;
}

Status make_pool_in_file(const StateFolder& state, Bytes size) {
    if (::access(state.pool_image().c_str(), F_OK) == 0) return mount_pool_in_file(state);
    const std::string fresh = state.pool_image() + ".new";
    {
        const posix::Fd file(::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        if (file.get() < 0 || ::ftruncate(file.get(), static_cast<off_t>(size.value)) != 0) {
            return fail(ErrorCode::unavailable, fresh + ": " + std::strerror(errno));
        }
    }
    FLOCKER_CHECK_OK(run_command({"mkfs.btrfs", "-q", "-f", "-L", "flocker", fresh}));
    if (::rename(fresh.c_str(), state.pool_image().c_str()) != 0) {
        return fail(ErrorCode::unavailable, state.pool_image() + ": " + std::strerror(errno));
    }
    return mount_pool_in_file(state);
}

Status mount_pool_in_file(const StateFolder& state) {
    if (::access(state.pool_image().c_str(), F_OK) != 0 || is_btrfs_mount(state.pool())) return {};
    if (::mkdir(state.pool().c_str(), 0700) != 0 && errno != EEXIST) {
        return fail(ErrorCode::unavailable, state.pool() + ": " + std::strerror(errno));
    }
    // Without the page cache in between, a fresh snapshot is read from the disk once, not twice.
    auto device = run_command({"losetup", "--find", "--show", "--direct-io=on", state.pool_image()});
    if (!device) device = run_command({"losetup", "--find", "--show", state.pool_image()});
    if (!device) return tl::unexpected(device.error());
    const std::string loop = trimmed(*device);
    const auto mounted = run_command({"mount", "-t", "btrfs", "-o", "noatime", loop, state.pool()});
    // Detached by the kernel when the mount goes; at once if there is none.
    const auto detached = run_command({"losetup", "--detach", loop});
    if (!mounted) return tl::unexpected(mounted.error());
    return detached.transform([](const std::string&) {});
}

Result<Bytes> default_pool_size(const StateFolder& state) {
    struct statvfs room {};
    if (::statvfs(state.path.c_str(), &room) != 0) return fail(ErrorCode::unavailable, state.path + ": " + std::strerror(errno));
    const std::uint64_t free = std::uint64_t{room.f_bavail} * room.f_frsize;
    return Bytes{std::clamp(free / 2, std::uint64_t{1} << 30U, std::uint64_t{100} << 30U)};
}

}  // namespace flocker::setup
