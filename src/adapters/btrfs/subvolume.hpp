// SPDX-License-Identifier: Apache-2.0
//
// Subvolumes by the folder that they lie in and their name there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "adapters/btrfs/uuid.hpp"
#include "adapters/posix/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::btrfs {

/// What btrfs keeps of a subvolume.
struct SubvolumeFacts {
    std::uint64_t id{0};
    /// The transaction in which its content last changed, as of the last commit of the file system.
    std::uint64_t generation{0};
    std::uint64_t created_generation{0};  ///< The transaction that made it; of a snapshot: that froze its source.
    /// The transaction in which something inside was last changed (btrfs' ctransid); told at once, but
    /// not of what is only in the page cache.
    std::uint64_t content_generation{0};
    Uuid uuid{};
    Uuid parent_uuid{};    ///< Of the subvolume that it is a snapshot of.
    Uuid received_uuid{};  ///< Of the snapshot that it is a received copy of.
    bool read_only{false};
    Instant taken;  ///< When it was made; of a received one: when its original was made.
    Instant written;  ///< When something inside was last changed, but for what is only in the page cache.
};

/// nullopt: there is nothing of that name. Errors: conflict (it is not a subvolume), unavailable.
[[nodiscard]] Result<std::optional<posix::Fd>> open_subvolume(const posix::Fd& folder, const std::string& name);
/// The same, and not_found if it is not there.
[[nodiscard]] Result<posix::Fd> need_subvolume(const posix::Fd& folder, const std::string& name);
[[nodiscard]] Result<SubvolumeFacts> facts_of(const posix::Fd& subvolume);

[[nodiscard]] Status create_subvolume(const posix::Fd& folder, const std::string& name);
/// All that was written to the source before is in it, and on the disk. Flushes the source, and
/// nothing else of the pool.
[[nodiscard]] Status take_snapshot(const posix::Fd& source, const posix::Fd& folder, const std::string& name);
/// The same, but writable.
[[nodiscard]] Status make_copy(const posix::Fd& source, const posix::Fd& folder, const std::string& name);
[[nodiscard]] Status set_read_only(const posix::Fd& subvolume);
[[nodiscard]] Status set_writable(const posix::Fd& subvolume);
/// Notes whose copy it is; while it is writable.
[[nodiscard]] Status set_received(const posix::Fd& subvolume, const Uuid& original, std::uint64_t content_generation,
                                  Instant taken);

/// Deletes it and what is nested in it. Not atomic if something is. conflict if it is being sent.
[[nodiscard]] Status remove_subvolume(const posix::Fd& folder, const std::string& name);
/// Under another name in the same folder. Works while it is mounted; the mounts follow.
[[nodiscard]] Status rename_subvolume(const posix::Fd& folder, const std::string& name, const std::string& to);
/// Whether another subvolume lies inside. Snapshots and streams do not hold what is in there.
[[nodiscard]] Result<bool> has_nested(const posix::Fd& subvolume);

/// Waits until every change of folders and subvolumes made before survives a power loss. Does not
/// wait for file content.
[[nodiscard]] Status commit(const posix::Fd& anything_on_the_pool);
struct ContentSum {
    std::uint64_t inodes{0};
    std::uint64_t bytes{0};  ///< File content; holes are none.
};
/// Over all inodes of the subvolume.
[[nodiscard]] Result<ContentSum> content_of(const posix::Fd& subvolume);

}  // namespace flocker::btrfs
