// SPDX-License-Identifier: Apache-2.0
#include "sim/links.hpp"
#include "tests/contract/state_store_contract.hpp"
#include "tests/sim/virtual_time.hpp"

namespace flocker::contract {
namespace {

/// The records' disk of a simulated cluster in fair weather, empty at first.
class SimulatedStore final : public StateStoreHarness {
public:
    SimulatedStore() {
        cluster_.disk.records = {};
        reopen();
    }
    ports::StateStore& store() override { return *store_; }
    void reopen() override {
        store_.reset();
        loop_ = std::make_unique<sim::ProcessLoop>(world_);
        store_ = std::make_unique<sim::StorePort>(cluster_, *loop_);
    }
    void run_until(std::function<bool()> met) override { ASSERT_TRUE(pass_until(world_, met)); }

private:
    sim::World world_{1};
    sim::Faults faults_;
    sim::Cluster cluster_{world_, faults_, 0};
    std::unique_ptr<sim::ProcessLoop> loop_;
    std::unique_ptr<sim::StorePort> store_;
};

INSTANTIATE_TEST_SUITE_P(Simulated, StateStoreContract,
                         ::testing::Values(StateStoreMaker{"sim", [] { return std::make_unique<SimulatedStore>(); }}));

}  // namespace
}  // namespace flocker::contract
