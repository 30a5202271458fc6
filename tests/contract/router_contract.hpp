// SPDX-License-Identifier: Apache-2.0
//
// What every ports::Router does. An implementation gives a harness and instantiates the suite:
//     INSTANTIATE_TYPED_TEST_SUITE_P(Kernel, RouterPortContract, KernelHarness);
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
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
    /// A client begins to connect to a port of the node; of UDP, it sends its first datagram.
    virtual Attempt connect(const model::ExternalPort& port) = 0;
    /// So many connections wait, at last.
    virtual bool so_many_wait(std::size_t count) = 0;
    /// What has become of it, at last: the server that it reached, "refused", or "nothing".
    virtual std::string outcome(Attempt attempt) = 0;
    /// For a while nothing becomes of it.
    virtual bool hears_nothing(Attempt attempt) = 0;

    /// Calls one right after the other; until all are done, and what became of each.
    virtual std::vector<Status> extend_lease(const std::vector<Duration>& durations) = 0;
    /// The router's process ends, and another takes its place.
    virtual void restart() = 0;
    /// A client that has reached its server says something: whether it is answered soon.
    virtual bool answers(Attempt attempt) = 0;
    /// Goes on with what the others do.
    virtual Duration now() = 0;
    /// Somebody else listens on a port of the node from now on.
    virtual void stranger_listens(const model::ExternalPort& port) = 0;
    /// Until it is done.
    virtual Result<std::vector<model::TakenPort>> find_taken() = 0;
    /// Somebody else removes all rules of the node.
    virtual void flush() = 0;
    /// Until the router tells that somebody removed its rules.
    virtual bool tells_of_strangers() = 0;
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
    std::string reaches(const model::ExternalPort& port) { return harness_.outcome(harness_.connect(port)); }

    model::RouteEntry leased_to(const std::string& server) { return {harness_.server(server), false, true}; }
    void extend(Duration duration) {
        const Duration begin = harness_.now();
        const Status extended = harness_.extend_lease({duration}).front();
        ASSERT_TRUE(extended) << (extended ? "" : extended.error().message);
        least_ = begin + duration;
        most_ = harness_.now() + duration;
    }
    /// A client that is served goes on until nobody answers. That is when the lease ends of which extend() was told
    /// last. A tick of the kernel's early is right; the rest is for a machine that has other things to do.
    void is_cut_off_when_the_lease_ends(RouterHarness::Attempt client) {
        const Duration begin = harness_.now();
        Duration last = begin;
        while (harness_.answers(client) && last < most_ + 5s) last = harness_.now();
        EXPECT_GT(last, begin) << "it is not served";
        EXPECT_GE(last, least_ - 150ms);
        EXPECT_LE(last, most_ + 100ms);
    }
    /// A client asks again by itself, though not at once.
    bool answers_at_last(RouterHarness::Attempt client) {
        const Duration end = harness_.now() + 10s;
        while (harness_.now() < end) {
            if (harness_.answers(client)) return true;
        }
        return false;
    }

    static constexpr std::uint16_t port_a = 7001;
    static constexpr std::uint16_t port_b = 7002;
    const model::ExternalPort udp_a{port_a, model::Protocol::udp};
    const model::RouteEntry held_for_nobody{std::nullopt, true};
    const model::RouteEntry closed{};
    Harness harness_;

private:
    Duration least_{0};  ///< The lease ends between these two.
    Duration most_{0};
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

TYPED_TEST_P(RouterPortContract, LetsNobodyReachALeasedTargetBeforeTheFirstExtension) {
    this->apply({{this->port_a, this->leased_to("first")}, {this->port_b, this->open_to("second")}});
    const auto early = this->harness_.connect(this->port_a);
    EXPECT_TRUE(this->harness_.hears_nothing(early)) << "it may not even be refused";
    EXPECT_EQ(this->reaches(this->port_b), "second");
    this->extend(20s);
    EXPECT_EQ(this->harness_.outcome(early), "first");
    EXPECT_EQ(this->reaches(this->port_a), "first");
}

TYPED_TEST_P(RouterPortContract, CutsOpenAndNewConnectionsOffWhenTheLeaseRunsOutByItself) {
    this->apply({{this->port_a, this->leased_to("first")}, {this->port_b, this->open_to("second")}});
    this->extend(1s);
    const auto leased = this->harness_.connect(this->port_a);
    const auto unleased = this->harness_.connect(this->port_b);
    ASSERT_EQ(this->harness_.outcome(leased), "first");
    ASSERT_EQ(this->harness_.outcome(unleased), "second");
    this->is_cut_off_when_the_lease_ends(leased);
    EXPECT_TRUE(this->harness_.hears_nothing(this->harness_.connect(this->port_a)));
    EXPECT_TRUE(this->harness_.answers(unleased));
    EXPECT_EQ(this->reaches(this->port_b), "second");
}

TYPED_TEST_P(RouterPortContract, ServesOpenConnectionsAgainAfterTheNextExtension) {
    this->apply({{this->port_a, this->leased_to("first")}});
    this->extend(500ms);
    const auto client = this->harness_.connect(this->port_a);
    ASSERT_EQ(this->harness_.outcome(client), "first");
    this->is_cut_off_when_the_lease_ends(client);
    this->extend(20s);
    EXPECT_TRUE(this->answers_at_last(client));
    EXPECT_EQ(this->reaches(this->port_a), "first");
}

TYPED_TEST_P(RouterPortContract, ServesWithoutAGapWhileTheLeaseIsExtendedInTime) {
    this->apply({{this->port_a, this->leased_to("first")}});
    this->extend(1s);
    const auto client = this->harness_.connect(this->port_a);
    ASSERT_EQ(this->harness_.outcome(client), "first");
    for (int i = 0; i < 10; ++i) {
        this->extend(1s);
        const Duration next = this->harness_.now() + 200ms;
        while (this->harness_.now() < next) ASSERT_TRUE(this->harness_.answers(client)) << i;
    }
    this->is_cut_off_when_the_lease_ends(client);
}

TYPED_TEST_P(RouterPortContract, NeitherLosesNorLengthensTheLeaseWhenRoutesChange) {
    this->apply({{this->port_a, this->leased_to("first")}});
    this->extend(1s);
    const auto client = this->harness_.connect(this->port_a);
    ASSERT_EQ(this->harness_.outcome(client), "first");
    this->apply({{this->port_a, this->leased_to("first")}, {this->port_b, this->open_to("second")}});
    this->apply({{this->port_a, this->leased_to("first")}, {this->port_b, this->leased_to("second")}});
    EXPECT_EQ(this->reaches(this->port_b), "second") << "one that becomes leased under a running lease passes";
    this->apply({{this->port_a, this->leased_to("first")}, {this->port_b, this->leased_to("first")}});
    this->apply({{this->port_a, this->leased_to("first")}});
    this->is_cut_off_when_the_lease_ends(client);
    this->apply({{this->port_b, this->leased_to("first")}});
    EXPECT_FALSE(this->harness_.answers(client));
    this->apply({{this->port_a, this->open_to("first")}});
    EXPECT_EQ(this->reaches(this->port_a), "first") << "leased no longer";
}

TYPED_TEST_P(RouterPortContract, CountsAnExtensionThatCameBeforeTheFirstLeasedTarget) {
    this->extend(20s);
    this->apply({{this->port_a, this->leased_to("first")}});
    EXPECT_EQ(this->reaches(this->port_a), "first");
}

TYPED_TEST_P(RouterPortContract, NeitherEndsNorLengthensTheLeaseWhenItsProcessIsReplaced) {
    this->apply({{this->port_a, this->leased_to("first")}});
    this->extend(2s);
    const auto client = this->harness_.connect(this->port_a);
    ASSERT_EQ(this->harness_.outcome(client), "first");
    this->harness_.restart();
    this->apply({{this->port_a, this->leased_to("first")}});
    this->is_cut_off_when_the_lease_ends(client);
    this->harness_.restart();
    EXPECT_FALSE(this->harness_.answers(client));
    EXPECT_TRUE(this->harness_.hears_nothing(this->harness_.connect(this->port_a)));
}

TYPED_TEST_P(RouterPortContract, TakesTheExtensionThatWasCalledLast) {
    this->apply({{this->port_a, this->leased_to("first")}});
    for (const Status& extended : this->harness_.extend_lease({20s, 100ms, 30s, 10s})) ASSERT_TRUE(extended);
    this->extend(1s);
    const auto client = this->harness_.connect(this->port_a);
    ASSERT_EQ(this->harness_.outcome(client), "first");
    this->is_cut_off_when_the_lease_ends(client);
}

TYPED_TEST_P(RouterPortContract, RefusesAnExtensionThatIsOverAndLeavesTheLeaseAsItIs) {
    this->apply({{this->port_a, this->leased_to("first")}});
    const auto too_early = this->harness_.extend_lease({-1s, 0s});
    for (const Status& refused : too_early) {
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, ErrorCode::timed_out);
    }
    EXPECT_TRUE(this->harness_.hears_nothing(this->harness_.connect(this->port_a)));
    ASSERT_TRUE(this->harness_.extend_lease({20s}).front());
    EXPECT_FALSE(this->harness_.extend_lease({-1s}).front());
    EXPECT_EQ(this->reaches(this->port_a), "first");
}

TYPED_TEST_P(RouterPortContract, HoldsTheConnectionsToALeasedPortWithOrWithoutTheLease) {
    auto held = this->leased_to("first");
    held.held = true;
    this->apply({{this->port_a, held}});
    const auto waits = this->harness_.connect(this->port_a);
    ASSERT_TRUE(this->harness_.so_many_wait(1));
    this->extend(20s);
    ASSERT_TRUE(this->harness_.so_many_wait(1));
    this->apply({{this->port_a, this->leased_to("second")}});
    EXPECT_EQ(this->harness_.outcome(waits), "second");
}

TYPED_TEST_P(RouterPortContract, MakesAnewWhatAStrangerHasRemovedAndTellsOfIt) {
    this->apply({{this->port_a, this->open_to("first")}, {this->port_b, this->held_for_nobody}});
    const auto waits = this->harness_.connect(this->port_b);
    ASSERT_TRUE(this->harness_.so_many_wait(1));
    for (int i = 0; i < 3; ++i) {
        this->harness_.flush();
        ASSERT_TRUE(this->harness_.tells_of_strangers());
        EXPECT_EQ(this->reaches(this->port_a), "first");
    }
    this->apply({{this->port_a, this->open_to("first")}, {this->port_b, this->open_to("second")}});
    EXPECT_EQ(this->harness_.outcome(waits), "second");
}

TYPED_TEST_P(RouterPortContract, LetsTheLeaseEndWhenAStrangerHasRemovedItUntilItIsExtended) {
    this->apply({{this->port_a, this->leased_to("first")}});
    this->extend(20s);
    ASSERT_EQ(this->reaches(this->port_a), "first");
    this->harness_.flush();
    ASSERT_TRUE(this->harness_.tells_of_strangers());
    EXPECT_TRUE(this->harness_.hears_nothing(this->harness_.connect(this->port_a)));
    this->extend(20s);
    EXPECT_EQ(this->reaches(this->port_a), "first");
}

TYPED_TEST_P(RouterPortContract, LeadsTheTwoProtocolsOfANumberApart) {
    this->apply({{this->port_a, this->open_to("first")}, {this->udp_a, this->open_to("second")}});
    EXPECT_EQ(this->reaches(this->port_a), "first");
    EXPECT_EQ(this->reaches(this->udp_a), "second");
    this->apply({{this->port_a, this->closed}, {this->udp_a, this->open_to("first")}});
    EXPECT_EQ(this->reaches(this->port_a), "refused");
    EXPECT_EQ(this->reaches(this->udp_a), "first");
    this->apply({{this->port_a, this->open_to("second")}, {this->udp_a, this->closed}});
    EXPECT_EQ(this->reaches(this->port_a), "second");
    EXPECT_EQ(this->reaches(this->udp_a), "refused");
}

TYPED_TEST_P(RouterPortContract, HoldsDatagramsAndDeliversThemToTheTargetOfTheirRelease) {
    this->apply({{this->port_a, this->open_to("first")}, {this->udp_a, this->held_for("first")}});
    const auto early = this->harness_.connect(this->udp_a);
    const auto late = this->harness_.connect(this->udp_a);
    ASSERT_TRUE(this->harness_.so_many_wait(2));
    EXPECT_TRUE(this->harness_.hears_nothing(early));
    EXPECT_EQ(this->reaches(this->port_a), "first") << "the other protocol is not held";
    this->apply({{this->port_a, this->open_to("first")}, {this->udp_a, this->open_to("second")}});
    EXPECT_EQ(this->harness_.outcome(early), "second");
    EXPECT_EQ(this->harness_.outcome(late), "second");
}

TYPED_TEST_P(RouterPortContract, CutsDatagramsOffWithoutTheLease) {
    this->apply({{this->udp_a, this->leased_to("first")}});
    EXPECT_TRUE(this->harness_.hears_nothing(this->harness_.connect(this->udp_a)));
    this->extend(1s);
    const auto client = this->harness_.connect(this->udp_a);
    ASSERT_EQ(this->harness_.outcome(client), "first");
    this->is_cut_off_when_the_lease_ends(client);
}

TYPED_TEST_P(RouterPortContract, FindsThePortsThatStrangersListenOnAndNoneOfItsOwn) {
    this->apply({{this->port_a, this->open_to("first")}});
    const auto taken = [&] {
        std::vector<std::string> ports;
        const auto found = this->harness_.find_taken();
        EXPECT_TRUE(found);
        if (!found) return ports;
        for (const model::TakenPort& port : *found) ports.push_back(to_text(model::ExternalPort(port.number, port.protocol)));
        return ports;
    };
    EXPECT_EQ(taken(), std::vector<std::string>{});
    this->harness_.stranger_listens(this->port_a);
    this->harness_.stranger_listens({this->port_b, model::Protocol::udp});
    EXPECT_EQ(taken(), (std::vector<std::string>{"7001", "7002/udp"}));
}

REGISTER_TYPED_TEST_SUITE_P(RouterPortContract, LeadsEachPortToItsTarget, RefusesWhatHasNowhereToGo,
                            TakesEachTableForTheWholeTruth, HoldsConnectionsAndDeliversThemToTheTargetOfTheirRelease,
                            GoesOnHoldingThroughTablesThatHold, HoldsOnePortAndLeavesTheOthersOpen,
                            RefusesWhoWaitedForNothing, LetsNobodyReachALeasedTargetBeforeTheFirstExtension,
                            CutsOpenAndNewConnectionsOffWhenTheLeaseRunsOutByItself,
                            ServesOpenConnectionsAgainAfterTheNextExtension,
                            ServesWithoutAGapWhileTheLeaseIsExtendedInTime,
                            NeitherLosesNorLengthensTheLeaseWhenRoutesChange,
                            CountsAnExtensionThatCameBeforeTheFirstLeasedTarget,
                            NeitherEndsNorLengthensTheLeaseWhenItsProcessIsReplaced, TakesTheExtensionThatWasCalledLast,
                            RefusesAnExtensionThatIsOverAndLeavesTheLeaseAsItIs,
                            HoldsTheConnectionsToALeasedPortWithOrWithoutTheLease,
                            LeadsTheTwoProtocolsOfANumberApart, HoldsDatagramsAndDeliversThemToTheTargetOfTheirRelease,
                            CutsDatagramsOffWithoutTheLease, FindsThePortsThatStrangersListenOnAndNoneOfItsOwn,
                            MakesAnewWhatAStrangerHasRemovedAndTellsOfIt,
                            LetsTheLeaseEndWhenAStrangerHasRemovedItUntilItIsExtended);

}  // namespace flocker::contract
