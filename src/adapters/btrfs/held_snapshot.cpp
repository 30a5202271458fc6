// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/held_snapshot.hpp"

#include <fcntl.h>

#include <cerrno>

#include "adapters/btrfs/dataset_folder.hpp"
#include "adapters/btrfs/os_error.hpp"
#include "adapters/btrfs/pool.hpp"
#include "adapters/btrfs/subvolume.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {

Result<HeldSnapshot> HeldSnapshot::make(const std::string& pool_path, const model::DatasetId& dataset,
                                        const model::SnapshotId& snapshot) {
    FLOCKER_TRY(const posix::Fd pool, open_pool(pool_path));
    // Locked until the copy is: nobody drops the snapshot, or takes the copy for a leftover, in between.
    FLOCKER_TRY(const auto locked, DatasetFolder::open(pool, dataset));
    if (!locked) return fail(ErrorCode::not_found, "dataset " + dataset.value + " is not on this node");
    const std::string id = model::to_text(snapshot);
    FLOCKER_TRY(const auto source, open_subvolume(locked->fd(), id));
    if (!source)
        return fail(ErrorCode::not_found, "dataset " + dataset.value + " has no snapshot " + id + " on this node");
    posix::Fd folder(::openat(locked->fd().get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return fail_os(errno, "open the folder of dataset " + dataset.value);
    for (unsigned i = 0;; ++i) {
        const std::string name = model::names::reading_prefix + id + "-" + std::to_string(i);
        FLOCKER_TRY(const auto taken, open_subvolume(locked->fd(), name));
        if (taken) continue;
        FLOCKER_CHECK_OK(take_snapshot(*source, locked->fd(), name));
        FLOCKER_TRY(posix::Fd root, need_subvolume(locked->fd(), name));
        if (!try_lock(root)) return fail(ErrorCode::internal, "the copy " + name + " is locked by another");
        return HeldSnapshot(std::move(folder), std::move(root), name);
    }
}

HeldSnapshot::~HeldSnapshot() {
    // Still locked, so nobody else removes it at the same time. Failures are left to the store's sweep.
    if (root_) static_cast<void>(remove_subvolume(folder_, name_));
}

}  // namespace flocker::btrfs
