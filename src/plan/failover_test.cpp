// SPDX-License-Identifier: Apache-2.0
#include "plan/failover.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;
using ::testing::HasSubstr;

/// The database on alder, with replicas on birch and, one snapshot behind, on cedar; alder is silent.
class WhenTheOwnerIsLost : public ::testing::Test {
protected:
    WhenTheOwnerIsLost() {
        scene_.settled(database(), alder).replicas = {birch, cedar};
        scene_.report(birch).datasets = {replica(1, {snap(1, 4), snap(1, 5)})};
        scene_.report(cedar).datasets = {replica(1, {snap(1, 4)})};
        scene_.report(alder).at = scene_.now;
        scene_.report(alder).leased = {db};
        scene_.silence(alder, lost_for);
    }
    [[nodiscard]] std::optional<FailoverPlan> plan(const std::optional<NodeReference>& to = {}) {
        auto planned = plan_failover(scene_.view(), db, to);
        if (auto* refusals = std::get_if<std::vector<Refusal>>(&planned)) refused_ = refusals->front().message;
        auto* found = std::get_if<FailoverPlan>(&planned);
        return found ? std::optional(*found) : std::nullopt;
    }
    Application& application() { return scene_.records.configuration.at(db).application; }

    static constexpr Duration lost_for = 6s;
    Scene scene_;
    std::string refused_;
};

TEST_F(WhenTheOwnerIsLost, TheNewestReplicaTakesOverWithTheNextEpoch) {
    const auto planned = plan();
    ASSERT_TRUE(planned);
    EXPECT_EQ(planned->to, birch);
    const auto* put = only<PutOwnership>(planned->changes);
    ASSERT_TRUE(put);
    EXPECT_EQ(put->ownership.owner, birch);
    EXPECT_EQ(put->ownership.epoch, Epoch{2});
    EXPECT_EQ(put->ownership.began_from, snap(1, 5));
    EXPECT_TRUE(put->ownership.promoting);
    EXPECT_EQ(put->ownership.replicas, (std::set{alder, cedar})) << "the old owner becomes a replica";
    EXPECT_EQ(only<PutWanted>(planned->changes)->wanted.node, birch) << "or it would be moved back";
}

TEST_F(WhenTheOwnerIsLost, AUserMayNameAnOlderOne) {
    const auto planned = plan(NodeReference{"cedar"});
    ASSERT_TRUE(planned);
    EXPECT_EQ(planned->to, cedar);
    EXPECT_EQ(planned->snapshot, snap(1, 4));
}

TEST_F(WhenTheOwnerIsLost, NothingIsGivenAwayThatIsNotLost) {
    scene_.everyone_answers();
    EXPECT_FALSE(plan());
    EXPECT_THAT(refused_, HasSubstr("flocker move"));
}

TEST_F(WhenTheOwnerIsLost, ACopyThatIsNotOfTheOwnersLineIsNoCandidate) {
    Ownership& ownership = scene_.owned(database());
    ownership.epoch = Epoch{3};
    ownership.began_from = snap(2, 4);
    scene_.report(birch).datasets = {replica(3, {snap(2, 5)})};
    scene_.report(cedar).datasets = {replica(3, {snap(2, 4)})};
    const auto planned = plan();
    ASSERT_TRUE(planned);
    EXPECT_EQ(planned->to, cedar) << "birch's was written by somebody who was not the owner any more";
}

TEST_F(WhenTheOwnerIsLost, ANodeThatLetsItsReplicaGoIsNoCandidate) {
    scene_.owned(database()).leaving = {birch};
    ASSERT_TRUE(plan());
    EXPECT_EQ(plan()->to, cedar);
}

TEST_F(WhenTheOwnerIsLost, ANodeWithAnOwnersCopyIsNoCandidate) {
    scene_.report(birch).datasets = {live_dataset(1, {snap(1, 5)})};
    ASSERT_TRUE(plan());
    EXPECT_EQ(plan()->to, cedar);
}

TEST_F(WhenTheOwnerIsLost, AnInterruptedMoveThatWasCommittedIsRemembered) {
    scene_.moving(database(), alder, MovePhase::settling).source = birch;
    scene_.owned(database()).began_from = snap(1, 9);
    const auto planned = plan();
    ASSERT_TRUE(planned);
    const auto& moves = only<PutOwnership>(planned->changes)->ownership.moves;
    ASSERT_EQ(moves.size(), 2U);
    EXPECT_EQ(moves.front().id, MoveId{3});
    EXPECT_TRUE(moves.front().succeeded) << "its trial may have been written by clients";
}

TEST_F(WhenTheOwnerIsLost, OnlyAutomaticOnesFailOverByThemselves) {
    EXPECT_TRUE(due_failovers(scene_.view()).empty());
    application().failover = Failover::automatic;
    EXPECT_EQ(due_failovers(scene_.view()).size(), 1U);
    application().failover.reset();
    scene_.records.settings.failover = Failover::automatic;
    EXPECT_EQ(due_failovers(scene_.view()).size(), 1U) << "the cluster's default";
}

TEST_F(WhenTheOwnerIsLost, ALeaseIsWaitedFor) {
    application().failover = Failover::automatic;
    scene_.states.at(alder).heard = scene_.now - 5200ms;
    EXPECT_TRUE(due_failovers(scene_.view()).empty()) << "its clock may be slow";
    scene_.states.at(alder).heard = scene_.now - 5600ms;
    EXPECT_EQ(due_failovers(scene_.view()).size(), 1U);
}

TEST_F(WhenTheOwnerIsLost, AControlServiceThatHasJustBegunCountsFromItsOwnBeginning) {
    application().failover = Failover::automatic;
    scene_.started = scene_.now - 3s;
    EXPECT_TRUE(due_failovers(scene_.view()).empty());
}

TEST_F(WhenTheOwnerIsLost, AnOwnerThatHadNotHeardOfItsLeaseIsLeftAlone) {
    application().failover = Failover::automatic;
    scene_.report(alder).leased.clear();
    EXPECT_TRUE(due_failovers(scene_.view()).empty()) << "it serves on, and nothing in its kernel stops it";
}

TEST_F(WhenTheOwnerIsLost, NothingHappensByItselfWhenMoreThanAThirdIsSilent) {
    application().failover = Failover::automatic;
    scene_.states.at(cedar).heard = scene_.now - 6s;
    EXPECT_TRUE(is_cut_off(scene_.view()));
    EXPECT_TRUE(due_failovers(scene_.view()).empty());
}

}  // namespace
}  // namespace flocker::plan
