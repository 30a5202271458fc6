// SPDX-License-Identifier: Apache-2.0
#include "plan/asides.hpp"

#include <gmock/gmock.h>

#include "plan/assignments.hpp"
#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;
using ::testing::HasSubstr;

/// The database on alder; e1-s6 is set aside on birch, which has a replica as well.
class Asides : public ::testing::Test {
protected:
    Asides() {
        scene.settled(database(), alder).replicas = {birch};
        DatasetSeen seen = replica(1, {snap(1, 4), snap(1, 5)});
        seen.set_aside = {{snap(1, 6), noon, Bytes{1000}}};
        scene.report(birch).datasets.push_back(seen);
    }
    [[nodiscard]] Result<std::vector<Change>> remove(const SnapshotId& id, const std::string& node = "") const {
        return plan_aside_removal(scene.view(), orders, id,
                                  node.empty() ? std::nullopt : std::optional(NodeReference{node}));
    }
    void expect_refused(ErrorCode code, const std::string& text, const Result<std::vector<Change>>& planned) {
        ASSERT_FALSE(planned);
        EXPECT_EQ(planned.error().code, code);
        EXPECT_THAT(planned.error().message, HasSubstr(text));
    }
    [[nodiscard]] std::set<SnapshotId> told(const NodeId& node) const {
        for (const auto& dataset : assignment_for(scene.records, node).datasets) return dataset.asides_to_go;
        return {};
    }
    void gone_from(const NodeId& node) { scene.report(node).datasets.back().set_aside.clear(); }

    Scene scene;
};

TEST_F(Asides, AreRemovedByTheUsersWordOnTheNodeThatHasThem) {
    const auto changes = remove(snap(1, 6));
    ASSERT_TRUE(changes) << changes.error();
    ASSERT_TRUE(only<AddEvent>(*changes));
    EXPECT_EQ(only<AddEvent>(*changes)->event.kind, EventKind::aside_removed);
    scene.commit(*changes);
    EXPECT_EQ(told(birch), std::set{snap(1, 6)});
    EXPECT_EQ(told(alder), std::set<SnapshotId>{});
    EXPECT_EQ(remove(snap(1, 6)).value().size(), 0U) << "it is on its way";
}

TEST_F(Asides, AreToldToANodeThatHasNothingElseToDoWithTheVolume) {
    scene.owned(database()).replicas.clear();
    EXPECT_TRUE(assignment_for(scene.records, birch).datasets.empty());
    scene.commit(remove(snap(1, 6)).value());
    ASSERT_EQ(assignment_for(scene.records, birch).datasets.size(), 1U);
    EXPECT_EQ(assignment_for(scene.records, birch).datasets[0].duty, Duty::receive) << "which lets nothing else go";
    EXPECT_EQ(told(birch), std::set{snap(1, 6)});
}

TEST_F(Asides, AreNeverWhatReplicationUses) {
    expect_refused(ErrorCode::conflict, "was not set aside", remove(snap(1, 5)));
    expect_refused(ErrorCode::not_found, "there is e1-s6 on birch", remove(snap(1, 7)));
    expect_refused(ErrorCode::not_found, "there is e1-s6 on birch", remove(snap(1, 6), "alder"));
    expect_refused(ErrorCode::not_found, "no node", remove(snap(1, 6), "nowhere"));
    scene.owned(database()).destroying = true;
    expect_refused(ErrorCode::conflict, "destroyed", remove(snap(1, 6)));
}

TEST_F(Asides, HaveToBeToldApartWhereTwoNodesHaveOneOfThatName) {
    DatasetSeen seen = replica(1, {});
    seen.set_aside = {{snap(1, 6), noon, Bytes{1000}}};
    scene.report(cedar).datasets.push_back(seen);
    expect_refused(ErrorCode::conflict, "--node", remove(snap(1, 6)));
    scene.commit(remove(snap(1, 6), "cedar").value());
    EXPECT_EQ(told(cedar), std::set{snap(1, 6)});
    EXPECT_EQ(told(birch), std::set<SnapshotId>{});
}

TEST_F(Asides, AreForgottenWhenTheNodeSaysThatTheyAreGone) {
    scene.commit(remove(snap(1, 6)).value());
    EXPECT_TRUE(forget_removed_asides(scene.view(), scene.owned(database())).empty()) << "it is still there";
    gone_from(birch);
    scene.states.at(birch).report.revision = Revision{scene.records.revision.value - 1};
    EXPECT_TRUE(forget_removed_asides(scene.view(), scene.owned(database())).empty()) << "that is old news";
    scene.everyone_answers();
    scene.commit(forget_removed_asides(scene.view(), scene.owned(database())));
    EXPECT_TRUE(scene.owned(database()).asides_to_go.empty());
    EXPECT_TRUE(forget_removed_asides(scene.view(), scene.owned(database())).empty()) << "nothing is left to do";
}

TEST_F(Asides, AreForgottenWithTheNodeThatLeavesTheCluster) {
    scene.commit(remove(snap(1, 6)).value());
    scene.records.nodes.erase(birch);
    scene.commit(forget_removed_asides(scene.view(), scene.owned(database())));
    EXPECT_TRUE(scene.owned(database()).asides_to_go.empty());
}

}  // namespace
}  // namespace flocker::plan
