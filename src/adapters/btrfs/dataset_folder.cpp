// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/dataset_folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "adapters/btrfs/folder_place.hpp"
#include "adapters/btrfs/os_error.hpp"
#include "adapters/btrfs/partial.hpp"
#include "adapters/btrfs/subvolume.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {
namespace {

namespace names = model::names;

posix::Fd open_folder(const posix::Fd& parent, const std::string& name) {
    return posix::Fd(::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/// Locks the folder and makes sure that it still is the one of that name. False: it was replaced.
Result<bool> lock(const posix::Fd& parent, const std::string& name, const posix::Fd& folder) {
    while (::flock(folder.get(), LOCK_EX) != 0) {
        if (errno != EINTR) return fail_os(errno, "lock the folder " + name);
    }
    struct stat held {};
    struct stat named {};
    if (::fstat(folder.get(), &held) != 0) return fail_os(errno, "look at the folder " + name);
    if (::fstatat(parent.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return false;
        return fail_os(errno, "look at the folder " + name);
    }
    return held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

/// conflict: it is being sent, or somebody looks into it. (What is deleted while it is mounted, or its folder is open, is
/// gone under the eyes of who reads it, who finds an empty folder.)
Status remove_unless_mounted(const posix::Fd& folder, const std::string& name) {
    {
        FLOCKER_TRY(const auto subvolume, open_subvolume(folder, name));
        if (!subvolume) return {};
        if (name.starts_with(names::reading_prefix) && !try_lock(*subvolume))
            return fail(ErrorCode::conflict, name + " is being read");
        FLOCKER_TRY(const auto point, find_mount_of(*subvolume));
        if (point) return fail(ErrorCode::conflict, name + " is mounted at " + *point + ": unmount it first");
    }
    return remove_subvolume(folder, name);
}

/// A subvolume or a file. conflict: in use.
Status remove_leftover(const posix::Fd& folder, const std::string& name) {
    struct stat seen {};
    if (::fstatat(folder.get(), name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return {};
        return fail_os(errno, "look at " + name);
    }
    if (!S_ISDIR(seen.st_mode)) {
        if (::unlinkat(folder.get(), name.c_str(), 0) != 0) return fail_os(errno, "remove " + name);
        return {};
    }
    if (name.starts_with(names::incoming_prefix)) {
        FLOCKER_TRY(const posix::Fd incoming, need_subvolume(folder, name));
        if (!try_lock(incoming)) return fail(ErrorCode::conflict, name + " is being received");
    }
    return remove_unless_mounted(folder, name);
}

/// A folder that nobody looks for any more.
Status remove_folder(const posix::Fd& pool, const std::string& name) {
    const posix::Fd folder = open_folder(pool, name);
    if (!folder) return fail_os(errno, "open the folder " + name);
    FLOCKER_TRY(const auto inside, names_in(folder));
    for (const std::string& entry : inside) {
        struct stat seen {};
        const bool is_folder =
            ::fstatat(folder.get(), entry.c_str(), &seen, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(seen.st_mode);
        if (is_folder) {
            FLOCKER_CHECK_OK(remove_unless_mounted(folder, entry));
        } else if (::unlinkat(folder.get(), entry.c_str(), 0) != 0) {
            return fail_os(errno, "remove " + entry);
        }
    }
    if (::unlinkat(pool.get(), name.c_str(), AT_REMOVEDIR) != 0) return fail_os(errno, "remove the folder " + name);
    return {};
}

/// In use is not a failure: it is done by a later sweep.
Status unless_in_use(Status status) {
    if (!status && status.error().code == ErrorCode::conflict) return {};
    return status;
}

/// A name for something on its way out which nothing else has.
Result<std::string> free_dropping_name(const posix::Fd& parent, const std::string& name) {
    for (unsigned i = 0; i < 10000; ++i) {
        std::string candidate = std::string(names::dropping_prefix) + name + (i == 0 ? "" : "-" + std::to_string(i));
        struct stat seen {};
        if (::fstatat(parent.get(), candidate.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
            return candidate;
    }
    return fail(ErrorCode::unavailable,
                "too many leftovers of " + name + ": delete " + names::dropping_prefix + name + "* by hand");
}

}  // namespace

Result<std::optional<DatasetFolder>> DatasetFolder::open(const posix::Fd& pool, const model::DatasetId& id) {
    if (!model::is_uuid(id.value)) return fail(ErrorCode::invalid_argument, "not a dataset id: " + id.value);
    for (;;) {
        posix::Fd folder = open_folder(pool, id.value);
        if (!folder && errno == ENOENT) return std::nullopt;
        if (!folder) return fail_os(errno, "open the folder of dataset " + id.value);
        FLOCKER_TRY(const bool current, lock(pool, id.value, folder));
        if (current) return DatasetFolder(std::move(folder), id);
    }
}

Result<std::optional<DatasetFolder>> DatasetFolder::peek(const posix::Fd& pool, const model::DatasetId& id) {
    if (!model::is_uuid(id.value)) return fail(ErrorCode::invalid_argument, "not a dataset id: " + id.value);
    posix::Fd folder = open_folder(pool, id.value);
    if (!folder && errno == ENOENT) return std::nullopt;
    if (!folder) return fail_os(errno, "open the folder of dataset " + id.value);
    return DatasetFolder(std::move(folder), id);
}

Result<DatasetFolder> DatasetFolder::open_or_make(const posix::Fd& pool, const model::DatasetId& id) {
    for (;;) {
        FLOCKER_TRY(auto folder, open(pool, id));
        if (folder) return std::move(*folder);
        if (::mkdirat(pool.get(), id.value.c_str(), 0700) != 0 && errno != EEXIST) {
            return fail_os(errno, "create the folder of dataset " + id.value);
        }
    }
}

bool Contents::has(const model::SnapshotId& id) const {
    return std::binary_search(snapshots.begin(), snapshots.end(), id);
}

std::string aside_name(const model::SnapshotId& id) { return names::aside_prefix + model::to_text(id); }

std::optional<model::SnapshotId> parse_aside_name(std::string_view name) {
    const std::string_view prefix = names::aside_prefix;
    if (!name.starts_with(prefix)) return std::nullopt;
    return model::parse_snapshot_id(name.substr(prefix.size()));
}

Result<Contents> look_into(const DatasetFolder& folder) {
    Contents contents;
    FLOCKER_TRY(const auto inside, names_in(folder.fd()));
    for (const std::string& name : inside) {
        if (name == names::live) contents.live = true;
        if (name == names::trial) contents.trial = true;
        if (name.starts_with(names::incoming_prefix) || name.starts_with(names::reading_prefix) ||
            name.starts_with(names::dropping_prefix)) {
            contents.leftovers.push_back(name);
        }
        if (is_part(name)) contents.parts.push_back(name);
        if (const auto snapshot = model::parse_snapshot_id(name)) contents.snapshots.push_back(*snapshot);
        if (const auto aside = parse_aside_name(name)) contents.set_aside.push_back(*aside);
    }
    std::sort(contents.snapshots.begin(), contents.snapshots.end());
    std::sort(contents.set_aside.begin(), contents.set_aside.end());
    auto marker = load_marker(folder.fd());
    const std::string path = folder.id().value + "/" + names::marker;
    if (!marker) return fail_in(path, std::move(marker).error());
    if (!*marker && contents.has_data())
        return fail(ErrorCode::corrupt, path + ": missing, though there is data: put it back");
    contents.marker = marker->value_or(Marker{});
    if (!contents.live) contents.marker.seal.reset();
    if (!contents.trial) contents.marker.trial.reset();
    return contents;
}

bool is_part(std::string_view name) { return name == names::partial || name.starts_with(names::partial_prefix); }

Result<bool> clear_leftovers(const DatasetFolder& folder, const Contents& contents) {
    bool all_gone = true;
    for (const std::string& name : contents.leftovers) {
        const Status removed = remove_leftover(folder.fd(), name);
        if (!removed && removed.error().code != ErrorCode::conflict) return tl::unexpected(removed.error());
        all_gone = all_gone && removed;
    }
    FLOCKER_TRY(const bool part_stays, sweep_partial(folder, contents));
    return all_gone && !part_stays;
}

Result<bool> sweep(const posix::Fd& pool, const DatasetFolder& folder) {
    FLOCKER_TRY(const Contents contents, look_into(folder));
    FLOCKER_TRY(const bool all_gone, clear_leftovers(folder, contents));
    if (contents.has_data() || !all_gone) return true;
    if (::unlinkat(folder.fd().get(), names::marker, 0) != 0 && errno != ENOENT)
        return fail_os(errno, "remove a marker");
    if (::unlinkat(pool.get(), folder.id().value.c_str(), AT_REMOVEDIR) != 0) {
        // A stranger's file is in there: not ours to remove.
        if (errno == ENOTEMPTY) return true;
        return fail_os(errno, "remove the folder of dataset " + folder.id().value);
    }
    return false;
}

Status sweep_pool(const posix::Fd& pool) {
    FLOCKER_TRY(const auto inside, names_in(pool));
    for (const std::string& name : inside) {
        if (name.starts_with(names::dropping_prefix)) FLOCKER_CHECK_OK(unless_in_use(remove_folder(pool, name)));
    }
    return {};
}

Status drop(const DatasetFolder& folder, const std::string& name) {
    FLOCKER_TRY(const std::string away, free_dropping_name(folder.fd(), name));
    if (::renameat(folder.fd().get(), name.c_str(), folder.fd().get(), away.c_str()) != 0) {
        if (errno == ENOENT) return {};
        return fail_os(errno, "rename " + name);
    }
    return unless_in_use(remove_unless_mounted(folder.fd(), away));
}

Status drop_all(const posix::Fd& pool, const DatasetFolder& folder) {
    FLOCKER_TRY(const std::string away, free_dropping_name(pool, folder.id().value));
    if (::renameat(pool.get(), folder.id().value.c_str(), pool.get(), away.c_str()) != 0) {
        return fail_os(errno, "rename the folder of dataset " + folder.id().value);
    }
    return unless_in_use(remove_folder(pool, away));
}

Result<std::vector<std::string>> names_in(const posix::Fd& folder) {
    const int copy = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR* list = copy < 0 ? nullptr : ::fdopendir(copy);
    if (list == nullptr) {
        const int error_number = errno;
        if (copy >= 0) ::close(copy);
        return fail_os(error_number, "list a folder");
    }
    std::vector<std::string> found;
    errno = 0;
    while (const dirent* entry = ::readdir(list)) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") found.push_back(name);
        errno = 0;
    }
    const int error_number = errno;
    ::closedir(list);
    if (error_number != 0) return fail_os(error_number, "list a folder");
    return found;
}

bool try_lock(const posix::Fd& subvolume) {
    return ::flock(subvolume.get(), LOCK_EX | LOCK_NB) == 0;
}

}  // namespace flocker::btrfs
