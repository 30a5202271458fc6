// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include "sim/links.hpp"
#include "tests/contract/router_contract.hpp"
#include "tests/sim/virtual_time.hpp"

namespace flocker::contract {
namespace {

class SimulatedRouter final : public RouterHarness {
public:
    Status apply(const model::RouteTable& table) override {
        std::optional<Status> outcome;
        port_.apply(table, [&](Status status) { outcome = std::move(status); });
        if (!pass_until(world_, [&] { return outcome.has_value(); })) return fail(ErrorCode::internal, "no outcome");
        return *outcome;
    }
    model::RouteTarget server(const std::string& name) override { return {name, 6379, true}; }
    Attempt connect(std::uint16_t port) override {
        const Attempt attempt = outcomes_.size();
        outcomes_.emplace_back();
        host_.lookup(port, [this, attempt](const model::RouteEntry* entry) {
            outcomes_[attempt] = entry && entry->target ? entry->target->address : "refused";
        });
        return attempt;
    }
    bool so_many_wait(std::size_t count) override {
        return static_cast<std::size_t>(std::ranges::count(outcomes_, "")) == count;
    }
    std::string outcome(Attempt attempt) override {
        const bool decided = pass_until(world_, [&] { return !outcomes_[attempt].empty(); });
        return decided ? outcomes_[attempt] : "nothing";
    }

private:
    sim::World world_{1};
    sim::ProcessLoop loop_{world_};
    sim::RouterHost host_{world_};
    sim::RouterPort port_{world_, loop_, host_};
    std::vector<std::string> outcomes_;  ///< Empty: it waits.
};

INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, RouterPortContract, SimulatedRouter);

/// A cutover that went wrong must not keep its clients for ever.
TEST(SimulatedRouterHost, RefusesWhoHasWaitedForAMinute) {
    SimulatedRouter router;
    ASSERT_TRUE(router.apply({{7001, {std::nullopt, true}}}));
    const auto attempt = router.connect(7001);
    EXPECT_TRUE(router.so_many_wait(1));
    EXPECT_EQ(router.outcome(attempt), "refused");
}

}  // namespace
}  // namespace flocker::contract
