// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::ports {

struct Capacity {
    Bytes size;
    Bytes free;
};

/// The datasets on this node's pool. One implementation a file system and one in the simulator; all
/// pass tests/contract/dataset_store_contract.hpp.
///
/// Threads:   call on the loop thread; no call blocks it.
/// Repeating: see model/action.hpp; an action done again succeeds and changes nothing.
/// Crashing:  once `done` saw success, the effect survives the death of the process; that of
///            CreateDataset, SealDataset, AdoptTrial, SyncTrial and DemoteDataset a power loss as well.
/// Actions on one dataset are never overlapped by the caller; on different ones they may be.
class DatasetStore {
public:
    virtual ~DatasetStore() = default;
    /// Everything of ours that lies on the pool. Also removes what a crash left half made.
    virtual void observe(Done<std::vector<model::DatasetSeen>> done) = 0;
    /// One dataset as it is now; nullopt: there is none.
    virtual void observe_one(const model::DatasetId& dataset, Done<std::optional<model::DatasetSeen>> done) = 0;
    /// Which of these may have been written since their newest snapshot. One look for all of them, cheap
    /// enough for a thousand that nobody writes.
    virtual void find_changed(const std::vector<model::DatasetId>& datasets, Done<std::set<model::DatasetId>> done) = 0;
    /// What the dataset looks like afterwards; nullopt: it is gone.
    /// Errors: not_found, already_exists, conflict (a rule of the action's comment is broken),
    /// unavailable (no room, read-only pool), corrupt (marker).
    virtual void perform(const model::DatasetAction& action, Done<std::optional<model::DatasetSeen>> done) = 0;
    virtual void capacity(Done<Capacity> done) = 0;
};

}  // namespace flocker::ports
