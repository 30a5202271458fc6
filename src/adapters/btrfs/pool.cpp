// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/pool.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "adapters/btrfs/os_error.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {

Result<posix::Fd> open_pool(const std::string& pool) {
    const posix::Fd root(::open(pool.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) {
        auto error = fail_os(errno, "open the pool " + pool);
        error.value().code = ErrorCode::unavailable;
        return error;
    }
    struct statfs system {};
    struct statx seen {};
    if (::fstatfs(root.get(), &system) != 0) return fail_os(errno, "look at the pool " + pool);
    if (::statx(root.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS, &seen) != 0)
        return fail_os(errno, "look at the pool " + pool);
    const bool mounted = (seen.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    if (system.f_type != BTRFS_SUPER_MAGIC || !mounted) {
        return fail(ErrorCode::unavailable, "no btrfs is mounted at " + pool + ": mount the pool there");
    }
    // Snapshots keep set-user-id programs and open modes; nobody but root comes near them.
    if (::mkdirat(root.get(), model::names::pool_folder, 0700) != 0 && errno != EEXIST) {
        return fail_os(errno, "create a folder on the pool " + pool);
    }
    posix::Fd folder(::openat(root.get(), model::names::pool_folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return fail_os(errno, "open the folder flocker on the pool " + pool);
    return folder;
}

Status PoolSync::run(const posix::Fd& pool) {
    std::unique_lock lock(mutex_);
    // One that is under way may have passed by what we wrote; only one that begins now will do.
    const std::uint64_t needed = started_ + 1;
    while (running_ && finished_ < needed) ended_.wait(lock);
    if (finished_ >= needed) return last_;
    running_ = true;
    ++started_;
    lock.unlock();
    Status outcome;
    if (::syncfs(pool.get()) != 0) outcome = fail_os(errno, "sync the pool");
    lock.lock();
    running_ = false;
    finished_ = started_;
    last_ = outcome;
    ended_.notify_all();
    return outcome;
}

}  // namespace flocker::btrfs
