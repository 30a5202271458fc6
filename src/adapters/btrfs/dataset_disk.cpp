// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/dataset_disk.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>

#include "adapters/btrfs/dataset_actions.hpp"
#include "adapters/btrfs/os_error.hpp"
#include "adapters/btrfs/partial.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {
namespace {

namespace names = model::names;

tl::unexpected<Error> about(const model::DatasetId& dataset, Error error) {
    return fail_in("dataset " + dataset.value, std::move(error));
}

/// Whether nobody goes on with a snapshot that was cut on its way here.
bool ends_what_is_received(const model::DatasetAction& action) {
    return std::holds_alternative<model::CreateDataset>(action) || std::holds_alternative<model::StartTrial>(action) ||
           std::holds_alternative<model::AdoptTrial>(action) || std::holds_alternative<model::ReleaseReplica>(action);
}

}  // namespace

DatasetDisk::DatasetDisk(Options options)
    : options_(std::move(options)), mounts_(options_.volumes, options_.patience), limits_(options_.pool, sync_, sizes_) {}

Result<std::vector<model::DatasetSeen>> DatasetDisk::observe() {
    FLOCKER_TRY(const posix::Fd pool, open_pool(options_.pool));
    FLOCKER_CHECK_OK(sweep_pool(pool));
    FLOCKER_TRY(auto inside, names_in(pool));
    std::sort(inside.begin(), inside.end());
    std::vector<model::DatasetSeen> all;
    Proof proof = Proof::wanted;
    for (const std::string& name : inside) {
        if (!model::is_uuid(name)) continue;
        const model::DatasetId id{name};
        FLOCKER_TRY(auto folder, DatasetFolder::open(pool, id));
        if (!folder) continue;
        // One dataset that can't be read fails the whole: left out, it would look as if it were not
        // here, and somebody might make it anew.
        auto there = sweep(pool, *folder);
        if (!there) return about(id, std::move(there).error());
        if (!*there) continue;
        auto seen = see(pool, *folder, proof);
        if (!seen) return about(id, std::move(seen).error());
        if (*seen) all.push_back(std::move(**seen));
    }
    return all;
}

Result<std::optional<model::DatasetSeen>> DatasetDisk::observe_one(const model::DatasetId& dataset) {
    FLOCKER_TRY(const posix::Fd pool, open_pool(options_.pool));
    FLOCKER_TRY(auto folder, DatasetFolder::open(pool, dataset));
    if (!folder) return std::nullopt;
    Proof proof = Proof::wanted;
    auto seen = see(pool, *folder, proof);
    if (!seen) return about(dataset, std::move(seen).error());
    return seen;
}

Result<std::optional<model::DatasetSeen>> DatasetDisk::perform(const model::DatasetAction& action) {
    FLOCKER_TRY(const posix::Fd pool, open_pool(options_.pool));
    auto seen = act(action, pool);
    if (!seen) return about(model::dataset_of(action), std::move(seen).error());
    return seen;
}

Result<std::optional<model::DatasetSeen>> DatasetDisk::act(const model::DatasetAction& action, const posix::Fd& pool) {
    const model::DatasetId& id = model::dataset_of(action);
    const bool creates = std::holds_alternative<model::CreateDataset>(action);
    std::optional<DatasetFolder> folder;
    if (creates) {
        FLOCKER_TRY(folder, DatasetFolder::open_or_make(pool, id));
    } else {
        FLOCKER_TRY(folder, DatasetFolder::open(pool, id));
    }
    const bool destroys = std::holds_alternative<model::DestroyDataset>(action);
    const bool releases = std::holds_alternative<model::ReleaseReplica>(action);
    if (destroys || (releases && !folder)) {
        limits_.forget(id);
        if (folder) {
            FLOCKER_CHECK_OK(destroy(pool, *folder));
        } else {
            FLOCKER_CHECK_OK(mounts_.forget(id.value));
        }
        return std::nullopt;
    }
    if (!folder) {
        // What is to go is gone.
        if (std::holds_alternative<model::DiscardTrial>(action) ||
            std::holds_alternative<model::DropSnapshots>(action) ||
            std::holds_alternative<model::DropAside>(action)) {
            return std::nullopt;
        }
        return fail(ErrorCode::not_found, "not on this node");
    }
    FLOCKER_TRY(Contents contents, look_into(*folder));
    if (ends_what_is_received(action)) FLOCKER_CHECK_OK(drop_partial(*folder));
    DatasetActions actions{pool, *folder, contents, mounts_, sync_, limits_};
    FLOCKER_CHECK_OK(std::visit(actions, action));
    if (releases && contents.set_aside.empty()) return std::nullopt;
    if (std::holds_alternative<model::DropAside>(action)) {
        // It may have been all that was here.
        FLOCKER_TRY(const bool there, sweep(pool, *folder));
        if (!there) return std::nullopt;
    }
    // These come again and again while a dataset is replicated, and "changed" asks for one more round.
    // The others come when ownership changes, and have no time to wait for everybody's dirty pages.
    const bool replicates = std::holds_alternative<model::TakeSnapshot>(action) ||
                            std::holds_alternative<model::NoteAcknowledged>(action) ||
                            std::holds_alternative<model::DropSnapshots>(action);
    Proof proof = replicates ? Proof::wanted : Proof::none;
    return see(pool, *folder, proof);
}

Status DatasetDisk::destroy(const posix::Fd& pool, const DatasetFolder& folder) {
    // By what lies there and not by the marker: a dataset whose marker is corrupt can be destroyed.
    for (const char* name : {names::live, names::trial}) {
        FLOCKER_TRY(const auto subvolume, open_subvolume(folder.fd(), name));
        if (!subvolume) continue;
        FLOCKER_CHECK_OK(mounts_.unmount(folder.id().value));
        FLOCKER_CHECK_OK(mounts_.await_no_writer(folder.id().value, *subvolume));
    }
    // Before the data: nobody would know of it afterwards.
    FLOCKER_CHECK_OK(mounts_.forget(folder.id().value));
    return drop_all(pool, folder);
}

Result<bool> DatasetDisk::changed(const posix::Fd& pool, const posix::Fd& live,
                                  const std::optional<SubvolumeFacts>& newest, Proof& proof) {
    if (!newest) return true;
    FLOCKER_TRY(SubvolumeFacts facts, facts_of(live));
    if (differs(facts, *newest) || proof == Proof::none) return true;
    // Pages that were only written to the cache, through write() or a mapping, do not show before they
    // are flushed.
    if (proof == Proof::wanted) FLOCKER_CHECK_OK(sync_.run(pool));
    proof = Proof::synced;
    FLOCKER_TRY(facts, facts_of(live));
    return differs(facts, *newest);
}

Result<std::optional<model::DatasetSeen>> DatasetDisk::see(const posix::Fd& pool, const DatasetFolder& folder,
                                                           Proof& proof) {
    FLOCKER_TRY(const Contents contents, look_into(folder));
    if (!contents.has_data()) return std::nullopt;
    model::DatasetSeen seen;
    seen.id = folder.id();
    seen.epoch = contents.marker.epoch;
    seen.live = contents.live;
    seen.seal = contents.marker.seal;
    seen.trial = contents.marker.trial;
    seen.acknowledged = contents.marker.acknowledged;
    std::optional<SubvolumeFacts> newest;
    for (const model::SnapshotId& id : contents.snapshots) {
        FLOCKER_TRY(const posix::Fd snapshot, need_subvolume(folder.fd(), model::to_text(id)));
        FLOCKER_TRY(newest, facts_of(snapshot));
        seen.snapshots.push_back({id, newest->taken});
    }
    std::string newest_copy;
    if (!contents.snapshots.empty()) newest_copy = model::to_text(contents.snapshots.back());
    if (contents.live || contents.trial) {
        newest_copy = contents.live ? names::live : names::trial;
        FLOCKER_TRY(const posix::Fd writable, need_subvolume(folder.fd(), newest_copy));
        FLOCKER_TRY(seen.mounted, mounts_.is_mounted(folder.id().value, writable));
        seen.maximum_size = contents.marker.maximum_size;
        // Also what an earlier process set.
        seen.size_trouble = limits_.watch(folder.id(), writable, seen.maximum_size);
        if (contents.live && !seen.seal) {
            FLOCKER_TRY(seen.changed, changed(pool, writable, newest, proof));
        }
    }
    if (!contents.live && !contents.trial) limits_.forget(folder.id());
    if (!newest_copy.empty()) {
        FLOCKER_TRY(const posix::Fd copy, need_subvolume(folder.fd(), newest_copy));
        FLOCKER_TRY(seen.used, sizes_.of(folder.id(), copy));
    }
    for (const model::SnapshotId& id : contents.set_aside) {
        FLOCKER_TRY(const posix::Fd aside, need_subvolume(folder.fd(), aside_name(id)));
        FLOCKER_TRY(const SubvolumeFacts facts, facts_of(aside));
        FLOCKER_TRY(const Bytes size, sizes_.of_unchanging(facts.uuid, aside));
        seen.set_aside.push_back({id, facts.written, size});
    }
    return seen;
}

Result<std::set<model::DatasetId>> DatasetDisk::find_changed(const std::vector<model::DatasetId>& datasets) {
    FLOCKER_TRY(const posix::Fd pool, open_pool(options_.pool));
    return changes_.find(pool, datasets, sync_);
}

Result<ports::Capacity> DatasetDisk::capacity() const {
    FLOCKER_TRY(const posix::Fd pool, open_pool(options_.pool));
    struct statvfs system {};
    if (::fstatvfs(pool.get(), &system) != 0) return fail_os(errno, "look at the pool " + options_.pool);
    return ports::Capacity{Bytes{system.f_blocks * system.f_frsize}, Bytes{system.f_bavail * system.f_frsize}};
}

}  // namespace flocker::btrfs
