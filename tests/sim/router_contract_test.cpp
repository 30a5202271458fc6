// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
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
        process_->port.apply(table, [&](Status status) { outcome = std::move(status); });
        if (!pass_until(world_, [&] { return outcome.has_value(); })) return fail(ErrorCode::internal, "no outcome");
        return *outcome;
    }
    model::RouteTarget server(const std::string& name) override { return {name, 6379, true}; }
    Attempt connect(const model::ExternalPort& port) override {
        const Attempt attempt = outcomes_.size();
        outcomes_.emplace_back();
        ask(attempt, port);
        return attempt;
    }
    bool so_many_wait(std::size_t count) override {
        return static_cast<std::size_t>(std::ranges::count(outcomes_, "")) == count;
    }
    std::string outcome(Attempt attempt) override {
        const bool decided = pass_until(world_, [&] { return !outcomes_[attempt].empty(); });
        return decided ? outcomes_[attempt] : "nothing";
    }
    bool hears_nothing(Attempt attempt) override {
        world_.run_until(world_.now() + 300ms);
        return outcomes_[attempt].empty();
    }
    std::vector<Status> extend_lease(const std::vector<Duration>& durations) override {
        std::vector<std::optional<Status>> outcomes(durations.size());
        for (std::size_t i = 0; i < durations.size(); ++i) {
            process_->port.extend_lease(world_.now() + durations[i],
                                        [&outcome = outcomes[i]](Status status) { outcome = std::move(status); });
        }
        const bool done = pass_until(world_, [&] {
            return std::ranges::all_of(outcomes, [](const auto& outcome) { return outcome.has_value(); });
        });
        std::vector<Status> all;
        for (const auto& outcome : outcomes) all.push_back(done ? *outcome : fail(ErrorCode::internal, "no outcome"));
        return all;
    }
    void restart() override {
        process_.reset();
        process_ = std::make_unique<Process>(world_, host_);
    }
    bool answers(Attempt attempt) override {
        world_.run_until(world_.now() + 1ms);
        return host_.passes(outcomes_[attempt]);
    }
    Duration now() override { return Duration{world_.now().unix_ns}; }
    void stranger_listens(const model::ExternalPort& port) override {
        host_.taken.push_back({port.number, port.protocol, "somebody"});
    }
    Result<std::vector<model::TakenPort>> find_taken() override {
        std::optional<Result<std::vector<model::TakenPort>>> taken;
        process_->port.find_taken([&](auto found) { taken = std::move(found); });
        if (!pass_until(world_, [&] { return taken.has_value(); })) return fail(ErrorCode::internal, "no outcome");
        return *taken;
    }
    void flush() override { host_.flush(); }
    bool tells_of_strangers() override {
        return pass_until(world_, [&] { return !process_->told.empty(); }) && !std::exchange(process_->told, {}).empty();
    }

private:
    struct Process {
        Process(sim::World& world, sim::RouterHost& host) : loop(world), port(world, loop, host) {
            port.watch([this](const std::string& found) { told = found; });
        }
        sim::ProcessLoop loop;
        sim::RouterPort port;
        std::string told;
    };

    /// A client whose first packet is dropped asks again, each second.
    void ask(Attempt attempt, const model::ExternalPort& port) {
        host_.lookup(port, [this, attempt, port](const model::RouteEntry* entry) {
            if (!entry || !entry->target) {
                outcomes_[attempt] = "refused";
            } else if (host_.passes(entry->target->address)) {
                outcomes_[attempt] = entry->target->address;
            } else {
                world_.at(1s, [this, attempt, port] { ask(attempt, port); });
            }
        });
    }

    sim::World world_{1};
    sim::RouterHost host_{world_};
    std::unique_ptr<Process> process_{std::make_unique<Process>(world_, host_)};
    std::vector<std::string> outcomes_;  ///< Empty: it waits.
};

INSTANTIATE_TYPED_TEST_SUITE_P(Simulated, RouterPortContract, SimulatedRouter);

TEST(SimulatedRouterHost, HasNoLeaseAfterAPowerLoss) {
    sim::World world{1};
    sim::RouterHost host{world};
    host.lease_until = world.now() + 20s;
    host.apply({{7001, {model::RouteTarget{"first", 6379, true}, false, true}}});
    EXPECT_TRUE(host.passes("first"));
    host.power_loss();
    host.apply({{7001, {model::RouteTarget{"first", 6379, true}, false, true}}});
    EXPECT_FALSE(host.passes("first"));
}

/// A cutover that went wrong must not keep its clients for ever.
TEST(SimulatedRouterHost, DropsDatagramsThatHaveWaitedForTenSeconds) {
    SimulatedRouter router;
    const model::ExternalPort port(7001, model::Protocol::udp);
    ASSERT_TRUE(router.apply({{port, {std::nullopt, true}}}));
    const auto attempt = router.connect(port);
    EXPECT_EQ(router.outcome(attempt), "nothing");
}

TEST(SimulatedRouterHost, RefusesWhoHasWaitedForAMinute) {
    SimulatedRouter router;
    ASSERT_TRUE(router.apply({{7001, {std::nullopt, true}}}));
    const auto attempt = router.connect(7001);
    EXPECT_TRUE(router.so_many_wait(1));
    EXPECT_EQ(router.outcome(attempt), "refused");
}

}  // namespace
}  // namespace flocker::contract
