// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/snapshot_view.hpp"

#include <fcntl.h>
#include <sys/mount.h>

#include <cerrno>
#include <filesystem>

#include "adapters/btrfs/dataset_folder.hpp"
#include "adapters/btrfs/folder_place.hpp"
#include "adapters/btrfs/os_error.hpp"
#include "adapters/btrfs/pool.hpp"
#include "adapters/btrfs/subvolume.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {
namespace {

namespace fs = std::filesystem;
namespace names = model::names;

Result<posix::Fd> open_snapshot(const DatasetFolder& folder, const std::string& id) {
    const auto snapshot = model::parse_snapshot_id(id);
    const auto aside = snapshot ? snapshot : parse_aside_name(id);
    if (!aside) {
        return fail(ErrorCode::invalid_argument,
                    "'" + id + "' is not a snapshot's name: it is like e3-s42 or " + names::aside_prefix + "e3-s43");
    }
    if (snapshot) {
        FLOCKER_TRY(auto found, open_subvolume(folder.fd(), id));
        if (found) return std::move(*found);
    }
    FLOCKER_TRY(auto found, open_subvolume(folder.fd(), aside_name(*aside)));
    if (found) return std::move(*found);
    return fail(ErrorCode::not_found, "dataset " + folder.id().value + " has no snapshot " + id + " on this node");
}

/// A folder on which nothing is mounted and in which nothing would be hidden.
Result<posix::Fd> open_free_folder(const std::string& path) {
    posix::Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder && errno == ENOENT) return fail(ErrorCode::not_found, path + " is not there: create the folder first");
    if (!folder && errno == ENOTDIR) return fail(ErrorCode::invalid_argument, path + " is not a folder");
    if (!folder) return fail_os(errno, "open " + path);
    FLOCKER_TRY(const FolderSeen seen, look_at_folder(folder));
    if (seen.mount_root) {
        return fail(ErrorCode::already_exists, "something is mounted at " + path + " already: use another folder");
    }
    FLOCKER_TRY(const auto inside, names_in(folder));
    if (!inside.empty()) return fail(ErrorCode::conflict, path + " is not empty: use an empty folder");
    return folder;
}

/// It appears read-only at once, wherever the mount is propagated to.
Status mount_read_only(const posix::Fd& subvolume, const posix::Fd& folder, const std::string& path) {
    const posix::Fd tree(::open_tree(subvolume.get(), "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    if (!tree && errno == ENOSYS) {
        return fail(ErrorCode::unavailable, "this kernel cannot mount a snapshot: Linux 5.12 or newer is needed");
    }
    if (!tree) return fail_os(errno, "mount " + path);
    // Programs in there keep the set-user-id bits that a container gave them.
    struct mount_attr protection {};
    protection.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &protection, sizeof protection) != 0) {
        return fail_os(errno, "protect the mount at " + path);
    }
    if (::move_mount(tree.get(), "", folder.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
        return fail_os(errno, "mount " + path);
    }
    return {};
}

/// <pool>/flocker/<dataset>/<snapshot>, or where a dropped one lies until it is deleted.
bool is_snapshots_place(const fs::path& root) {
    const std::string name = root.filename();
    const std::string dataset = root.parent_path().filename();
    const bool named_so = model::parse_snapshot_id(name) || parse_aside_name(name);
    const bool dropped = name.starts_with(names::dropping_prefix) || dataset.starts_with(names::dropping_prefix);
    return (named_so || dropped) && root.parent_path().parent_path().filename() == names::pool_folder;
}

}  // namespace

Status mount_snapshot(const std::string& pool, const model::DatasetId& dataset, const std::string& id,
                      const std::string& path) {
    FLOCKER_TRY(const posix::Fd opened_pool, open_pool(pool));
    // Locked until it is mounted: it is not deleted in between.
    FLOCKER_TRY(const auto folder, DatasetFolder::open(opened_pool, dataset));
    if (!folder) return fail(ErrorCode::not_found, "dataset " + dataset.value + " is not on this node");
    FLOCKER_TRY(const posix::Fd snapshot, open_snapshot(*folder, id));
    FLOCKER_TRY(const posix::Fd target, open_free_folder(path));
    return mount_read_only(snapshot, target, path);
}

Status unmount_snapshot(const std::string& path) {
    FLOCKER_TRY(const auto seen, look_at_folder(path));
    if (!seen || !seen->mount_root) return fail(ErrorCode::not_found, "nothing is mounted at " + path);
    FLOCKER_TRY(const MountLine mount, mount_of(seen->mount_id));
    if (!is_snapshots_place(mount.root)) {
        return fail(ErrorCode::conflict, "what is mounted at " + path + " is not a snapshot of ours: leave it");
    }
    if (::umount2(path.c_str(), UMOUNT_NOFOLLOW) == 0) return {};
    if (errno == EBUSY) return fail(ErrorCode::conflict, path + " is in use: close what is open there first");
    return fail_os(errno, "unmount " + path);
}

}  // namespace flocker::btrfs
