// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/subvolume.hpp"

#include <btrfsutil.h>
#include <endian.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include "adapters/btrfs/os_error.hpp"

namespace flocker::btrfs {
namespace {

Status outcome_of(btrfs_util_error error, const std::string& what) {
    if (error == BTRFS_UTIL_OK) return {};
    return fail_os(errno, what);
}

Instant instant_of(const btrfs_ioctl_timespec& time) {
    return {static_cast<std::int64_t>(time.sec) * 1'000'000'000 + static_cast<std::int64_t>(time.nsec)};
}

Uuid uuid_of(const __u8 (&raw)[BTRFS_UUID_SIZE]) {
    Uuid uuid{};
    std::memcpy(uuid.data(), raw, uuid.size());
    return uuid;
}

Status snapshot(const posix::Fd& source, const posix::Fd& folder, const std::string& name, int flags) {
    return outcome_of(btrfs_util_create_snapshot_fd2(source.get(), folder.get(), name.c_str(), flags, nullptr, nullptr),
                      "make the snapshot " + name);
}

}  // namespace

Result<std::optional<posix::Fd>> open_subvolume(const posix::Fd& folder, const std::string& name) {
    posix::Fd subvolume(::openat(folder.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!subvolume && errno == ENOENT) return std::nullopt;
    if (!subvolume) return fail_os(errno, "open the subvolume " + name);
    if (btrfs_util_is_subvolume_fd(subvolume.get()) != BTRFS_UTIL_OK) {
        return fail(ErrorCode::conflict, name + " is not a subvolume: move it away");
    }
    return subvolume;
}

Result<posix::Fd> need_subvolume(const posix::Fd& folder, const std::string& name) {
    FLOCKER_TRY(auto subvolume, open_subvolume(folder, name));
    if (!subvolume) return fail(ErrorCode::not_found, "there is no subvolume " + name);
    return std::move(*subvolume);
}

Result<SubvolumeFacts> facts_of(const posix::Fd& subvolume) {
    btrfs_ioctl_get_subvol_info_args args{};
    // Some kernels (6.18) give 1 and all the facts.
    if (::ioctl(subvolume.get(), BTRFS_IOC_GET_SUBVOL_INFO, &args) < 0) return fail_os(errno, "look at a subvolume");
    SubvolumeFacts facts;
    facts.id = args.treeid;
    facts.generation = args.generation;
    facts.created_generation = args.otransid;
    facts.content_generation = args.ctransid;
    facts.uuid = uuid_of(args.uuid);
    facts.parent_uuid = uuid_of(args.parent_uuid);
    facts.received_uuid = uuid_of(args.received_uuid);
    facts.read_only = (args.flags & BTRFS_ROOT_SUBVOL_RDONLY) != 0;
    facts.taken = instant_of(facts.received_uuid == Uuid{} ? args.otime : args.stime);
    facts.written = instant_of(args.ctime);
    return facts;
}

Status create_subvolume(const posix::Fd& folder, const std::string& name) {
    return outcome_of(btrfs_util_create_subvolume_fd(folder.get(), name.c_str(), 0, nullptr, nullptr),
                      "create the subvolume " + name);
}

Status take_snapshot(const posix::Fd& source, const posix::Fd& folder, const std::string& name) {
    return snapshot(source, folder, name, BTRFS_UTIL_CREATE_SNAPSHOT_READ_ONLY);
}

Status make_copy(const posix::Fd& source, const posix::Fd& folder, const std::string& name) {
    return snapshot(source, folder, name, 0);
}

Status set_read_only(const posix::Fd& subvolume) {
    return outcome_of(btrfs_util_set_subvolume_read_only_fd(subvolume.get(), true), "make a subvolume read-only");
}

Status set_writable(const posix::Fd& subvolume) {
    return outcome_of(btrfs_util_set_subvolume_read_only_fd(subvolume.get(), false), "make a subvolume writable");
}

Status set_received(const posix::Fd& subvolume, const Uuid& original, std::uint64_t content_generation, Instant taken) {
    btrfs_ioctl_received_subvol_args args{};
    std::memcpy(args.uuid, original.data(), original.size());
    args.stransid = content_generation;
    const std::int64_t ns = std::max<std::int64_t>(taken.unix_ns, 0);
    args.stime.sec = static_cast<__u64>(ns / 1'000'000'000);
    args.stime.nsec = static_cast<__u32>(ns % 1'000'000'000);
    if (::ioctl(subvolume.get(), BTRFS_IOC_SET_RECEIVED_SUBVOL, &args) < 0)
        return fail_os(errno, "mark a subvolume as received");
    return {};
}

Status remove_subvolume(const posix::Fd& folder, const std::string& name) {
    const auto remove = [&] {
        return btrfs_util_delete_subvolume_fd(folder.get(), name.c_str(), BTRFS_UTIL_DELETE_SUBVOLUME_RECURSIVE);
    };
    auto error = remove();
    if (error != BTRFS_UTIL_OK && errno == EROFS) {
        // It is read-only, and what is nested in it would be deleted from it first.
        FLOCKER_TRY(const posix::Fd subvolume, need_subvolume(folder, name));
        FLOCKER_CHECK_OK(set_writable(subvolume));
        error = remove();
    }
    if (error == BTRFS_UTIL_OK) return {};
    // btrfs says EPERM while a send reads it; nothing else denies root anything here.
    if (errno == EPERM) return fail(ErrorCode::conflict, "snapshot " + name + " is being sent: delete it later");
    return fail_os(errno, "delete the subvolume " + name);
}

Status rename_subvolume(const posix::Fd& folder, const std::string& name, const std::string& to) {
    if (::renameat(folder.get(), name.c_str(), folder.get(), to.c_str()) != 0) {
        return fail_os(errno, "rename the subvolume " + name + " to " + to);
    }
    return {};
}

Result<bool> has_nested(const posix::Fd& subvolume) {
    btrfs_util_subvolume_iterator* iterator = nullptr;
    FLOCKER_CHECK_OK(outcome_of(btrfs_util_create_subvolume_iterator_fd(subvolume.get(), 0, 0, &iterator),
                                "look for nested subvolumes"));
    char* path = nullptr;
    const auto error = btrfs_util_subvolume_iterator_next(iterator, &path, nullptr);
    const int error_number = errno;
    if (error == BTRFS_UTIL_OK) ::free(path);
    btrfs_util_destroy_subvolume_iterator(iterator);
    if (error == BTRFS_UTIL_OK) return true;
    if (error == BTRFS_UTIL_ERROR_STOP_ITERATION) return false;
    return fail_os(error_number, "look for nested subvolumes");
}

Status commit(const posix::Fd& anything_on_the_pool) {
    __u64 transaction = 0;
    if (::ioctl(anything_on_the_pool.get(), BTRFS_IOC_START_SYNC, &transaction) < 0)
        return fail_os(errno, "commit the pool");
    if (::ioctl(anything_on_the_pool.get(), BTRFS_IOC_WAIT_SYNC, &transaction) < 0)
        return fail_os(errno, "commit the pool");
    return {};
}

Result<ContentSum> content_of(const posix::Fd& subvolume) {
    ContentSum sum;
    btrfs_ioctl_search_args args{};
    args.key.min_objectid = BTRFS_FIRST_FREE_OBJECTID;
    args.key.max_objectid = BTRFS_LAST_FREE_OBJECTID;
    args.key.max_offset = UINT64_MAX;
    args.key.max_transid = UINT64_MAX;
    args.key.min_type = args.key.max_type = BTRFS_INODE_ITEM_KEY;
    for (;;) {
        // One item a call: asked for more, the kernel would read through all extents of a file to
        // get to the next inode. So this costs by files and not by extents.
        args.key.nr_items = 1;
        if (::ioctl(subvolume.get(), BTRFS_IOC_TREE_SEARCH, &args) < 0)
            return fail_os(errno, "add up a subvolume's files");
        if (args.key.nr_items == 0) return sum;
        btrfs_ioctl_search_header header{};
        std::memcpy(&header, args.buf, sizeof header);
        if (header.type == BTRFS_INODE_ITEM_KEY && header.len >= offsetof(btrfs_inode_item, block_group)) {
            std::uint64_t bytes = 0;
            std::memcpy(&bytes, args.buf + sizeof header + offsetof(btrfs_inode_item, nbytes), sizeof bytes);
            ++sum.inodes;
            sum.bytes += le64toh(bytes);
        }
        if (header.objectid >= BTRFS_LAST_FREE_OBJECTID) return sum;
        args.key.min_objectid = header.objectid + 1;
    }
}

}  // namespace flocker::btrfs
