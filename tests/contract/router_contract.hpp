// SPDX-License-Identifier: Apache-2.0
//
// What every ports::Router does. An implementation gives a harness and instantiates the suite:
//     INSTANTIATE_TYPED_TEST_SUITE_P(Kernel, RouterPortContract, KernelHarness);
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::contract {

/// A router without routes, two servers in containers of its node, and clients elsewhere. Made anew for
/// each test.
class RouterHarness {
public:
    RouterHarness() = default;
    virtual ~RouterHarness() = default;
    RouterHarness(const RouterHarness&) = delete;
    RouterHarness& operator=(const RouterHarness&) = delete;

    /// Until it is done.
    virtual Status apply(const model::RouteTable& table) = 0;
    /// "first" or "second".
    virtual model::RouteTarget server(const std::string& name) = 0;
    using Attempt = std::size_t;
    /// A client begins to connect to a port of the node.
    virtual Attempt connect(std::uint16_t port) = 0;
    /// So many connections wait, at last.
    virtual bool so_many_wait(std::size_t count) = 0;
    /// What has become of it, at last: the server that it reached, "refused", or "nothing".
    virtual std::string outcome(Attempt attempt) = 0;
};

template <class Harness>
class RouterPortContract : public ::testing::Test {
protected:
    void apply(const model::RouteTable& table) {
        const Status applied = harness_.apply(table);
        ASSERT_TRUE(applied) << (applied ? "" : applied.error().message);
    }
    model::RouteEntry open_to(const std::string& server) { return {harness_.server(server), false}; }
    model::RouteEntry held_for(const std::string& server) { return {harness_.server(server), true}; }
    std::string reaches(std::uint16_t port) { return harness_.outcome(harness_.connect(port)); }

    static constexpr std::uint16_t port_a = 7001;
    static constexpr std::uint16_t port_b = 7002;
    const model::RouteEntry held_for_nobody{std::nullopt, true};
    const model::RouteEntry closed{};
    Harness harness_;
};
TYPED_TEST_SUITE_P(RouterPortContract);

TYPED_TEST_P(RouterPortContract, LeadsEachPortToItsTarget) {
    this->apply({{this->port_a, this->open_to("first")}, {this->port_b, this->open_to("second")}});
    EXPECT_EQ(this->reaches(this->port_a), "first");
    EXPECT_EQ(this->reaches(this->port_b), "second");
}

TYPED_TEST_P(RouterPortContract, RefusesWhatHasNowhereToGo) {
    this->apply({{this->port_a, this->closed}});
    EXPECT_EQ(this->reaches(this->port_a), "refused");
    EXPECT_EQ(this->reaches(this->port_b), "refused") << "not in the table at all";
}

TYPED_TEST_P(RouterPortContract, TakesEachTableForTheWholeTruth) {
    this->apply({{this->port_a, this->open_to("first")}});
    this->apply({{this->port_b, this->open_to("second")}});
    EXPECT_EQ(this->reaches(this->port_a), "refused");
    EXPECT_EQ(this->reaches(this->port_b), "second");
    this->apply({{this->port_b, this->open_to("second")}});
    EXPECT_EQ(this->reaches(this->port_b), "second");
}

TYPED_TEST_P(RouterPortContract, HoldsConnectionsAndDeliversThemToTheTargetOfTheirRelease) {
    this->apply({{this->port_a, this->held_for("first")}});
    const auto early = this->harness_.connect(this->port_a);
    const auto late = this->harness_.connect(this->port_a);
    ASSERT_TRUE(this->harness_.so_many_wait(2));
    this->apply({{this->port_a, this->open_to("second")}});
    EXPECT_EQ(this->harness_.outcome(early), "second");
    EXPECT_EQ(this->harness_.outcome(late), "second");
    EXPECT_EQ(this->reaches(this->port_a), "second");
}

TYPED_TEST_P(RouterPortContract, GoesOnHoldingThroughTablesThatHold) {
    this->apply({{this->port_a, this->held_for("first")}});
    const auto waits = this->harness_.connect(this->port_a);
    ASSERT_TRUE(this->harness_.so_many_wait(1));
    this->apply({{this->port_a, this->held_for_nobody}, {this->port_b, this->open_to("first")}});
    this->apply({{this->port_a, this->held_for("second")}});
    ASSERT_TRUE(this->harness_.so_many_wait(1));
    this->apply({{this->port_a, this->open_to("second")}});
    EXPECT_EQ(this->harness_.outcome(waits), "second");
}

TYPED_TEST_P(RouterPortContract, HoldsOnePortAndLeavesTheOthersOpen) {
    this->apply({{this->port_a, this->held_for("first")}, {this->port_b, this->open_to("second")}});
    const auto waits = this->harness_.connect(this->port_a);
    ASSERT_TRUE(this->harness_.so_many_wait(1));
    EXPECT_EQ(this->reaches(this->port_b), "second");
    this->apply({{this->port_a, this->open_to("first")}, {this->port_b, this->open_to("second")}});
    EXPECT_EQ(this->harness_.outcome(waits), "first");
}

TYPED_TEST_P(RouterPortContract, RefusesWhoWaitedForNothing) {
    this->apply({{this->port_a, this->held_for_nobody}});
    const auto waits = this->harness_.connect(this->port_a);
    ASSERT_TRUE(this->harness_.so_many_wait(1));
    this->apply({{this->port_a, this->closed}});
    EXPECT_EQ(this->harness_.outcome(waits), "refused");
}

REGISTER_TYPED_TEST_SUITE_P(RouterPortContract, LeadsEachPortToItsTarget, RefusesWhatHasNowhereToGo,
                            TakesEachTableForTheWholeTruth, HoldsConnectionsAndDeliversThemToTheTargetOfTheirRelease,
                            GoesOnHoldingThroughTablesThatHold, HoldsOnePortAndLeavesTheOthersOpen,
                            RefusesWhoWaitedForNothing);

}  // namespace flocker::contract
