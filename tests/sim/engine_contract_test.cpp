// SPDX-License-Identifier: Apache-2.0
#include "sim/engine.hpp"
#include "tests/contract/container_engine_contract.hpp"
#include "tests/sim/virtual_time.hpp"

namespace flocker::contract {
namespace {

/// A simulated engine in fair weather. Its ledgers run until they are stopped; that one of them fails
/// by itself is the harness' doing.
class SimulatedEngine final : public ContainerEngineHarness {
public:
    SimulatedEngine() { host_.images = {"ledger:1"}; }
    ports::ContainerEngine& engine() override { return port_; }
    bool run_until(const std::function<bool()>& condition) override {
        return pass_until(world_, condition, [this] {
            for (const auto& name : failing_) {
                const auto* container = host_.find(name);
                const bool runs = container && container->status == model::ContainerSeen::Status::running;
                if (runs) host_.exited(name, 3);
            }
        });
    }
    model::ContainerSpec server_spec(const std::string& name) override {
        model::ContainerSpec spec;
        spec.application.name = model::ApplicationName{name};
        spec.application.image = "ledger:1";
        spec.application.ports = {{7000, 7000}};
        spec.address = "172.31.0." + std::to_string(++last_address_);
        return spec;
    }
    model::ContainerSpec failing_spec(const std::string& name) override {
        failing_.insert(model::ApplicationName{name});
        return server_spec(name);
    }

private:
    sim::World world_{1};
    sim::Faults faults_;
    sim::PoolDisk disk_{"alder"};
    sim::EngineHost host_{world_, disk_};
    sim::ProcessLoop loop_{world_};
    sim::EnginePort port_{world_, loop_, faults_, host_};
    std::set<model::ApplicationName> failing_;
    int last_address_{1};
};

INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, ContainerEngineContract, SimulatedEngine);

}  // namespace
}  // namespace flocker::contract
