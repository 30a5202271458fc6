// SPDX-License-Identifier: Apache-2.0
#include "plan/comparison.hpp"

#include <gmock/gmock.h>

#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The database on alder with e1-s5, s6 and s7, and replicas on birch and cedar.
class ComparisonTest : public ::testing::Test {
protected:
    ComparisonTest() {
        scene.settled(database(), alder).replicas = {birch, cedar};
        scene.report(alder).datasets[0] = live_dataset(1, {snap(1, 5), snap(1, 6), snap(1, 7)});
        has(birch, {snap(1, 5), snap(1, 6)});
        has(cedar, {snap(1, 4), snap(1, 5)});
    }
    void has(const NodeId& node, const std::vector<SnapshotId>& snapshots) {
        scene.report(node).datasets = {replica(1, snapshots)};
    }
    [[nodiscard]] Result<Comparison> plan(const std::string& only = "") const {
        return plan_comparison(scene.view(), orders, only.empty() ? std::nullopt : std::optional(NodeReference{only}));
    }
    static std::vector<std::string> names(const std::vector<Node>& nodes) {
        std::vector<std::string> all;
        for (const Node& node : nodes) all.push_back(node.name);
        return all;
    }
    Scene scene;
};

TEST_F(ComparisonTest, IsAtTheNewestSnapshotThatAllOfThemHold) {
    const auto planned = plan();
    ASSERT_TRUE(planned) << planned.error();
    EXPECT_EQ(planned->snapshot, snap(1, 5));
    EXPECT_EQ(planned->owner.id, alder);
    EXPECT_THAT(names(planned->replicas), ElementsAre("birch", "cedar"));
    EXPECT_TRUE(planned->left_out.empty());
    has(cedar, {snap(1, 5), snap(1, 6)});
    EXPECT_EQ(plan()->snapshot, snap(1, 6));
}

TEST_F(ComparisonTest, IsWithOneReplicaWhereTheUserNamesIt) {
    EXPECT_EQ(plan("birch")->snapshot, snap(1, 6));
    EXPECT_THAT(names(plan("birch")->replicas), ElementsAre("birch"));
    scene.owned(database()).replicas = {cedar};
    EXPECT_TRUE(plan("birch")) << "it holds a copy, though nobody keeps it up";
}

TEST_F(ComparisonTest, LeavesOutWhoCanNotBeComparedAndSaysWhy) {
    has(cedar, {snap(1, 3)});
    const auto planned = plan();
    EXPECT_EQ(planned->snapshot, snap(1, 6));
    ASSERT_EQ(planned->left_out.size(), 1U);
    EXPECT_THAT(planned->left_out[0].second, HasSubstr("cedar holds no snapshot that the others hold"));
    scene.silence(cedar, 20s);
    EXPECT_THAT(plan()->left_out[0].second, HasSubstr("does not answer"));
}

TEST_F(ComparisonTest, IsRefusedWhereThereIsNothingToCompare) {
    EXPECT_EQ(plan("alder").error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(plan("nowhere").error().code, ErrorCode::not_found);
    has(birch, {});
    has(cedar, {});
    EXPECT_EQ(plan().error().code, ErrorCode::unavailable);
    EXPECT_THAT(plan().error().message, HasSubstr("birch holds no snapshot of it yet; cedar holds"));
    scene.silence(alder, 20s);
    EXPECT_THAT(plan().error().message, HasSubstr("alder, the owner of db, does not answer"));
    scene.owned(database()).replicas.clear();
    EXPECT_EQ(plan().error().code, ErrorCode::conflict);
    EXPECT_EQ(plan_comparison(scene.view(), DatasetId{"none"}, {}).error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace flocker::plan
