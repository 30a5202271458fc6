// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/incoming.hpp"

#include "adapters/btrfs/subvolume.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {
namespace {

namespace names = model::names;

std::string name_of(const Arrival& arrival) {
    return names::incoming_prefix + model::to_text(arrival.to);
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

}  // namespace

Result<std::optional<Incoming>> Incoming::make(const posix::Fd& pool, const Arrival& arrival,
                                               const stream::Command& begin) {
    const auto* whole = std::get_if<stream::Begin>(&begin);
    const auto* increment = std::get_if<stream::BeginFrom>(&begin);
    if (arrival.base ? increment == nullptr : whole == nullptr) {
        return fail(ErrorCode::corrupt,
                    arrival.base ? "snapshot stream: not an increment" : "snapshot stream: not whole");
    }
    FLOCKER_TRY(const DatasetFolder folder, DatasetFolder::open_or_make(pool, arrival.dataset));
    Incoming incoming;
    incoming.arrival_ = arrival;
    incoming.original_ = whole != nullptr ? whole->uuid : increment->uuid;
    incoming.generation_ = whole != nullptr ? whole->generation : increment->generation;
    const auto prepare = [&]() -> Result<bool> {
        FLOCKER_TRY(const Contents contents, look_into(folder));
        FLOCKER_CHECK_OK(admit(contents, arrival));
        if (contents.has(arrival.to)) return false;
        if (arrival.base) {
            const std::string base = model::to_text(*arrival.base);
            if (!contents.has(*arrival.base)) return fail(ErrorCode::conflict, "the base " + base + " is not here");
            FLOCKER_TRY(incoming.base_, need_subvolume(folder.fd(), base));
            // The base was received here, or it was sent from here once and comes back as a base.
            FLOCKER_TRY(const SubvolumeFacts facts, facts_of(incoming.base_));
            if (facts.uuid != increment->base && facts.received_uuid != increment->base) {
                return fail(ErrorCode::conflict, "the base " + base + " is another one here than at the sender");
            }
            incoming.base_original_ = increment->base;
        }
        FLOCKER_CHECK_OK(clear_leftovers(folder, contents));
        FLOCKER_TRY(const auto other, open_subvolume(folder.fd(), name_of(arrival)));
        if (other)
            return fail(ErrorCode::conflict, "snapshot " + model::to_text(arrival.to) + " is being received already");
        if (arrival.base) {
            FLOCKER_CHECK_OK(make_copy(incoming.base_, folder.fd(), name_of(arrival)));
        } else {
            FLOCKER_CHECK_OK(create_subvolume(folder.fd(), name_of(arrival)));
        }
        FLOCKER_TRY(incoming.root_, need_subvolume(folder.fd(), name_of(arrival)));
        if (!try_lock(incoming.root_)) return fail(ErrorCode::internal, "an incoming snapshot is locked by another");
        FLOCKER_TRY(const SubvolumeFacts facts, facts_of(incoming.root_));
        incoming.identity_ = facts.uuid;
        incoming.pool_ = &pool;
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

Incoming::~Incoming() {
    if (pool_ != nullptr && root_) remove();
}

void Incoming::remove() {
    // Failures are left to the next observe().
    auto folder = DatasetFolder::open(*pool_, arrival_.dataset);
    if (!folder || !*folder) return;
    auto named = open_subvolume((*folder)->fd(), name_of(arrival_));
    if (named && *named) {
        const auto facts = facts_of(**named);
        named->reset();
        root_.reset();
        if (facts && facts->uuid == identity_) static_cast<void>(remove_subvolume((*folder)->fd(), name_of(arrival_)));
    }
    static_cast<void>(sweep(*pool_, **folder));
}

stream::Applier Incoming::applier() const {
    std::optional<stream::CloneSource> source;
    if (base_) source.emplace(stream::CloneSource{base_original_, base_});
    return {root_, original_, source};
}

Status Incoming::publish(Instant taken) {
    const auto in_order = [&]() -> Status {
        FLOCKER_TRY(const auto folder, DatasetFolder::open(*pool_, arrival_.dataset));
        if (!folder) return fail(ErrorCode::conflict, "was removed while a snapshot of it was received");
        FLOCKER_TRY(Contents contents, look_into(*folder));
        FLOCKER_CHECK_OK(admit(contents, arrival_));
        if (contents.has(arrival_.to)) return {};
        FLOCKER_CHECK_OK(set_received(root_, original_, generation_, taken));
        // The epoch before the snapshot: once it is here, no older owner's can come any more.
        if (contents.marker.epoch != arrival_.epoch || !contents.has_data()) {
            contents.marker.epoch = arrival_.epoch;
            FLOCKER_CHECK_OK(save_marker(folder->fd(), contents.marker));
        }
        // Not a rename: taking a snapshot also flushes what was written, this subvolume's and nobody
        // else's, in the commit that makes it appear. After a power loss it is whole or not there.
        return take_snapshot(root_, folder->fd(), model::to_text(arrival_.to));
    };
    auto published = in_order();
    if (!published) return fail_in("dataset " + arrival_.dataset.value, std::move(published).error());
    return {};
}

}  // namespace flocker::btrfs
