// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/change_finder.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>

#include "adapters/btrfs/dataset_folder.hpp"
#include "adapters/btrfs/os_error.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {
namespace {

/// nullopt: there is no live copy.
Result<std::optional<SubvolumeFacts>> live_facts(const posix::Fd& pool, const model::DatasetId& id) {
    FLOCKER_TRY(const auto live, open_subvolume(pool, id.value + "/" + model::names::live));
    if (!live) return std::nullopt;
    FLOCKER_TRY(const SubvolumeFacts facts, facts_of(*live));
    return facts;
}

/// nullopt: there is none.
Result<std::optional<SubvolumeFacts>> newest_snapshot(const posix::Fd& pool, const model::DatasetId& id) {
    const posix::Fd folder(::openat(pool.get(), id.value.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return fail_os(errno, "open the folder of dataset " + id.value);
    FLOCKER_TRY(const auto inside, names_in(folder));
    std::optional<model::SnapshotId> newest;
    for (const std::string& name : inside) newest = std::max(newest, model::parse_snapshot_id(name));
    if (!newest) return std::nullopt;
    FLOCKER_TRY(const posix::Fd snapshot, need_subvolume(folder, model::to_text(*newest)));
    FLOCKER_TRY(const SubvolumeFacts facts, facts_of(snapshot));
    return facts;
}

}  // namespace

bool differs(const SubvolumeFacts& live, const SubvolumeFacts& snapshot) {
    const std::uint64_t last_change = std::max(live.generation, live.content_generation);
    // A snapshot is taken while a transaction is committed, when nobody can join it any more: what
    // comes later belongs to a higher one.
    if (snapshot.parent_uuid == live.uuid) return last_change > snapshot.created_generation;
    if (live.parent_uuid == snapshot.uuid) return last_change > live.created_generation;
    return true;
}

ChangeFinder::Look ChangeFinder::look_at(const posix::Fd& pool, const model::DatasetId& id) {
    const auto live = live_facts(pool, id);
    const std::lock_guard lock(mutex_);
    if (live && !*live) {
        known_.erase(id);
        return Look::absent;
    }
    if (!live) return Look::changed;
    if (const auto known = known_.find(id); known != known_.end() && !differs(**live, known->second)) {
        return Look::unchanged;
    }
    const auto newest = newest_snapshot(pool, id);
    if (!newest || !*newest) return Look::changed;
    known_[id] = **newest;
    return differs(**live, **newest) ? Look::changed : Look::unchanged;
}

Result<std::set<model::DatasetId>> ChangeFinder::find(const posix::Fd& pool,
                                                      const std::vector<model::DatasetId>& datasets, PoolSync& sync) {
    std::set<model::DatasetId> changed;
    bool synced = false;
    for (const model::DatasetId& id : datasets) {
        if (!model::is_uuid(id.value)) continue;
        Look look = look_at(pool, id);
        if (look == Look::unchanged && !synced) {
            // What is only in the page cache does not show. Whatever is looked at after the sync needs no
            // second look.
            FLOCKER_CHECK_OK(sync.run(pool));
            synced = true;
            look = look_at(pool, id);
        }
        if (look == Look::changed) changed.insert(id);
    }
    return changed;
}

}  // namespace flocker::btrfs
