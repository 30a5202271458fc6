// SPDX-License-Identifier: Apache-2.0
#include "plan/replicas.hpp"

#include <gtest/gtest.h>

#include "plan/lag.hpp"
#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;

/// The database on alder (data center east, as birch; cedar is in west).
class Replicas : public ::testing::Test {
protected:
    Replicas() {
        scene_.settled(database(), alder);
        scene_.report(alder).at = scene_.now;
    }
    std::optional<Ownership> tended() {
        std::size_t copies = full_copies(scene_.view());
        const auto changes = tend_replicas(scene_.view(), scene_.owned(database()), copies);
        const auto* put = only<PutOwnership>(changes);
        return put ? std::optional(put->ownership) : std::nullopt;
    }
    void up_to_date(const NodeId& node) { behind(node, 500ms); }
    void behind(const NodeId& node, Duration lag) {
        FeedSeen feed;
        feed.dataset = orders;
        feed.to = node;
        feed.acknowledged = snap(1, 5);
        feed.proven = scene_.now - lag;
        scene_.report(alder).feeds.push_back(feed);
        put_in_order(scene_.report(alder));
        scene_.report(node).datasets = {replica(1, {snap(1, 5)})};
    }
    Volume& volume() { return *scene_.records.configuration.at(db).application.volume; }

    Scene scene_;
};

TEST_F(Replicas, OneIsKeptInAnotherDataCenter) {
    ASSERT_TRUE(tended());
    EXPECT_EQ(tended()->replicas, std::set{cedar});
}

TEST_F(Replicas, GoWhereThereIsMostRoomWhenSpreadMattersNot) {
    volume().spread = Spread::anywhere;
    scene_.report(birch).pool_free = Bytes{8ULL << 30U};
    EXPECT_EQ(tended()->replicas, std::set{birch});
}

TEST_F(Replicas, DoNotGoWhereThereIsNoRoomNorOntoADrainingOrSilentNode) {
    scene_.report(cedar).pool_free = Bytes{1 << 20U};
    EXPECT_EQ(tended()->replicas, std::set{birch});
    scene_.report(cedar).pool_free = scene_.report(birch).pool_free;
    scene_.report(cedar).pool_short = true;
    EXPECT_EQ(tended()->replicas, std::set{birch}) << "it takes no full copy";
    scene_.records.nodes.at(birch).draining = true;
    EXPECT_FALSE(tended());
    scene_.records.nodes.at(birch).draining = false;
    scene_.silence(birch, 6s);
    EXPECT_FALSE(tended());
}

TEST_F(Replicas, NoneIsAllowed) {
    volume().replicas = 0;
    EXPECT_FALSE(tended());
}

TEST_F(Replicas, OneTooManyIsLetGoOnlyWhenTheOthersAreUpToDate) {
    scene_.owned(database()).replicas = {birch, cedar};
    EXPECT_FALSE(tended());
    up_to_date(cedar);
    ASSERT_TRUE(tended());
    EXPECT_EQ(tended()->replicas, std::set{cedar});
    EXPECT_EQ(tended()->leaving, std::set{birch});
}

TEST_F(Replicas, OneTooManyIsLetGoWhenNoneIsUpToDateAndTheOthersHaveAsMuch) {
    scene_.owned(database()).replicas = {birch, cedar};
    behind(cedar, 60s);
    behind(birch, 50s);
    ASSERT_TRUE(tended());
    EXPECT_EQ(tended()->replicas, std::set{birch});
    EXPECT_EQ(tended()->leaving, std::set{cedar});
    scene_.silence(birch, 6s);
    EXPECT_FALSE(tended());
}

TEST_F(Replicas, StayWhereTheyAreDuringAMove) {
    scene_.owned(database()).replicas = {birch, cedar};
    up_to_date(cedar);
    scene_.moving(database(), birch, MovePhase::staging);
    EXPECT_FALSE(tended());
}

TEST_F(Replicas, AreMadeElsewhereWhenTheirNodeIsLostForLong) {
    scene_.owned(database()).replicas = {cedar};
    scene_.silence(cedar, 599s);
    EXPECT_FALSE(tended());
    scene_.silence(cedar, 2s);
    ASSERT_TRUE(tended());
    EXPECT_EQ(tended()->replicas, (std::set{birch, cedar})) << "the lost one is let go when the new one is up to date";
}

TEST_F(Replicas, ThatNobodyKnewOfAreKeptUntilTheyAreOneTooMany) {
    scene_.report(birch).datasets = {replica(1, {snap(1, 4)})};
    ASSERT_TRUE(tended());
    EXPECT_EQ(tended()->replicas, std::set{birch});
    volume().replicas = 0;
    scene_.owned(database()).replicas = {birch};
    ASSERT_TRUE(tended());
    EXPECT_EQ(tended()->leaving, std::set{birch});
}

TEST_F(Replicas, WaitForTheirTurnWhenEnoughFullCopiesAreUnderWay) {
    scene_.records.settings.full_copies_max = 0;
    EXPECT_FALSE(tended());
}

TEST_F(Replicas, ThatAreLetGoAreForgottenWhenTheirNodeSaysSo) {
    scene_.owned(database()).replicas = {cedar};
    scene_.owned(database()).leaving = {birch};
    scene_.report(birch).datasets = {replica(1, {snap(1, 4)})};
    EXPECT_FALSE(tended());
    DatasetSeen aside = replica(1, {});
    aside.set_aside = {{snap(1, 4), noon, Bytes{1}}};
    scene_.report(birch).datasets = {aside};
    ASSERT_TRUE(tended());
    EXPECT_TRUE(tended()->leaving.empty()) << "what was set aside stays";
}

/// birch is named, though cedar would be chosen.
class NamedReplicas : public Replicas {
protected:
    NamedReplicas() { name({birch}); }
    void name(std::set<NodeId> nodes) { scene_.records.configuration.at(db).replica_nodes = std::move(nodes); }
    void keep(std::set<NodeId> nodes) { scene_.owned(database()).replicas = std::move(nodes); }
};

TEST_F(NamedReplicas, AreKeptOnTheNamedNodesAndAsManyAsThose) {
    EXPECT_EQ(tended()->replicas, std::set{birch});
    name({birch, cedar});
    keep({birch});
    EXPECT_EQ(tended()->replicas, (std::set{birch, cedar}));
    keep({birch, cedar});
    EXPECT_FALSE(tended());
    name({});
    EXPECT_EQ(wished_replicas(scene_.records, scene_.owned(database())), 0U);
}

TEST_F(NamedReplicas, AreMadeBeforeTheOthersAreLetGo) {
    keep({cedar});
    up_to_date(cedar);
    EXPECT_EQ(tended()->replicas, (std::set{birch, cedar}));
    keep({birch, cedar});
    EXPECT_FALSE(tended()) << "the new one is not whole";
    up_to_date(birch);
    ASSERT_TRUE(tended());
    EXPECT_EQ(tended()->replicas, std::set{birch});
    EXPECT_EQ(tended()->leaving, std::set{cedar});
}

TEST_F(NamedReplicas, WaitForANodeThatIsLostOrHasNoRoom) {
    scene_.report(birch).pool_free = Bytes{1 << 20U};
    EXPECT_FALSE(tended()) << "nobody else is asked";
    keep({birch});
    scene_.silence(birch, 1000s);
    EXPECT_FALSE(tended());
}

TEST_F(NamedReplicas, AreChosenInThePlaceOfANodeThatBecameTheOwner) {
    scene_.moving(database(), birch, MovePhase::settling);
    scene_.owned(database()).move.reset();
    EXPECT_EQ(scene_.owned(database()).replicas, std::set{alder});
    EXPECT_FALSE(tended()) << "the old owner keeps the one that is wished";
    keep({});
    scene_.report(birch).datasets = {live_dataset(2, {snap(1, 5)})};
    scene_.report(alder).datasets = {replica(2, {snap(1, 5)})};
    volume().spread = Spread::anywhere;
    EXPECT_EQ(tended()->replicas, std::set{alder}) << "it holds some";
}

TEST_F(NamedReplicas, AreChosenInThePlaceOfANodeThatIsDrainedOrHasLeftAndGoBack) {
    keep({birch});
    up_to_date(birch);
    scene_.records.nodes.at(birch).draining = true;
    EXPECT_EQ(tended()->replicas, (std::set{birch, cedar}));
    keep({birch, cedar});
    up_to_date(cedar);
    EXPECT_EQ(tended()->replicas, std::set{cedar});
    keep({cedar});
    scene_.owned(database()).leaving = {birch};
    EXPECT_FALSE(tended());
    scene_.owned(database()).leaving.clear();
    scene_.records.nodes.at(birch).draining = false;
    EXPECT_EQ(tended()->replicas, (std::set{birch, cedar}));
    keep({birch, cedar});
    EXPECT_EQ(tended()->replicas, std::set{birch});
    scene_.records.nodes.erase(birch);
    keep({});
    EXPECT_EQ(tended()->replicas, std::set{cedar});
}

TEST_F(Replicas, AreAsFarBehindAsTheirProofIsOld) {
    scene_.owned(database()).replicas = {birch, cedar};
    up_to_date(cedar);
    const auto lags = lags_of(scene_.view(), scene_.owned(database()));
    ASSERT_EQ(lags.size(), 2U);
    EXPECT_EQ(lags[0].node, birch);
    EXPECT_FALSE(lags[0].behind);
    EXPECT_FALSE(lags[0].reason.empty());
    EXPECT_EQ(lags[1].behind, Duration{500ms});
    EXPECT_TRUE(lags[1].reason.empty());
}

}  // namespace
}  // namespace flocker::plan
