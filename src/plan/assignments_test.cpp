// SPDX-License-Identifier: Apache-2.0
#include "plan/assignments.hpp"

#include <gtest/gtest.h>

#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;

const DatasetAssignment* dataset_of(const Assignment& assignment) {
    return assignment.datasets.size() == 1 ? &assignment.datasets.front() : nullptr;
}
const ApplicationAssignment* application_of(const Assignment& assignment) {
    return assignment.applications.size() == 1 ? &assignment.applications.front() : nullptr;
}

class Assignments : public ::testing::Test {
protected:
    Assignments() { scene_.settled(database(), alder); }
    [[nodiscard]] Assignment of(const NodeId& node) const { return assignment_for(scene_.records, node); }

    Scene scene_;
};

TEST_F(Assignments, TellTheOwnerToServeAndToRun) {
    const Assignment alders = of(alder);
    EXPECT_EQ(alders.node, alder);
    EXPECT_EQ(alders.revision, scene_.records.revision);
    ASSERT_TRUE(dataset_of(alders));
    EXPECT_EQ(dataset_of(alders)->duty, Duty::serve);
    EXPECT_EQ(dataset_of(alders)->epoch, Epoch{1});
    EXPECT_EQ(dataset_of(alders)->feed, std::nullopt);
    ASSERT_TRUE(application_of(alders));
    EXPECT_EQ(application_of(alders)->intent, Intent::run);
    EXPECT_EQ(application_of(alders)->move, MoveId{0});
}

TEST_F(Assignments, TellTheNodesOwnBandwidthOrElseTheClustersAndThatOfTheVolume) {
    scene_.records.settings.bandwidth = {Bytes{1'000'000}};
    EXPECT_EQ(of(alder).bandwidth, Bandwidth{Bytes{1'000'000}});
    EXPECT_EQ(dataset_of(of(alder))->bandwidth, Bandwidth{});
    scene_.records.nodes.at(alder).bandwidth.emplace();
    scene_.records.configuration.at(db).application.volume->bandwidth = {Bytes{7'000'000}};
    EXPECT_EQ(of(alder).bandwidth, Bandwidth{}) << "unlimited is a word of its own";
    EXPECT_EQ(of(birch).bandwidth, Bandwidth{Bytes{1'000'000}});
    EXPECT_EQ(dataset_of(of(alder))->bandwidth, Bandwidth{Bytes{7'000'000}});
}

TEST_F(Assignments, TellAStrangerNothingButTheRoutesAndTheMembers) {
    const Assignment cedars = of(cedar);
    EXPECT_TRUE(cedars.datasets.empty());
    EXPECT_TRUE(cedars.applications.empty());
    EXPECT_EQ(cedars.routes, (std::vector<Route>{{5432, 5432, db, alder, false}}));
    EXPECT_EQ(cedars.nodes.size(), 3U);
}

TEST_F(Assignments, LetAVolumeBeMadeOnlyUntilItsOwnerHasReportedIt) {
    EXPECT_FALSE(dataset_of(of(alder))->may_create);
    scene_.owned(database()).established = false;
    EXPECT_TRUE(dataset_of(of(alder))->may_create);
    scene_.owned(database()).replicas = {birch};
    EXPECT_FALSE(dataset_of(of(birch))->may_create);
}

TEST_F(Assignments, LetTheOwnerServeAndTheTargetPrepareWhileAMoveIsStaged) {
    scene_.moving(database(), birch, MovePhase::staging);
    EXPECT_EQ(dataset_of(of(alder))->duty, Duty::serve);
    EXPECT_EQ(dataset_of(of(alder))->feed, birch);
    EXPECT_EQ(application_of(of(alder))->intent, Intent::run);
    EXPECT_EQ(dataset_of(of(birch))->duty, Duty::receive);
    EXPECT_EQ(dataset_of(of(birch))->owner, alder);
    EXPECT_EQ(application_of(of(birch))->intent, Intent::prepare);
    EXPECT_FALSE(of(cedar).routes.front().held);
}

TEST_F(Assignments, TellAnOwnerInSealingToSealAndToHold) {
    scene_.moving(database(), birch, MovePhase::sealing);
    const Assignment alders = of(alder);
    EXPECT_EQ(dataset_of(alders)->duty, Duty::seal);
    EXPECT_EQ(dataset_of(alders)->move, MoveId{3});
    EXPECT_EQ(dataset_of(alders)->epoch, Epoch{1});
    EXPECT_EQ(dataset_of(alders)->feed, birch);
    EXPECT_EQ(application_of(alders)->intent, Intent::hold);
    EXPECT_EQ(application_of(alders)->move, MoveId{3});
    EXPECT_EQ(dataset_of(of(birch))->duty, Duty::receive);
    EXPECT_EQ(application_of(of(birch))->intent, Intent::prepare);
}

TEST_F(Assignments, GiveTheTargetInTrialTheSealedSnapshotAndKeepTheSourceSealed) {
    scene_.moving(database(), birch, MovePhase::trial);
    const Assignment birchs = of(birch);
    EXPECT_EQ(dataset_of(birchs)->duty, Duty::trial);
    EXPECT_EQ(dataset_of(birchs)->from, snap(1, 9));
    EXPECT_EQ(dataset_of(birchs)->move, MoveId{3});
    EXPECT_EQ(dataset_of(birchs)->owner, alder);
    EXPECT_EQ(application_of(birchs)->intent, Intent::run);
    EXPECT_EQ(application_of(birchs)->move, MoveId{3});
    EXPECT_EQ(dataset_of(of(alder))->duty, Duty::seal);
    EXPECT_EQ(application_of(of(alder))->intent, Intent::hold);
}

TEST_F(Assignments, HoldTheRoutesOfACutoverOnEveryNodeAndNoOthers) {
    scene_.settled(website(), cedar);
    for (const auto phase : {MovePhase::sealing, MovePhase::trial}) {
        scene_.moving(database(), birch, phase);
        for (const auto& id : {alder, birch, cedar}) {
            EXPECT_EQ(of(id).routes, (std::vector<Route>{{5432, 5432, db, alder, true}, {8080, 80, web, cedar, false}}))
                << to_string(phase) << " on " << id;
        }
    }
}

TEST_F(Assignments, MakeTheTargetTheOwnerThatServesAfterTheCommit) {
    scene_.moving(database(), birch, MovePhase::settling);
    const Assignment birchs = of(birch);
    EXPECT_EQ(dataset_of(birchs)->duty, Duty::serve);
    EXPECT_EQ(dataset_of(birchs)->epoch, Epoch{2});
    EXPECT_EQ(dataset_of(birchs)->move, MoveId{3});
    EXPECT_EQ(dataset_of(birchs)->won_from, alder);
    EXPECT_EQ(dataset_of(birchs)->replicas, (std::set{alder}));
    EXPECT_EQ(application_of(birchs)->intent, Intent::run);
    EXPECT_EQ(application_of(birchs)->move, MoveId{0});
    EXPECT_EQ(of(cedar).routes, (std::vector<Route>{{5432, 5432, db, birch, false}}));

    EXPECT_EQ(dataset_of(of(alder))->duty, Duty::receive);
    EXPECT_EQ(dataset_of(of(alder))->epoch, Epoch{2});
    EXPECT_EQ(application_of(of(alder))->intent, Intent::stand_by) << "a replica has the image at hand";
}

TEST_F(Assignments, RememberTheMoveThatMadeTheOwnerWhenItIsOver) {
    scene_.moving(database(), birch, MovePhase::settling);
    scene_.owned(database()).move.reset();
    EXPECT_EQ(dataset_of(of(birch))->move, MoveId{3});
    EXPECT_EQ(dataset_of(of(birch))->won_from, std::nullopt);
}

TEST_F(Assignments, NeverLetTwoNodesServeOneDataset) {
    for (const auto phase : {MovePhase::staging, MovePhase::sealing, MovePhase::trial, MovePhase::settling}) {
        Scene scene;
        scene.settled(database(), alder);
        scene.moving(database(), birch, phase);
        int owners = 0;
        int writers = 0;
        for (const auto& [id, member] : scene.records.nodes) {
            const Assignment assignment = assignment_for(scene.records, id);
            for (const auto& dataset : assignment.datasets) {
                owners += dataset.duty == Duty::serve || dataset.duty == Duty::seal ? 1 : 0;
                writers += dataset.duty == Duty::serve || dataset.duty == Duty::trial ? 1 : 0;
            }
        }
        EXPECT_EQ(owners, 1) << to_string(phase);
        EXPECT_EQ(writers, phase == MovePhase::sealing ? 0 : 1) << to_string(phase);
    }
}

TEST_F(Assignments, KeepTheVolumeOfAnApplicationThatWasRemovedAndRunNothingOnIt) {
    scene_.records.configuration.clear();
    scene_.owned(database()).application.reset();
    EXPECT_EQ(dataset_of(of(alder))->duty, Duty::serve);
    EXPECT_TRUE(of(alder).applications.empty());
    EXPECT_TRUE(of(alder).routes.empty());
}

TEST_F(Assignments, HaveEveryHolderDestroyADatasetThatIsToGoAndRunNothing) {
    scene_.owned(database()).destroying = true;
    scene_.owned(database()).replicas = {birch};
    EXPECT_EQ(dataset_of(of(alder))->duty, Duty::destroy);
    EXPECT_EQ(dataset_of(of(birch))->duty, Duty::destroy);
    EXPECT_EQ(dataset_of(of(cedar))->duty, Duty::destroy) << "what was set aside may be anywhere";
    EXPECT_TRUE(of(alder).applications.empty());
}

TEST_F(Assignments, MoveAnApplicationWithoutAVolumeInTheSamePhases) {
    scene_.settled(website(), cedar);
    scene_.moving(website(), birch, MovePhase::sealing);
    EXPECT_EQ(application_of(of(cedar))->intent, Intent::hold);
    EXPECT_EQ(application_of(of(birch))->intent, Intent::prepare);
    EXPECT_TRUE(of(cedar).datasets.empty());
}

}  // namespace
}  // namespace flocker::plan
