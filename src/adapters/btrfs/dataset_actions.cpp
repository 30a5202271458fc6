// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/dataset_actions.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "adapters/btrfs/change_finder.hpp"
#include "adapters/btrfs/os_error.hpp"
#include "adapters/btrfs/subvolume.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {
namespace {

namespace names = model::names;

std::string text(const model::Epoch& epoch) {
    return "epoch " + std::to_string(epoch.value);
}
std::string text(const model::MoveId& move) {
    return "move " + std::to_string(move.value);
}

/// What is nested is in no snapshot and no stream: it would be lost on the way, silently.
Status refuse_nested(const posix::Fd& live) {
    FLOCKER_TRY(const bool nested, has_nested(live));
    if (!nested) return {};
    return fail(ErrorCode::conflict,
                "a subvolume was made inside the volume, and snapshots do not hold it: replace it with a plain folder");
}

}  // namespace

Result<posix::Fd> DatasetActions::need_live() const {
    if (!contents.live) return fail(ErrorCode::not_found, "this node has no live copy");
    return need_subvolume(folder.fd(), names::live);
}

Status DatasetActions::operator()(const model::CreateDataset& action) {
    const bool same_owner = contents.live && contents.marker.epoch == action.epoch;
    const bool done = same_owner && contents.snapshots.empty() && !contents.marker.seal;
    if (done) return {};
    FLOCKER_TRY(const bool all_gone, clear_leftovers(folder, contents));
    if (!contents.set_aside.empty()) {
        return fail(ErrorCode::already_exists,
                    "is on this node: a former owner's data was set aside; destroy the dataset first");
    }
    if (contents.has_data() || !all_gone) return fail(ErrorCode::already_exists, "is on this node already");
    // The marker first: data without a marker is corrupt, a marker without data is half made.
    contents.marker = Marker{action.epoch, {}, {}, {}, {}};
    FLOCKER_CHECK_OK(save());
    // Under a leftover's name until its mode is right.
    const std::string fresh = std::string(names::dropping_prefix) + names::live;
    FLOCKER_CHECK_OK(create_subvolume(folder.fd(), fresh));
    {
        FLOCKER_TRY(const posix::Fd live, need_subvolume(folder.fd(), fresh));
        if (::fchmod(live.get(), 0777) != 0) return fail_os(errno, "open the volume to its application");
    }
    FLOCKER_CHECK_OK(rename_subvolume(folder.fd(), fresh, names::live));
    return commit(folder.fd());
}

Status DatasetActions::operator()(const model::MountDataset&) {
    if (!contents.live && !contents.trial)
        return fail(ErrorCode::not_found, "nothing to mount: no live copy and no trial");
    FLOCKER_TRY(const posix::Fd subvolume, need_subvolume(folder.fd(), contents.live ? names::live : names::trial));
    FLOCKER_TRY(const SubvolumeFacts facts, facts_of(subvolume));
    // A seal or an unseal that did not come to its end left it so.
    if (contents.live && facts.read_only && !contents.marker.seal) FLOCKER_CHECK_OK(set_writable(subvolume));
    return mounts.mount(folder.id().value, subvolume);
}

Status DatasetActions::freeze(const posix::Fd& live, const model::SnapshotId& id) const {
    if (!contents.snapshots.empty() && id < contents.snapshots.back()) {
        return fail(ErrorCode::conflict, "snapshot " + model::to_text(id) + " is older than " +
                                             model::to_text(contents.snapshots.back()) +
                                             ", which is here: use a new id");
    }
    return take_snapshot(live, folder.fd(), model::to_text(id));
}

Status DatasetActions::operator()(const model::TakeSnapshot& action) {
    if (contents.has(action.snapshot)) return {};
    FLOCKER_TRY(const posix::Fd live, need_live());
    FLOCKER_CHECK_OK(refuse_nested(live));
    return freeze(live, action.snapshot);
}

Status DatasetActions::operator()(const model::SealDataset& action) {
    FLOCKER_TRY(const posix::Fd live, need_live());
    const model::Seal seal{action.move, action.snapshot, action.told};
    // One seal a move: a second order for it, with whatever id, finds it done.
    if (contents.marker.seal && contents.marker.seal->move == action.move &&
        contents.has(contents.marker.seal->snapshot)) {
        return {};
    }
    FLOCKER_CHECK_OK(mounts.unmount(folder.id().value));
    FLOCKER_CHECK_OK(refuse_nested(live));
    // Read-only, nobody can begin to write; but who has a file open goes on. So first this, then whoever
    // still writes is waited for, and only then the snapshot that is to be equal.
    FLOCKER_TRY(SubvolumeFacts facts, facts_of(live));
    if (!facts.read_only) FLOCKER_CHECK_OK(set_read_only(live));
    FLOCKER_CHECK_OK(mounts.await_no_writer(folder.id().value, live));
    if (contents.has(action.snapshot)) {
        // From an earlier try, or somebody else's by that name.
        FLOCKER_CHECK_OK(sync.run(pool));
        FLOCKER_TRY(const posix::Fd snapshot, need_subvolume(folder.fd(), model::to_text(action.snapshot)));
        FLOCKER_TRY(const SubvolumeFacts taken, facts_of(snapshot));
        FLOCKER_TRY(facts, facts_of(live));
        if (differs(facts, taken) || action.snapshot != contents.snapshots.back()) {
            return fail(ErrorCode::conflict,
                        "snapshot " + model::to_text(action.snapshot) + " is not the last state: use a new id");
        }
    } else {
        FLOCKER_CHECK_OK(freeze(live, action.snapshot));
    }
    // The seal last: it says that all the rest holds. The snapshot's commit and the marker's fsync
    // have made each of them durable, so nobody else's dirty pages are waited for.
    contents.marker.seal = seal;
    return save();
}

Status DatasetActions::operator()(const model::UnsealDataset& action) {
    FLOCKER_TRY(const posix::Fd live, need_live());
    if (contents.marker.epoch != action.epoch) {
        return fail(ErrorCode::conflict,
                    "is owned at " + text(contents.marker.epoch) + " and not at " + text(action.epoch));
    }
    // The seal goes before the protection: a marker must never call sealed what can be written.
    if (contents.marker.seal) {
        contents.marker.seal.reset();
        FLOCKER_CHECK_OK(save());
    }
    FLOCKER_TRY(const SubvolumeFacts facts, facts_of(live));
    return facts.read_only ? set_writable(live) : Status{};
}

Status DatasetActions::discard_trial() const {
    if (!contents.trial) return {};
    {
        FLOCKER_TRY(const posix::Fd trial, need_subvolume(folder.fd(), names::trial));
        FLOCKER_CHECK_OK(mounts.unmount(folder.id().value));
        FLOCKER_CHECK_OK(mounts.await_no_writer(folder.id().value, trial));
    }
    return drop(folder, names::trial);
}

Status DatasetActions::operator()(const model::StartTrial& action) {
    if (contents.live) return fail(ErrorCode::conflict, "this node has the live copy: no trial beside it");
    const model::Trial trial{action.move, action.from};
    if (contents.trial && contents.marker.trial == trial) return {};
    if (!contents.has(action.from))
        return fail(ErrorCode::not_found, "snapshot " + model::to_text(action.from) + " is not here");
    FLOCKER_TRY(const posix::Fd from, need_subvolume(folder.fd(), model::to_text(action.from)));
    // Old copy away, then the marker, then the new copy: a trial subvolume is never of another move
    // than the marker says.
    FLOCKER_CHECK_OK(discard_trial());
    contents.marker.trial = trial;
    contents.marker.maximum_size.reset();
    FLOCKER_CHECK_OK(save());
    return make_copy(from, folder.fd(), names::trial);
}

Status DatasetActions::operator()(const model::SyncTrial&) {
    if (!contents.trial && !contents.live) return fail(ErrorCode::not_found, "there is no trial");
    FLOCKER_TRY(const posix::Fd copy, need_subvolume(folder.fd(), contents.live ? names::live : names::trial));
    // A snapshot flushes its source and commits. syncfs would do as well, but wait for the dirty
    // pages of everybody on the pool, with clients held meanwhile.
    const std::string probe = std::string(names::dropping_prefix) + "sync";
    FLOCKER_TRY(const bool all_gone, clear_leftovers(folder, contents));
    static_cast<void>(all_gone);
    FLOCKER_CHECK_OK(take_snapshot(copy, folder.fd(), probe));
    return remove_subvolume(folder.fd(), probe);
}

Status DatasetActions::operator()(const model::AdoptTrial& action) {
    Marker& marker = contents.marker;
    if (contents.live) {
        if (marker.epoch == action.epoch) return {};
        return fail(ErrorCode::conflict, "this node has a live copy at " + text(marker.epoch));
    }
    if (!contents.trial || !marker.trial)
        return fail(ErrorCode::not_found, "there is no trial of " + text(action.move));
    if (marker.trial->move != action.move) {
        return fail(ErrorCode::conflict,
                    "the trial is of " + text(marker.trial->move) + " and not of " + text(action.move));
    }
    if (action.epoch < marker.epoch) {
        return fail(ErrorCode::conflict, "knows " + text(marker.epoch) + ", which is newer than " + text(action.epoch));
    }
    // The marker before the name: a live subvolume must never stand beside an epoch that is not its
    // own. The marker's trial stays and means nothing any more once the subvolume is live.
    marker.epoch = action.epoch;
    marker.acknowledged = {{action.source, marker.trial->from}};
    FLOCKER_CHECK_OK(save());
    FLOCKER_CHECK_OK(rename_subvolume(folder.fd(), names::trial, names::live));
    return commit(folder.fd());
}

Status DatasetActions::operator()(const model::DiscardTrial&) {
    FLOCKER_CHECK_OK(discard_trial());
    if (!contents.marker.trial) return {};
    contents.marker.trial.reset();
    return save();
}

/// After a sync, of a live copy that nobody can write.
Result<bool> DatasetActions::is_last_state(const posix::Fd& live, const model::SnapshotId& id) const {
    FLOCKER_TRY(const posix::Fd snapshot, need_subvolume(folder.fd(), model::to_text(id)));
    FLOCKER_TRY(const SubvolumeFacts taken, facts_of(snapshot));
    FLOCKER_TRY(const SubvolumeFacts facts, facts_of(live));
    return !differs(facts, taken);
}

/// Above every number that this owner is known to have used, here or elsewhere.
model::SnapshotId DatasetActions::id_for_aside(const std::optional<model::SnapshotId>& began_from) const {
    model::SnapshotId id{contents.marker.epoch, 1};
    const auto stay_above = [&](const model::SnapshotId& used) {
        if (used.epoch == id.epoch && used.sequence >= id.sequence) id.sequence = used.sequence + 1;
    };
    for (const model::SnapshotId& used : contents.snapshots) stay_above(used);
    for (const model::SnapshotId& used : contents.set_aside) stay_above(used);
    for (const auto& [node, used] : contents.marker.acknowledged) stay_above(used);
    if (began_from) stay_above(*began_from);
    return id;
}

Status DatasetActions::let_live_go(const std::optional<model::SnapshotId>& began_from) const {
    FLOCKER_TRY(const posix::Fd live, need_live());
    FLOCKER_CHECK_OK(mounts.unmount(folder.id().value));
    std::optional<model::SnapshotId> last;  ///< The snapshot that is equal to it.
    const auto& seal = contents.marker.seal;
    if (seal && contents.has(seal->snapshot)) {
        last = seal->snapshot;
    } else {
        FLOCKER_TRY(const SubvolumeFacts facts, facts_of(live));
        if (!facts.read_only) FLOCKER_CHECK_OK(set_read_only(live));
        FLOCKER_CHECK_OK(mounts.await_no_writer(folder.id().value, live));
        // Not only to see whether it differs: what is set aside must be on the disk.
        FLOCKER_CHECK_OK(sync.run(pool));
        if (!contents.snapshots.empty()) {
            FLOCKER_TRY(const bool same, is_last_state(live, contents.snapshots.back()));
            if (same) last = contents.snapshots.back();
        }
    }
    // While the live copy is here, this is done again after a crash; once it is gone, nobody would.
    for (const model::SnapshotId& id : contents.snapshots) {
        if (began_from && id > *began_from) FLOCKER_CHECK_OK(drop(folder, model::to_text(id)));
    }
    const bool others_have_it = last && last == began_from.value_or(*last);
    if (others_have_it) return drop(folder, names::live);
    // One rename: at no instant is it neither here nor there, and done again it is not kept twice.
    return rename_subvolume(folder.fd(), names::live, aside_name(id_for_aside(began_from)));
}

Status DatasetActions::set_diverged_aside(const model::SnapshotId& began_from, const model::Epoch& epoch) const {
    std::vector<model::SnapshotId> beyond;
    for (const model::SnapshotId& id : contents.snapshots) {
        if (id > began_from && id.epoch < epoch) beyond.push_back(id);
    }
    if (beyond.empty()) return {};
    // The newest has what is in the others. It goes last: as long as it is here, this is done again.
    for (std::size_t i = 0; i + 1 < beyond.size(); ++i) FLOCKER_CHECK_OK(drop(folder, model::to_text(beyond[i])));
    FLOCKER_CHECK_OK(rename_subvolume(folder.fd(), model::to_text(beyond.back()), aside_name(beyond.back())));
    return commit(folder.fd());
}

Status DatasetActions::operator()(const model::DemoteDataset& action) {
    Marker& marker = contents.marker;
    if (contents.live && action.epoch <= marker.epoch) {
        return fail(ErrorCode::conflict,
                    "is owned here at " + text(marker.epoch) + ": " + text(action.epoch) + " can't take it away");
    }
    if (contents.live) {
        FLOCKER_CHECK_OK(let_live_go(action.began_from));
    } else if (action.began_from) {
        FLOCKER_CHECK_OK(set_diverged_aside(*action.began_from, action.epoch));
    }
    if (!contents.live && action.epoch <= marker.epoch) return {};
    // The epoch last: a live subvolume beside the new epoch would look like its owner's.
    marker.epoch = action.epoch;
    marker.seal.reset();
    marker.acknowledged.clear();
    marker.maximum_size.reset();
    FLOCKER_CHECK_OK(save());
    return commit(folder.fd());
}

Status DatasetActions::operator()(const model::DropSnapshots& action) {
    const auto wanted = [&](const model::SnapshotId& id) {
        return std::find(action.snapshots.begin(), action.snapshots.end(), id) != action.snapshots.end();
    };
    if (!contents.live && !contents.snapshots.empty() && wanted(contents.snapshots.back())) {
        return fail(ErrorCode::conflict,
                    "snapshot " + model::to_text(contents.snapshots.back()) + " is the newest and stays");
    }
    if (contents.marker.seal && wanted(contents.marker.seal->snapshot)) {
        return fail(ErrorCode::conflict,
                    "snapshot " + model::to_text(contents.marker.seal->snapshot) + " is what was sealed and stays");
    }
    for (const model::SnapshotId& id : contents.snapshots) {
        if (wanted(id)) FLOCKER_CHECK_OK(drop(folder, model::to_text(id)));
    }
    // Those that were being sent when they were dropped.
    FLOCKER_TRY(const bool all_gone, clear_leftovers(folder, contents));
    static_cast<void>(all_gone);
    return {};
}

Status DatasetActions::operator()(const model::DropAside& action) {
    for (const model::SnapshotId& id : contents.set_aside) {
        const auto& wanted = action.set_aside;
        if (std::find(wanted.begin(), wanted.end(), id) == wanted.end()) continue;
        FLOCKER_CHECK_OK(drop(folder, aside_name(id)));
    }
    return {};
}

Status DatasetActions::operator()(const model::LimitDataset& action) {
    if (!contents.live && !contents.trial)
        return fail(ErrorCode::not_found, "nothing to limit: no live copy and no trial");
    FLOCKER_TRY(const posix::Fd copy, need_subvolume(folder.fd(), contents.live ? names::live : names::trial));
    // What the marker says is put in force whenever it is found not to be; that nothing is in force, never. So it
    // says a size first, and that there is none last.
    const auto note = [&] {
        if (contents.marker.maximum_size == action.maximum) return Status{};
        contents.marker.maximum_size = action.maximum;
        return save();
    };
    if (action.maximum) FLOCKER_CHECK_OK(note());
    const auto haste = contents.live ? SizeLimits::Haste::none : SizeLimits::Haste::clients_wait;
    FLOCKER_CHECK_OK(limits.set(folder.id(), copy, action.maximum, haste));
    return note();
}

Status DatasetActions::operator()(const model::NoteAcknowledged& action) {
    const auto known = contents.marker.acknowledged.find(action.node);
    if (known != contents.marker.acknowledged.end() && known->second == action.snapshot) return {};
    contents.marker.acknowledged[action.node] = action.snapshot;
    return save();
}

Status DatasetActions::operator()(const model::ReleaseReplica&) {
    if (contents.live || contents.trial) {
        return fail(ErrorCode::conflict, std::string("this node has ") + (contents.live ? "the live copy" : "a trial") +
                                             ": it is not a replica to let go");
    }
    FLOCKER_CHECK_OK(mounts.forget(folder.id().value));
    if (contents.set_aside.empty()) return drop_all(pool, folder);
    for (const model::SnapshotId& id : contents.snapshots) FLOCKER_CHECK_OK(drop(folder, model::to_text(id)));
    FLOCKER_TRY(const bool all_gone, clear_leftovers(folder, contents));
    static_cast<void>(all_gone);
    return {};
}

Status DatasetActions::operator()(const model::DestroyDataset&) {
    return fail(ErrorCode::internal, "a destroy came the wrong way");
}

}  // namespace flocker::btrfs
