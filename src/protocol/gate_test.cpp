// SPDX-License-Identifier: Apache-2.0
//
// When a container is brought to its gate, and when the gate is opened.
#include <gtest/gtest.h>

#include "protocol/testing.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace protocol::testing;

TEST(GateOfTheOwner, OpensOnlyOnTheMountedCopyThatItOwns) {
    Bench node{Duty::serve, Intent::run};
    node.has(waiting(db));
    node.seen = live_dataset(1, {snap(1, 5)});
    EXPECT_TRUE(just(node.steps(), ReleaseContainer{db}));
    node.seen->mounted = false;
    EXPECT_TRUE(just(node.steps(), MountDataset{orders}));
    node.seen = replica(1, {snap(1, 5)});
    EXPECT_FALSE(any<ReleaseContainer>(node.steps())) << "the owner's copy is missing";
    node.seen.reset();
    EXPECT_FALSE(any<ReleaseContainer>(node.steps()));
    node.seen = live_dataset(2, {snap(1, 5)});
    EXPECT_FALSE(any<ReleaseContainer>(node.steps())) << "the pool knows another epoch";
}

TEST(GateOfTheOwner, StaysShutWhileAStrangersContainerIsLeft) {
    Bench node{Duty::serve, Intent::run};
    node.has(waiting(db));
    node.seen = live_dataset(1, {snap(1, 5)});
    node.details.strangers_gone = false;
    EXPECT_TRUE(node.steps().empty());
}

TEST(GateOfTheOwner, IsOpenedFromTheCacheOnlyForWhatThePoolSaysItOwns) {
    Bench node{Duty::serve, Intent::run};
    node.has(waiting(db));
    node.details.assignment_fresh = false;
    node.seen = live_dataset(1, {snap(1, 5)});
    EXPECT_TRUE(just(node.steps(), ReleaseContainer{db}));
    node.seen->seal = Seal{MoveId{3}, snap(1, 5)};
    EXPECT_TRUE(node.steps().empty()) << "it was given away";
    node.seen->seal.reset();
    node.seen->epoch = Epoch{2};
    EXPECT_TRUE(node.steps().empty());
}

TEST(GateOfTheSource, IsNeverOpenedWhileItIsSealed) {
    Bench node{Duty::seal, Intent::hold};
    node.dataset->move = MoveId{3};
    node.details.ports_closed = true;
    node.has(waiting(db));
    node.seen = live_dataset(1, {snap(1, 5)});
    EXPECT_TRUE(just(node.steps(), StopContainer{db, false}));
    node.seen->seal = Seal{MoveId{3}, snap(1, 9)};
    EXPECT_TRUE(node.steps().empty());
}

class GateOfTheTarget : public ::testing::Test {
protected:
    GateOfTheTarget() {
        node_.seen = replica(1, {snap(1, 5)});
        node_.has(created(db));
    }
    void on_trial() {
        node_.dataset->duty = Duty::trial;
        node_.dataset->move = MoveId{3};
        node_.dataset->from = snap(1, 9);
        node_.application->intent = Intent::run;
        node_.application->move = MoveId{3};
    }
    Bench node_{Duty::receive, Intent::prepare};
};

TEST_F(GateOfTheTarget, IsReachedWhenDataOfTheOwnersEpochIsHere) {
    EXPECT_TRUE(just(node_.steps(), StartContainer{db}));
    node_.has(waiting(db));
    EXPECT_TRUE(node_.steps().empty()) << "and no further before the commit";
    node_.has(created(db));
    node_.seen->snapshots = {{snap(0, 5), noon}};
    EXPECT_TRUE(node_.steps().empty()) << "an old replica: most of the data is still to come";
    node_.seen.reset();
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(GateOfTheTarget, IsReachedAgainWhenTheEngineEndedTheContainer) {
    node_.has(exited(db, 137));
    EXPECT_TRUE(just(node_.steps(), StartContainer{db}));
}

TEST_F(GateOfTheTarget, IsLeftOutWithoutOne) {
    node_.application->application.gate = node_.spec.application.gate = false;
    node_.has(created(db));
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(GateOfTheTarget, OpensOnTheMountedTrialOfThisMove) {
    on_trial();
    node_.has(waiting(db));
    node_.seen->snapshots.push_back({snap(1, 9), noon});
    EXPECT_TRUE(just(node_.steps(), StartTrial{orders, MoveId{3}, snap(1, 9)})) << "it goes on waiting";
    node_.seen->trial = Trial{MoveId{3}, snap(1, 9)};
    EXPECT_TRUE(just(node_.steps(), MountDataset{orders}));
    node_.seen->mounted = true;
    EXPECT_FALSE(any<ReleaseContainer>(node_.steps())) << "a client could come in";
    node_.details.ports_closed = true;
    EXPECT_TRUE(any<ReleaseContainer>(node_.steps()));
}

TEST_F(GateOfTheTarget, IsWaitedAtWhileAnotherApplicationsContainerGoes) {
    on_trial();
    node_.has(waiting(db));
    node_.seen->snapshots.push_back({snap(1, 9), noon});
    node_.details.strangers_gone = false;
    EXPECT_TRUE(node_.steps().empty()) << "it would take the move down with it";
    node_.details.strangers_gone = true;
    EXPECT_TRUE(just(node_.steps(), StartTrial{orders, MoveId{3}, snap(1, 9)}));
}

TEST_F(GateOfTheTarget, StaysShutOnATrialOfAnotherMove) {
    on_trial();
    node_.has(waiting(db));
    node_.seen->trial = Trial{MoveId{2}, snap(1, 5)};
    node_.seen->mounted = true;
    EXPECT_FALSE(any<ReleaseContainer>(node_.steps()));
}

TEST_F(GateOfTheTarget, HoldsNothingThatRunsBesideANewTrial) {
    on_trial();
    node_.seen->snapshots.push_back({snap(1, 9), noon});
    node_.has(running(db));
    EXPECT_TRUE(just(node_.steps(), StopContainer{db, false}));
    node_.has(waiting(db));
    node_.container->fingerprint = "of an older specification";
    EXPECT_TRUE(just(node_.steps(), StopContainer{db, false}));
}

TEST(Cutover, FreezeEndsTheApplicationAtOnceAndOnlyThere) {
    Bench node{Duty::seal, Intent::hold};
    node.dataset->move = MoveId{3};
    node.application->application.cutover = Cutover::freeze;
    node.spec.application.cutover = Cutover::freeze;
    node.details.ports_closed = true;
    node.has(running(db));
    node.seen = live_dataset(1, {snap(1, 5)});
    EXPECT_TRUE(just(node.steps(), StopContainer{db, true}));
    node.dataset->duty = Duty::receive;
    node.dataset->epoch = Epoch{2};
    node.application.reset();
    EXPECT_TRUE(just(node.steps(), RemoveContainer{db}));
}

TEST(Hook, IsRunBesideTheApplicationWhenItIsReadyAndNothingElseIsAskedOfIt) {
    Bench node{Duty::serve, Intent::run};
    node.application->application.before_move = {"checkpoint"};
    node.application->hook_for = MoveId{3};
    node.seen = live_dataset(1, {snap(1, 5)});
    node.has(running(db));
    EXPECT_TRUE(node.steps().empty()) << "it has been run";
    node.details.hook_wanted = true;
    EXPECT_TRUE(just(node.steps(), RunHook{db, {"checkpoint"}}));
    node.details.asking_busy = true;
    EXPECT_TRUE(node.steps().empty());
    node.details.asking_busy = false;
    node.container->ready = false;
    EXPECT_TRUE(just<AwaitReady>(node.steps()));
}

}  // namespace
}  // namespace flocker::protocol
