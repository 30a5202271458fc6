// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "adapters/posix/worker_threads.hpp"
#include "ports/dataset_store.hpp"

namespace flocker::btrfs {

struct Options {
    std::string pool;       ///< Where a btrfs is mounted.
    std::string volumes;    ///< Where datasets are mounted; made, for root alone, if it is missing.
    Duration patience{2s};  ///< How long a mount in use is waited for before it is a conflict.
};

class DatasetDisk;

/// The datasets of a btrfs pool.
///
/// Sharing: the port's rules, and besides: whatever is done to one dataset waits for whatever else
///          is done to it by way of this pool, in any process.
/// Cost:    `changed` is proved by observe(), observe_one(), TakeSnapshot, NoteAcknowledged and
///          DropSnapshots: a dataset that seems unchanged costs a syncfs of the pool, shared by those
///          who ask at the same time. That is next to nothing while nobody writes to the pool, and the
///          time to write out everybody's dirty pages while somebody does. The other actions say
///          "changed" where they do not know. find_changed() costs one such sync and about 10 us of
///          processor time for each dataset that is as it was, and waits for no action.
/// Letting go: what is being sent, or is mounted somewhere to be looked at (snapshot_view.hpp), is gone from
///          the dataset at once and deleted by a later observe().
/// Owns:    nothing that runs; jobs under way outlive it and end by themselves.
class BtrfsDatasetStore final : public ports::DatasetStore {
public:
    /// `workers` outlives this.
    BtrfsDatasetStore(posix::WorkerThreads& workers, Options options);
    ~BtrfsDatasetStore() override;

    void observe(Done<std::vector<model::DatasetSeen>> done) override;
    void observe_one(const model::DatasetId& dataset, Done<std::optional<model::DatasetSeen>> done) override;
    void find_changed(const std::vector<model::DatasetId>& datasets, Done<std::set<model::DatasetId>> done) override;
    void perform(const model::DatasetAction& action, Done<std::optional<model::DatasetSeen>> done) override;
    void capacity(Done<ports::Capacity> done) override;

private:
    posix::WorkerThreads& workers_;
    std::shared_ptr<DatasetDisk> disk_;
};

}  // namespace flocker::btrfs
