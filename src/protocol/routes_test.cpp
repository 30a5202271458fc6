// SPDX-License-Identifier: Apache-2.0
#include "protocol/routes.hpp"

#include <gtest/gtest.h>

#include "plan/assignments.hpp"
#include "protocol/testing.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace protocol::testing;

class Routes : public ::testing::Test {
protected:
    Routes() {
        auto application = database();
        application.ports = {{5000, 5432}};
        scene_.settled(application, alder);
    }
    RouteEntry at(const NodeId& node, LocalService local = {}) {
        const auto table = route_table(plan::assignment_for(scene_.records, node), [&](const ApplicationName& name) {
            EXPECT_EQ(name, db);
            EXPECT_EQ(node, scene_.owned(database()).owner) << "asked for what another node owns";
            return local;
        });
        EXPECT_EQ(table.size(), 1U);
        return table.at(5432);
    }
    static inline const LocalService open{true, false, "172.31.0.2"};
    static inline const LocalService starting{false, true, "172.31.0.2"};
    Scene scene_;
};

TEST_F(Routes, LeadToTheContainerOnItsOwnNode) {
    EXPECT_EQ(at(alder, open), (RouteEntry{RouteTarget{"172.31.0.2", 5000, true}, false}));
}

TEST_F(Routes, LeadToTheSamePortOfTheOwnerFromAnyOtherNode) {
    EXPECT_EQ(at(cedar), (RouteEntry{RouteTarget{"10.0.0.10", 5432, false}, false}));
}

TEST_F(Routes, AreHeldInTheCutoverOnEveryNode) {
    for (const auto phase : {MovePhase::sealing, MovePhase::trial}) {
        scene_.moving(database(), birch, phase);
        for (const auto& node : {alder, birch, cedar}) EXPECT_TRUE(at(node, open).held) << to_string(phase) << " on " << node;
    }
}

TEST_F(Routes, LeadToTheNewOwnerAfterTheCommit) {
    scene_.moving(database(), birch, MovePhase::settling);
    EXPECT_EQ(at(alder), (RouteEntry{RouteTarget{"10.0.0.11", 5432, false}, false}));
    EXPECT_TRUE(at(birch, open).target->local);
}

TEST_F(Routes, NameTheOwnerThatWasLostToAllOthersUntilTheNextMove) {
    Ownership& ownership = scene_.owned(database());
    MoveResult failover;
    failover.source = alder;
    failover.target = ownership.owner = birch;
    failover.succeeded = failover.failover = true;
    ownership.moves.push_back(failover);
    EXPECT_EQ(at(cedar).lost, "10.0.0.10");
    EXPECT_EQ(at(birch, open).lost, "10.0.0.10");
    EXPECT_EQ(at(alder).lost, "") << "itself";
    ownership.moves.back().failover = false;
    EXPECT_EQ(at(cedar).lost, "");
}

TEST_F(Routes, AreHeldAtTheOwnerWhileItsApplicationStarts) {
    EXPECT_EQ(at(alder, starting), (RouteEntry{std::nullopt, true}));
}

TEST_F(Routes, RefuseAtTheOwnerWhenNothingRunsAndNothingStarts) {
    EXPECT_EQ(at(alder, {}), (RouteEntry{std::nullopt, false}));
}

TEST_F(Routes, OfOneNumberLeadToTwoPortsOfTheContainerByTheirProtocol) {
    auto application = website();
    application.ports = {{8053, 53}, {5353, 53, Protocol::udp}};
    scene_.records.configuration.clear();
    scene_.settled(application, birch);
    const auto table = route_table(plan::assignment_for(scene_.records, birch), [&](const ApplicationName&) { return open; });
    EXPECT_EQ(table, (RouteTable{{53, {RouteTarget{"172.31.0.2", 8053, true}, false}},
                                 {{53, Protocol::udp}, {RouteTarget{"172.31.0.2", 5353, true}, false}}}));
    scene_.report(cedar).open_udp_routes.clear();
    EXPECT_TRUE(is_open(scene_.report(cedar), 53));
    EXPECT_FALSE(is_open(scene_.report(cedar), {53, Protocol::udp}));
}

TEST_F(Routes, LeadNowhereWhenTheOwnerIsNoMember) {
    scene_.owned(database()).owner = NodeId{"id-gone"};
    EXPECT_EQ(at(cedar), (RouteEntry{std::nullopt, false}));
}

}  // namespace
}  // namespace flocker::protocol
