// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/btrfs/marker.hpp"
#include "adapters/posix/fd.hpp"
#include "base/result.hpp"
#include "model/ids.hpp"

namespace flocker::btrfs {

/// The folder of one dataset, locked against everyone else who holds one: other threads, and a
/// former life of this daemon that has not died yet. Unlocked with its owner.
class DatasetFolder {
public:
    /// nullopt: there is none.
    [[nodiscard]] static Result<std::optional<DatasetFolder>> open(const posix::Fd& pool, const model::DatasetId& id);
    /// Not locked: for a look that must not wait. What it finds may be on its way out.
    [[nodiscard]] static Result<std::optional<DatasetFolder>> peek(const posix::Fd& pool, const model::DatasetId& id);
    [[nodiscard]] static Result<DatasetFolder> open_or_make(const posix::Fd& pool, const model::DatasetId& id);

    [[nodiscard]] const posix::Fd& fd() const { return folder_; }
    [[nodiscard]] const model::DatasetId& id() const { return id_; }

private:
    DatasetFolder(posix::Fd folder, model::DatasetId id) : folder_(std::move(folder)), id_(std::move(id)) {}

    posix::Fd folder_;
    model::DatasetId id_;
};

/// What lies in a dataset's folder.
struct Contents {
    Marker marker;
    bool live{false};
    bool trial{false};
    std::vector<model::SnapshotId> snapshots;  ///< Oldest first.
    std::vector<model::SnapshotId> set_aside;  ///< Oldest first.
    std::vector<std::string> leftovers;        ///< Names with our prefixes, in use or not.
    std::vector<std::string> parts;            ///< Names of what belongs to a Partial.

    [[nodiscard]] bool has_data() const { return live || trial || !snapshots.empty() || !set_aside.empty(); }
    [[nodiscard]] bool has(const model::SnapshotId& id) const;
};

/// The name of what was set aside.
[[nodiscard]] std::string aside_name(const model::SnapshotId& id);
/// nullopt unless `name` is exactly what aside_name() gives.
[[nodiscard]] std::optional<model::SnapshotId> parse_aside_name(std::string_view name);

/// Errors: corrupt (the marker can't be read, or is missing where there is data), unavailable. The
/// marker's parts that mean nothing here (see Marker) are left out.
[[nodiscard]] Result<Contents> look_into(const DatasetFolder& folder);

/// Whether something of that name belongs to a Partial.
[[nodiscard]] bool is_part(std::string_view name);

/// Removes what a crash, or a delete that could not be ended, left in the folder. False: some of it
/// is in use and stays, be it that a cut snapshot can go on from there.
[[nodiscard]] Result<bool> clear_leftovers(const DatasetFolder& folder, const Contents& contents);
/// The same, and removes the folder if there is no data in it. False: the folder is gone.
[[nodiscard]] Result<bool> sweep(const posix::Fd& pool, const DatasetFolder& folder);
/// The same for whole folders that are on their way out.
[[nodiscard]] Status sweep_pool(const posix::Fd& pool);
/// Renames it, then deletes it, so that it is gone at once and a crash in between leaves a name that
/// sweep() knows. What is being sent now, or is mounted somewhere, is deleted by a later sweep.
[[nodiscard]] Status drop(const DatasetFolder& folder, const std::string& name);
/// Takes the whole dataset away in one step, then deletes it. The folder is of no use afterwards.
[[nodiscard]] Status drop_all(const posix::Fd& pool, const DatasetFolder& folder);

/// All names in a folder but "." and "..".
[[nodiscard]] Result<std::vector<std::string>> names_in(const posix::Fd& folder);
/// Locks a subvolume that is being received or read, for as long as the descriptor is open. False: another has.
[[nodiscard]] bool try_lock(const posix::Fd& subvolume);

}  // namespace flocker::btrfs
