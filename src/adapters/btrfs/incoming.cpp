// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/incoming.hpp"

#include <fcntl.h>

#include <cerrno>
#include <chrono>

#include "adapters/btrfs/os_error.hpp"
#include "adapters/btrfs/subvolume.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {
namespace {

namespace names = model::names;

std::string name_of(const Arrival& arrival) {
    return names::incoming_prefix + model::to_text(arrival.to);
}

bool is_of(const Partial& partial, const Arrival& arrival) {
    return partial.epoch == arrival.epoch && partial.base == arrival.base && partial.to == arrival.to;
}

Status admit(const Contents& contents, const Arrival& arrival) {
    if (contents.live) return fail(ErrorCode::conflict, "this node has the live copy and takes no snapshots");
    if (arrival.epoch < contents.marker.epoch) {
        return fail(ErrorCode::conflict, "a snapshot of epoch " + std::to_string(arrival.epoch.value) +
                                             " was sent, and epoch " + std::to_string(contents.marker.epoch.value) +
                                             " is known here");
    }
    return {};
}

tl::unexpected<Error> removed_meanwhile() {
    return fail(ErrorCode::conflict, "was removed while a snapshot of it was received");
}

}  // namespace

Status Incoming::find_base(const DatasetFolder& folder, const Contents& contents) {
    if (!arrival_.base) return {};
    const std::string base = model::to_text(*arrival_.base);
    if (!contents.has(*arrival_.base)) return fail(ErrorCode::conflict, "the base " + base + " is not here");
    FLOCKER_TRY(base_, need_subvolume(folder.fd(), base));
    // The base was received here, or it was sent from here once and comes back as a base.
    FLOCKER_TRY(const SubvolumeFacts facts, facts_of(base_));
    if (facts.uuid != origin_.base && facts.received_uuid != origin_.base) {
        return fail(ErrorCode::conflict, "the base " + base + " is another one here than at the sender");
    }
    base_identity_ = facts.uuid;
    return {};
}

Status Incoming::make_subvolume(const posix::Fd& pool, const DatasetFolder& folder, const posix::Fd* beginning) {
    const std::string name = name_of(arrival_);
    FLOCKER_TRY(const auto other, open_subvolume(folder.fd(), name));
    if (other)
        return fail(ErrorCode::conflict, "snapshot " + model::to_text(arrival_.to) + " is being received already");
    if (beginning != nullptr) {
        FLOCKER_CHECK_OK(make_copy(*beginning, folder.fd(), name));
    } else {
        FLOCKER_CHECK_OK(create_subvolume(folder.fd(), name));
    }
    FLOCKER_TRY(root_, need_subvolume(folder.fd(), name));
    if (!try_lock(root_)) return fail(ErrorCode::internal, "an incoming snapshot is locked by another");
    FLOCKER_TRY(const SubvolumeFacts facts, facts_of(root_));
    identity_ = facts.uuid;
    pool_ = &pool;
    return {};
}

Result<std::optional<Incoming>> Incoming::make(const posix::Fd& pool, const Arrival& arrival,
                                               const stream::Command& begin, Instant taken) {
    const auto* whole = std::get_if<stream::Begin>(&begin);
    const auto* increment = std::get_if<stream::BeginFrom>(&begin);
    if (arrival.base ? increment == nullptr : whole == nullptr) {
        return fail(ErrorCode::corrupt,
                    arrival.base ? "snapshot stream: not an increment" : "snapshot stream: not whole");
    }
    FLOCKER_TRY(const DatasetFolder folder, DatasetFolder::open_or_make(pool, arrival.dataset));
    Incoming incoming;
    incoming.arrival_ = arrival;
    incoming.origin_ = whole != nullptr ? Origin{whole->uuid, whole->generation, {}, taken}
                                        : Origin{increment->uuid, increment->generation, increment->base, taken};
    const auto prepare = [&]() -> Result<bool> {
        FLOCKER_TRY(const Contents contents, look_into(folder));
        FLOCKER_CHECK_OK(admit(contents, arrival));
        if (contents.has(arrival.to)) return false;
        FLOCKER_CHECK_OK(incoming.find_base(folder, contents));
        FLOCKER_CHECK_OK(clear_leftovers(folder, contents));
        FLOCKER_CHECK_OK(incoming.make_subvolume(pool, folder, arrival.base ? &incoming.base_ : nullptr));
        if (contents.parts.empty()) return true;
        FLOCKER_TRY(const auto partial, load_partial(folder.fd()));
        if (partial && partial->to == arrival.to) FLOCKER_CHECK_OK(drop_partial(folder));
        return true;
    };
    const auto fresh = prepare();
    if (fresh && *fresh) return incoming;
    // Only a folder that was made just now, and is empty, goes. What sweep() says does not change
    // how this ends: it is done again by the next observe().
    static_cast<void>(sweep(pool, folder));
    if (!fresh) return fail_in("dataset " + arrival.dataset.value, fresh.error());
    return std::nullopt;
}

Result<std::optional<Incoming>> Incoming::make_from_kept(const posix::Fd& pool, const Arrival& arrival,
                                                         const stream::Position& at) {
    Incoming incoming;
    incoming.arrival_ = arrival;
    const auto prepare = [&]() -> Result<bool> {
        const auto gone = [&] {
            return fail(ErrorCode::unavailable, "what was kept of snapshot " + model::to_text(arrival.to) +
                                                    " is gone: send it from the beginning");
        };
        FLOCKER_TRY(const auto folder, DatasetFolder::open(pool, arrival.dataset));
        if (!folder) return gone();
        FLOCKER_TRY(const Contents contents, look_into(*folder));
        FLOCKER_CHECK_OK(admit(contents, arrival));
        if (contents.has(arrival.to)) return false;
        FLOCKER_CHECK_OK(clear_leftovers(*folder, contents));
        FLOCKER_TRY(const auto partial, usable_partial(*folder, contents));
        if (!partial || !is_of(*partial, arrival) || partial->at != at) return gone();
        incoming.origin_ = partial->origin;
        incoming.kept_at_ = partial->at;
        incoming.kept_times_ = partial->times;
        FLOCKER_CHECK_OK(incoming.find_base(*folder, contents));
        FLOCKER_TRY(const posix::Fd part, need_subvolume(folder->fd(), partial->subvolume));
        FLOCKER_CHECK_OK(incoming.make_subvolume(pool, *folder, &part));
        return true;
    };
    const auto restored = prepare();
    if (!restored) return fail_in("dataset " + arrival.dataset.value, restored.error());
    if (!*restored) return std::nullopt;
    return incoming;
}

Incoming::~Incoming() {
    if (pool_ != nullptr && root_) remove();
}

Result<bool> Incoming::is_still_there(const DatasetFolder& folder) const {
    FLOCKER_TRY(const auto named, open_subvolume(folder.fd(), name_of(arrival_)));
    if (!named) return false;
    FLOCKER_TRY(const SubvolumeFacts facts, facts_of(*named));
    return facts.uuid == identity_;
}

void Incoming::remove() {
    // Failures are left to the next observe().
    auto folder = DatasetFolder::open(*pool_, arrival_.dataset);
    if (!folder || !*folder) return;
    const auto there = is_still_there(**folder);
    root_.reset();
    if (there && *there) static_cast<void>(remove_subvolume((*folder)->fd(), name_of(arrival_)));
    static_cast<void>(sweep(*pool_, **folder));
}

stream::Applier Incoming::applier() const {
    std::optional<stream::CloneSource> source;
    if (base_) source.emplace(stream::CloneSource{origin_.base, base_});
    stream::Applier applier(root_, origin_.uuid, source);
    if (kept_at_.bytes > 0) applier.set_root_times(kept_times_);
    return applier;
}

Status Incoming::keep(const stream::Position& at, const std::optional<stream::RootTimes>& times) {
    const Instant now{
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
    Partial partial{arrival_.epoch,
                    arrival_.base,
                    arrival_.to,
                    origin_,
                    at,
                    times,
                    partial_name(arrival_.to, at.bytes),
                    {},
                    base_identity_,
                    now};
    {
        // Without the lock: the flush may take seconds. Its name belongs to a snapshot that is being
        // received, so nobody takes it for a leftover.
        FLOCKER_TRY(const auto folder, DatasetFolder::peek(*pool_, arrival_.dataset));
        if (!folder) return removed_meanwhile();
        FLOCKER_CHECK_OK(take_snapshot(root_, folder->fd(), partial.subvolume));
    }
    auto noted = note_kept(std::move(partial));
    if (!noted) return fail_in("dataset " + arrival_.dataset.value, std::move(noted).error());
    kept_at_ = at;
    kept_times_ = times;
    return {};
}

// Each step leaves one whole part that is noted: the part is on the disk before its note, and the older
// one goes after it.
Status Incoming::note_kept(Partial partial) {
    FLOCKER_TRY(const auto folder, DatasetFolder::open(*pool_, arrival_.dataset));
    if (!folder) return removed_meanwhile();
    const auto in_order = [&]() -> Status {
        FLOCKER_TRY(const Contents contents, look_into(*folder));
        FLOCKER_CHECK_OK(admit(contents, arrival_));
        FLOCKER_TRY(const bool there, is_still_there(*folder));
        if (!there || contents.trial) return removed_meanwhile();
        FLOCKER_TRY(const posix::Fd part, need_subvolume(folder->fd(), partial.subvolume));
        FLOCKER_TRY(const SubvolumeFacts facts, facts_of(part));
        partial.identity = facts.uuid;
        FLOCKER_TRY(const auto before, load_partial(folder->fd()));
        FLOCKER_CHECK_OK(save_partial(folder->fd(), partial));
        // What of it stays is nobody's, and a sweep takes it.
        if (before && before->subvolume != partial.subvolume)
            static_cast<void>(remove_subvolume(folder->fd(), before->subvolume));
        return {};
    };
    auto kept = in_order();
    if (kept) return kept;
    const auto noted = load_partial(folder->fd());
    const bool is_noted = noted && *noted && (*noted)->subvolume == partial.subvolume;
    if (!is_noted) static_cast<void>(remove_subvolume(folder->fd(), partial.subvolume));
    return kept;
}

Status Incoming::is_expected() const {
    FLOCKER_TRY(const auto folder, DatasetFolder::open(*pool_, arrival_.dataset));
    if (folder) {
        FLOCKER_TRY(const bool there, is_still_there(*folder));
        if (there) return {};
    }
    return fail_in("dataset " + arrival_.dataset.value, removed_meanwhile().value());
}

void Incoming::forget() {
    // Failures cost one more try: the part is then refused again, or ages.
    const auto folder = DatasetFolder::open(*pool_, arrival_.dataset);
    if (!folder || !*folder) return;
    const auto partial = load_partial((*folder)->fd());
    if (partial && *partial && is_of(**partial, arrival_)) static_cast<void>(drop_partial(**folder));
}

Status Incoming::publish() {
    const auto in_order = [&]() -> Status {
        FLOCKER_TRY(const auto folder, DatasetFolder::open(*pool_, arrival_.dataset));
        if (!folder) return removed_meanwhile();
        FLOCKER_TRY(Contents contents, look_into(*folder));
        FLOCKER_CHECK_OK(admit(contents, arrival_));
        if (contents.has(arrival_.to)) return {};
        FLOCKER_CHECK_OK(set_received(root_, origin_.uuid, origin_.generation, origin_.taken));
        // The epoch before the snapshot: once it is here, no older owner's can come any more.
        if (contents.marker.epoch != arrival_.epoch || !contents.has_data()) {
            contents.marker.epoch = arrival_.epoch;
            FLOCKER_CHECK_OK(save_marker(folder->fd(), contents.marker));
        }
        // Not a rename: taking a snapshot also flushes what was written, this subvolume's and nobody
        // else's, in the commit that makes it appear. After a power loss it is whole or not there.
        FLOCKER_CHECK_OK(take_snapshot(root_, folder->fd(), model::to_text(arrival_.to)));
        // The snapshot is here, whatever becomes of this: a sweep does it again.
        if (!contents.parts.empty()) static_cast<void>(drop_partial(*folder));
        return {};
    };
    auto published = in_order();
    if (!published) return fail_in("dataset " + arrival_.dataset.value, std::move(published).error());
    return {};
}

}  // namespace flocker::btrfs
