// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "adapters/btrfs/dataset_store.hpp"
#include "adapters/posix/worker_threads.hpp"
#include "tests/contract/dataset_store_harness.hpp"
#include "tests/contract/loop_pool.hpp"
#include "tests/contract/pumped_loop.hpp"

namespace flocker::contract {

/// A store on a pool of its own.
class BtrfsHarness final : public DatasetStoreHarness {
public:
    explicit BtrfsHarness(const std::string& size = "2G") : disk(size) { restart(); }

    ports::DatasetStore& store() override { return *store_; }
    void restart() override {
        store_ = std::make_unique<btrfs::BtrfsDatasetStore>(
            workers_, btrfs::Options{.pool = disk.pool(), .volumes = disk.volumes(), .patience = patience});
    }
    void append(const model::DatasetId& dataset, const std::string& text) override {
        std::ofstream file(disk.volume(dataset.value) / "log", std::ios::app);
        file << text << std::flush;
        EXPECT_TRUE(file.good()) << "cannot append to " << dataset;
    }
    std::string content(const model::DatasetId& dataset) override {
        std::ifstream file(disk.volume(dataset.value) / "log");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::string content_set_aside(const model::DatasetId& dataset, const model::SnapshotId& id) override {
        std::ifstream file(disk.dataset(dataset.value) / ("aside-" + model::to_text(id)) / "log");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    void run_until(std::function<bool()> met) override { ASSERT_TRUE(loop_.run_until(met, 60s)); }

    LoopPool disk;
    Duration patience{400ms};

private:
    PumpedLoop loop_;
    posix::WorkerThreads workers_{loop_};
    std::unique_ptr<btrfs::BtrfsDatasetStore> store_;
};

}  // namespace flocker::contract
