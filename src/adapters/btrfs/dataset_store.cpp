// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/dataset_store.hpp"

#include "adapters/btrfs/dataset_disk.hpp"

namespace flocker::btrfs {

BtrfsDatasetStore::BtrfsDatasetStore(posix::WorkerThreads& workers, Options options)
    : workers_(workers), disk_(std::make_shared<DatasetDisk>(std::move(options))) {}

BtrfsDatasetStore::~BtrfsDatasetStore() = default;

void BtrfsDatasetStore::observe(Done<std::vector<model::DatasetSeen>> done) {
    workers_.run<std::vector<model::DatasetSeen>>([disk = disk_] { return disk->observe(); }, std::move(done));
}

void BtrfsDatasetStore::observe_one(const model::DatasetId& dataset, Done<std::optional<model::DatasetSeen>> done) {
    workers_.run<std::optional<model::DatasetSeen>>([disk = disk_, dataset] { return disk->observe_one(dataset); },
                                                    std::move(done));
}

void BtrfsDatasetStore::find_changed(const std::vector<model::DatasetId>& datasets,
                                     Done<std::set<model::DatasetId>> done) {
    workers_.run<std::set<model::DatasetId>>([disk = disk_, datasets] { return disk->find_changed(datasets); },
                                             std::move(done));
}

void BtrfsDatasetStore::perform(const model::DatasetAction& action, Done<std::optional<model::DatasetSeen>> done) {
    workers_.run<std::optional<model::DatasetSeen>>([disk = disk_, action] { return disk->perform(action); },
                                                    std::move(done));
}

void BtrfsDatasetStore::capacity(Done<ports::Capacity> done) {
    workers_.run<ports::Capacity>([disk = disk_] { return disk->capacity(); }, std::move(done));
}

}  // namespace flocker::btrfs
