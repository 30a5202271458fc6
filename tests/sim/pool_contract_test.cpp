// SPDX-License-Identifier: Apache-2.0
#include "sim/pool.hpp"
#include "tests/contract/dataset_store_contract.hpp"
#include "tests/sim/virtual_time.hpp"

namespace flocker::contract {
namespace {

/// A simulated pool in fair weather.
class SimulatedPool final : public DatasetStoreHarness {
public:
    SimulatedPool() { restart(); }
    ports::DatasetStore& store() override { return *store_; }
    void restart() override {
        store_.reset();
        loop_ = std::make_unique<sim::ProcessLoop>(world_);
        store_ = std::make_unique<sim::PoolStore>(world_, *loop_, faults_, disk_);
    }
    void append(const model::DatasetId& dataset, const std::string& text) override {
        const sim::SubvolumeRef data = mounted(dataset);
        ASSERT_TRUE(data && !data->read_only) << "nobody could write to " << dataset;
        data->entries.push_back(text);
    }
    std::string content(const model::DatasetId& dataset) override {
        return text_of(mounted(dataset));
    }
    std::string content_set_aside(const model::DatasetId& dataset, const model::SnapshotId& id) override {
        const auto* seen = disk_.find(dataset);
        return seen && seen->set_aside.contains(id) ? text_of(seen->set_aside.at(id).data) : "";
    }
    void run_until(std::function<bool()> met) override { ASSERT_TRUE(pass_until(world_, met)); }

private:
    [[nodiscard]] sim::SubvolumeRef mounted(const model::DatasetId& id) const {
        const auto* dataset = disk_.find(id);
        return dataset ? dataset->mounted : nullptr;
    }
    static std::string text_of(const sim::SubvolumeRef& data) {
        std::string all;
        if (data) {
            for (const auto& entry : data->entries) all += entry;
        }
        return all;
    }
    sim::World world_{1};
    sim::Faults faults_;
    sim::PoolDisk disk_{"alder"};
    std::unique_ptr<sim::ProcessLoop> loop_;
    std::unique_ptr<sim::PoolStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Simulated, DatasetStoreContract,
                         ::testing::Values(DatasetStoreMaker{"sim", [] { return std::make_unique<SimulatedPool>(); }}));

}  // namespace
}  // namespace flocker::contract
