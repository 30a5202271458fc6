// SPDX-License-Identifier: Apache-2.0
#include "plan/takeover.hpp"

#include <gtest/gtest.h>

#include "plan/assignments.hpp"
#include "plan/deploy.hpp"
#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;

/// The machine of the control service, cedar, is lost; the copy says that alder owns the database.
class WithACopyOfTheRecords : public ::testing::Test {
protected:
    WithACopyOfTheRecords() {
        scene_.settled(database(), alder).replicas = {birch};
        scene_.report(birch).datasets = {replica(1, {snap(1, 5)})};
        scene_.records = taken_over(scene_.records, scene_.now);
        scene_.started = scene_.now;
        for (auto& [id, state] : scene_.states) state.published = Revision{0};
    }
    void heard(const NodeId& id) { scene_.report(id).looked = true; }
    void heed() {
        for (const Change& change : heed_pools(scene_.view())) apply(change, scene_.records);
    }
    [[nodiscard]] Ownership& owned() { return scene_.owned(database()); }

    Scene scene_;
};

TEST_F(WithACopyOfTheRecords, NothingIsNumberedAsByTheOldControlService) {
    EXPECT_GT(scene_.records.revision.value, 1'000'000'000U);
    EXPECT_EQ(term_of(scene_.records.revision), 1U);
    EXPECT_EQ(scene_.records.takeover->copied, Revision{7});
    EXPECT_GE(scene_.records.last_move, scene_.records.revision.value);
    EXPECT_GT(next_epoch(scene_.records, owned()), Epoch{100}) << "an unheard owner may have the next ones";
    const Records again = taken_over(scene_.records, scene_.now);
    EXPECT_EQ(term_of(again.revision), 2U);
}

TEST_F(WithACopyOfTheRecords, AnOldOneOutranksWhatOtherControlServicesSaidSinceThen) {
    const Revision fifth_term{(std::uint64_t{5} << 40U) + 17};
    const Records again = restored(scene_.records, {fifth_term, {}}, scene_.now);
    EXPECT_EQ(term_of(again.revision), 6U);
    EXPECT_GE(again.last_move, again.revision.value);
    EXPECT_EQ(again.takeover->copied, scene_.records.revision);
    EXPECT_EQ(again.takeover->unheard.size(), scene_.records.nodes.size());
}

TEST_F(WithACopyOfTheRecords, WhoeverJoinedAfterItWasMadeIsAMemberWhosePoolIsHeard) {
    Node dill = scene_.records.nodes.at(birch);
    dill.id = NodeId{"dddddddd-4444-4444-8444-444444444444"};
    dill.name = "dill";
    Node again = scene_.records.nodes.at(cedar);
    again.id = NodeId{"cccccccc-5555-4555-8555-555555555555"};
    const std::string name = again.name;
    const Records known = restored(scene_.records, {Revision{9}, {dill, again}}, scene_.now);
    EXPECT_EQ(known.nodes.at(dill.id), dill);
    EXPECT_TRUE(known.takeover->unheard.contains(dill.id));
    EXPECT_EQ(known.nodes.at(again.id).name, name) << "it joined under the name of one that was taken out";
    EXPECT_EQ(known.nodes.at(cedar).name, name + "-" + cedar.value.substr(0, 8));
}

TEST_F(WithACopyOfTheRecords, NobodyIsToldAnythingBeforeItHasSaidWhatItHolds) {
    EXPECT_FALSE(is_informed(scene_.view()));
    EXPECT_TRUE(is_withheld(scene_.view(), alder));
    for (const NodeId& node : {alder, birch, cedar}) heard(node);
    EXPECT_TRUE(is_informed(scene_.view()));
    heed();
    EXPECT_FALSE(scene_.records.takeover);
    EXPECT_FALSE(is_withheld(scene_.view(), alder));
    EXPECT_EQ(next_epoch(scene_.records, owned()), Epoch{2});
}

TEST_F(WithACopyOfTheRecords, ALostMachineIsWaitedForOnlySoLong) {
    heard(alder);
    heard(birch);
    EXPECT_FALSE(is_informed(scene_.view()));
    scene_.now = scene_.now + 11s;
    EXPECT_TRUE(is_informed(scene_.view()));
    heed();
    EXPECT_EQ(scene_.records.takeover->unheard, std::set{cedar});
    EXPECT_TRUE(is_withheld(scene_.view(), cedar));
    EXPECT_TRUE(heed_pools(scene_.view()).empty()) << "nobody new";
    scene_.records.nodes.erase(cedar);
    heed();
    EXPECT_FALSE(scene_.records.takeover) << "a node that was removed is waited for no longer";
}

TEST_F(WithACopyOfTheRecords, AnOwnerWhosePoolKnowsAHigherEpochIsTheOwner) {
    scene_.report(birch).datasets = {live_dataset(2, {snap(1, 5), snap(1, 6), snap(2, 1)})};
    heard(birch);
    heed();
    EXPECT_EQ(owned().owner, birch);
    EXPECT_EQ(owned().epoch, Epoch{2});
    EXPECT_EQ(owned().began_from, snap(1, 6));
    EXPECT_EQ(owned().replicas, std::set{alder});
    EXPECT_EQ(scene_.records.configuration.at(db).node, birch) << "or it would be moved back";
}

TEST_F(WithACopyOfTheRecords, ATargetThatWonAndHasNotBeenToldIsTheOwnerWhenTheSourceHasSteppedDown) {
    Move& move = scene_.moving(database(), birch, MovePhase::trial);
    move.sealed = snap(1, 6);
    scene_.report(alder).datasets = {replica(2, {snap(1, 6)})};
    DatasetSeen waiting = replica(1, {snap(1, 6)});
    waiting.trial = Trial{move.id, snap(1, 6)};
    scene_.report(birch).datasets = {waiting};
    const MoveId won = move.id;
    heard(alder);
    heed();
    heard(birch);
    heed();
    EXPECT_EQ(owned().owner, birch);
    EXPECT_EQ(owned().epoch, Epoch{2});
    EXPECT_EQ(owned().won_by, won) << "or its trial would be thrown away";
    EXPECT_EQ(owned().began_from, snap(1, 6));
    EXPECT_TRUE(owned().replicas.contains(alder));
    EXPECT_FALSE(owned().move);
}

TEST_F(WithACopyOfTheRecords, AnOwnerThatWonAgainIsNoReplicaOfItself) {
    scene_.report(alder).datasets = {live_dataset(3)};
    heard(alder);
    heed();
    EXPECT_EQ(owned().epoch, Epoch{3});
    EXPECT_EQ(owned().replicas, std::set{birch});
}

TEST_F(WithACopyOfTheRecords, OfTwoThatKnowBetterTheHigherEpochWins) {
    scene_.report(birch).datasets = {live_dataset(2)};
    scene_.report(cedar).datasets = {live_dataset(3)};
    heard(birch);
    heard(cedar);
    heed();
    EXPECT_EQ(owned().owner, cedar);
    EXPECT_EQ(owned().replicas, (std::set{alder, birch}));
}

TEST_F(WithACopyOfTheRecords, AVolumeThatWasOnlyPlannedIsNotMadeWhileAnotherNodeMayHaveIt) {
    owned().established = false;
    scene_.report(alder).datasets.clear();
    heard(alder);
    heard(birch);
    heed();
    EXPECT_FALSE(assignment_for(scene_.records, alder).datasets.front().may_create);
    const Records before = scene_.records;
    heard(cedar);
    heed();
    EXPECT_TRUE(assignment_for(scene_.records, alder).datasets.front().may_create);
    scene_.records = before;
    scene_.report(cedar).datasets = {live_dataset(1)};
    heed();
    EXPECT_EQ(owned().owner, cedar) << "it was made there";
    EXPECT_TRUE(owned().established);
}

TEST_F(WithACopyOfTheRecords, AVolumeThatItDoesNotKnowIsNobodysUntilADeploymentClaimsIt) {
    const SubjectId subject = subject_of(database());
    scene_.records.ownerships.clear();
    scene_.records.configuration.clear();
    scene_.report(alder).datasets.clear();
    scene_.report(birch).datasets = {live_dataset(3)};
    scene_.report(cedar).datasets = {replica(3, {snap(3, 4)})};
    heard(alder);
    heard(birch);
    heard(cedar);
    heed();
    ASSERT_TRUE(scene_.records.ownerships.contains(subject));
    const Ownership& found = scene_.records.ownerships.at(subject);
    EXPECT_FALSE(found.application);
    EXPECT_EQ(found.owner, birch);
    EXPECT_EQ(found.epoch, Epoch{3});
    EXPECT_TRUE(found.established);
    EXPECT_EQ(found.replicas, std::set{cedar});
}

TEST_F(WithACopyOfTheRecords, AVolumeThatItDoesNotKnowIsNotDeployedWhileANodeMayHaveIt) {
    scene_.records.ownerships.clear();
    scene_.records.configuration.clear();
    scene_.report(alder).datasets.clear();
    heard(alder);
    heard(birch);
    heed();
    const Deployment with_volume{{database()}, {{on("alder"), {db}}}};
    const auto planned = plan_deployment(scene_.view(), with_volume);
    const auto* reasons = std::get_if<std::vector<Refusal>>(&planned);
    ASSERT_TRUE(reasons);
    EXPECT_NE(reasons->front().message.find("`flocker node rm cedar`"), std::string::npos) << reasons->front().message;
    EXPECT_TRUE(std::holds_alternative<DeployPlan>(plan_deployment(scene_.view(), {{website()}, {{on("alder"), {web}}}})));
    heard(cedar);
    heed();
    EXPECT_TRUE(std::holds_alternative<DeployPlan>(plan_deployment(scene_.view(), with_volume)));
}

TEST_F(WithACopyOfTheRecords, ASealOnAWordThatTheCopyLacksIsNotBrokenWhileATargetMayHaveWon) {
    scene_.report(alder).datasets.front().seal = Seal{MoveId{9}, snap(1, 9), Revision{8}};
    heard(alder);
    heard(birch);
    heed();
    EXPECT_TRUE(is_withheld(scene_.view(), alder)) << "it would be told to serve";
    EXPECT_FALSE(is_withheld(scene_.view(), birch));
    heard(cedar);
    heed();
    EXPECT_FALSE(is_withheld(scene_.view(), alder)) << "nobody has won it";
}

TEST_F(WithACopyOfTheRecords, WhatWasStoppedForAForgottenCutoverStartsAgain) {
    const auto before = scene_.records.configuration.at(db).incarnation;
    scene_.report(alder).datasets.front().seal = Seal{MoveId{9}, snap(1, 9), Revision{8}};
    heard(alder);
    heed();
    EXPECT_EQ(scene_.records.configuration.at(db).incarnation, before + 1) << "its restart policy may say no";
    heard(birch);
    heed();
    EXPECT_EQ(scene_.records.configuration.at(db).incarnation, before + 1) << "once";
}

TEST_F(WithACopyOfTheRecords, ASealThatTheCopyKnowsOfIsNoRiddle) {
    scene_.report(alder).datasets.front().seal = Seal{MoveId{3}, snap(1, 9), Revision{7}};
    heard(alder);
    heed();
    EXPECT_FALSE(is_withheld(scene_.view(), alder));
}

TEST_F(WithACopyOfTheRecords, ACutoverStandsStillUntilItsTargetAndItsSourceAreHeard) {
    scene_.moving(database(), birch, MovePhase::trial);
    scene_.report(alder).datasets.front().seal = Seal{MoveId{3}, snap(1, 9), Revision{7}};
    EXPECT_TRUE(is_unproven(scene_.view(), owned()));
    heard(birch);
    heed();
    EXPECT_TRUE(is_unproven(scene_.view(), owned())) << "alder may have been told to serve again";
    heard(alder);
    heed();
    EXPECT_FALSE(is_unproven(scene_.view(), owned()));
    EXPECT_TRUE(owned().move) << "alder is sealed for it still";
}

TEST_F(WithACopyOfTheRecords, ACutoverThatWasGivenUpSinceThenDoesNotGoOnFromTheOldSnapshot) {
    scene_.moving(database(), birch, MovePhase::trial);
    heard(alder);
    heard(birch);
    heed();
    EXPECT_FALSE(owned().move) << "alder is not sealed, and clients have written there";
    EXPECT_EQ(owned().owner, alder);
    EXPECT_EQ(owned().avoided_target, birch);
    ASSERT_TRUE(last_move(owned()));
    EXPECT_FALSE(last_move(owned())->succeeded);
}

TEST_F(WithACopyOfTheRecords, AReportFromBeforeTheFirstLookAtThePoolSaysNothing) {
    scene_.report(birch).datasets.clear();
    EXPECT_TRUE(heed_pools(scene_.view()).empty());
}

}  // namespace
}  // namespace flocker::plan
