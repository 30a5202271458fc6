// SPDX-License-Identifier: Apache-2.0
#include "protocol/convergence.hpp"

#include <gtest/gtest.h>

#include "protocol/testing.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace protocol::testing;

/// alder owns the database at epoch 1 and runs it.
class Serving : public ::testing::Test {
protected:
    Serving() {
        node_.seen = live_dataset(1, {snap(1, 5)});
        node_.has(running(db));
    }
    Bench node_{Duty::serve, Intent::run};
};

TEST_F(Serving, IsDoneWhenAllIsAsItShouldBe) { EXPECT_TRUE(node_.steps().empty()); }

TEST_F(Serving, GoesFromNothingToReadyStepByStep) {
    node_.seen.reset();
    node_.container.reset();
    node_.image_present = false;
    node_.dataset->may_create = true;
    EXPECT_TRUE(just(node_.steps(), CreateDataset{orders, Epoch{1}}));
    node_.seen = live_dataset(1);
    node_.seen->mounted = false;
    EXPECT_TRUE(just(node_.steps(), MountDataset{orders}));
    node_.seen->mounted = true;
    EXPECT_TRUE(just<GetImage>(node_.steps()));
    node_.image_present = true;
    EXPECT_TRUE(just(node_.steps(), CreateContainer{node_.spec}));
    node_.has(created(db));
    EXPECT_TRUE(just(node_.steps(), StartContainer{db}));
    node_.has(running(db));
    node_.container->ready = false;
    EXPECT_TRUE(just(node_.steps(), AwaitReady{database()}));
    node_.container->ready = true;
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(Serving, StartsNothingOnADatasetThatIsMissing) {
    node_.seen.reset();
    node_.has(created(db));
    EXPECT_TRUE(just<Complain>(node_.steps()));
}

TEST_F(Serving, StartsNothingOnAReplicaInPlaceOfTheOwnersCopy) {
    node_.seen = replica(1, {snap(1, 5)});
    node_.has(created(db));
    EXPECT_TRUE(just<Complain>(node_.steps()));
}

TEST_F(Serving, NeverCreatesOverWhatIsThere) {
    node_.seen = replica(1, {snap(1, 5)});
    node_.dataset->may_create = true;
    EXPECT_FALSE(any<CreateDataset>(node_.steps()));
}

TEST_F(Serving, TouchesNothingWhenThePoolKnowsAnotherEpoch) {
    node_.seen->epoch = Epoch{2};
    EXPECT_TRUE(just<Complain>(node_.steps())) << "a newer one";
    node_.seen->seal = Seal{MoveId{3}, snap(1, 5)};
    EXPECT_TRUE(just<Complain>(node_.steps())) << "a newer one that is sealed";
    node_.seen->seal.reset();
    node_.seen->epoch = Epoch{1};
    node_.dataset->epoch = Epoch{2};
    node_.has(created(db));
    EXPECT_TRUE(just<Complain>(node_.steps())) << "an older one";
}

TEST_F(Serving, StartsNothingWhileAStrangersContainerIsLeft) {
    node_.has(created(db));
    node_.details.strangers_gone = false;
    EXPECT_TRUE(node_.steps().empty());
    node_.has(exited(db, 1));
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(Serving, TakesTheWayBackFromASealBeforeAnythingStarts) {
    node_.seen->seal = Seal{MoveId{3}, snap(1, 5)};
    node_.seen->mounted = false;
    node_.has(exited(db, 0));
    EXPECT_TRUE(just(node_.steps(), UnsealDataset{orders, Epoch{1}}));
}

TEST_F(Serving, AdoptsTheTrialOfTheMoveThatMadeItTheOwnerWhileThatRuns) {
    node_.dataset->epoch = Epoch{2};
    node_.dataset->move = MoveId{3};
    node_.dataset->won_from = birch;
    node_.seen = replica(1, {snap(1, 9)});
    node_.seen->trial = Trial{MoveId{3}, snap(1, 9)};
    EXPECT_TRUE(just(node_.steps(), AdoptTrial{orders, MoveId{3}, Epoch{2}, birch}));
}

TEST_F(Serving, AdoptsNoTrialOfAnotherMove) {
    node_.dataset->move = MoveId{4};
    node_.seen = replica(1, {snap(1, 9)});
    node_.seen->trial = Trial{MoveId{3}, snap(1, 9)};
    EXPECT_TRUE(just(node_.steps(), StopContainer{db})) << "what runs on it ends first";
    node_.has(exited(db, 0));
    EXPECT_TRUE(just(node_.steps(), DiscardTrial{orders}));
}

TEST_F(Serving, AdoptsNoTrialForAFirstOwner) {
    node_.dataset->move = MoveId{0};
    node_.seen = replica(1, {snap(1, 9)});
    node_.seen->trial = Trial{MoveId{0}, snap(1, 9)};
    EXPECT_FALSE(any<AdoptTrial>(node_.steps()));
}

TEST_F(Serving, ReplacesAChangedContainerOnlyWithItsImageHereAndItsPortsClosed) {
    node_.spec.application.image = node_.application->application.image = "postgres:16";
    node_.image_present = false;
    node_.details.ports_closed = true;
    EXPECT_TRUE(just<GetImage>(node_.steps())) << "the old one goes on meanwhile";
    node_.image_present = true;
    node_.details.ports_closed = false;
    EXPECT_TRUE(node_.steps().empty()) << "clients still reach it";
    node_.details.ports_closed = true;
    EXPECT_TRUE(just(node_.steps(), StopContainer{db}));
    node_.container->status = ContainerSeen::Status::exited;
    EXPECT_TRUE(just(node_.steps(), CreateContainer{node_.spec}));
}

TEST_F(Serving, StartsAnExitedContainerAgainOnlyWhenItsRestartPolicyLetsIt) {
    node_.has(exited(db, 1));
    node_.details.start_allowed = false;
    EXPECT_TRUE(just<Complain>(node_.steps()));
    node_.has(exited(db, 0));
    EXPECT_TRUE(node_.steps().empty());
    node_.details.start_allowed = true;
    EXPECT_TRUE(just(node_.steps(), StartContainer{db}));
}

TEST_F(Serving, TakesSnapshotsBesideTheRunningContainer) {
    node_.details.snapshot_wanted = true;
    EXPECT_TRUE(just<TakeSnapshot>(node_.steps()));
    node_.details.dataset_shared_busy = true;
    EXPECT_TRUE(node_.steps().empty()) << "one at a time";
}

TEST_F(Serving, DropsOldSnapshotsButNotThoseInUse) {
    node_.seen = live_dataset(1, {snap(1, 1), snap(1, 2), snap(1, 3)});
    node_.details.snapshots_in_use = {snap(1, 1)};
    EXPECT_TRUE(just(node_.steps(), DropSnapshots{orders, {snap(1, 2)}}));
}

TEST_F(Serving, DoesNothingExclusiveWhileAnythingElseIsUnderWay) {
    node_.seen->mounted = false;
    node_.details.container_busy = true;
    EXPECT_TRUE(node_.steps().empty());
    node_.details.container_busy = false;
    node_.details.dataset_shared_busy = true;
    EXPECT_TRUE(node_.steps().empty());
    node_.details.dataset_shared_busy = false;
    node_.details.dataset_exclusive_busy = true;
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(Serving, StartsNoContainerWhileItsDatasetChanges) {
    node_.has(created(db));
    node_.details.dataset_exclusive_busy = true;
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(Serving, KeepsTheVolumeOfARemovedApplicationAndRemovesTheContainer) {
    node_.application.reset();
    EXPECT_TRUE(just(node_.steps(), RemoveContainer{db}));
    node_.container.reset();
    EXPECT_TRUE(node_.steps().empty());
}

// --- sealing ------------------------------------------------------------------------------------

/// alder is to seal the database for move 3.
class Sealing : public ::testing::Test {
protected:
    Sealing() {
        node_.dataset->move = node_.application->move = MoveId{3};
        node_.seen = live_dataset(1, {snap(1, 5)});
        node_.has(running(db));
        node_.details.ports_closed = true;
    }
    Bench node_{Duty::seal, Intent::hold};
};

TEST_F(Sealing, StopsTheContainerOnlyWithItsPortsClosed) {
    node_.details.ports_closed = false;
    EXPECT_TRUE(node_.steps().empty());
    node_.details.ports_closed = true;
    EXPECT_TRUE(just(node_.steps(), StopContainer{db}));
}

TEST_F(Sealing, SealsOnlyWhenTheContainerHasStopped) {
    EXPECT_FALSE(any<SealDataset>(node_.steps()));
    node_.has(exited(db, 0));
    EXPECT_TRUE(just(node_.steps(), SealDataset{orders, MoveId{3}, {Epoch{1}, 1'800'000'000'000}}));
    node_.details.container_busy = true;
    EXPECT_TRUE(node_.steps().empty()) << "it is just being stopped or started";
}

TEST_F(Sealing, SealsOnlyWhenEveryStrangerIsGone) {
    node_.has(exited(db, 0));
    node_.details.strangers_gone = false;
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(Sealing, IsNotUndoneByAnAssignmentFromBeforeIt) {
    node_.has(exited(db, 0));
    node_.details.revision = Revision{8};
    node_.seen->seal = Seal{MoveId{3}, snap(1, 5), Revision{9}};
    for (const Duty duty : {Duty::serve, Duty::seal, Duty::receive, Duty::trial, Duty::destroy}) {
        node_.dataset->duty = duty;
        node_.dataset->move = MoveId{2};
        EXPECT_TRUE(just<Complain>(node_.steps())) << "a crash made it forget the newer one";
    }
    node_.dataset->duty = Duty::serve;
    node_.details.revision = Revision{10};
    EXPECT_TRUE(just(node_.steps(), UnsealDataset{orders, Epoch{1}}));
}

TEST_F(Sealing, SaysInTheSealWhichAssignmentItRestsOn) {
    node_.has(exited(db, 0));
    node_.details.revision = Revision{9};
    const auto steps = node_.steps();
    ASSERT_TRUE(just<SealDataset>(steps));
    EXPECT_EQ(std::get<SealDataset>(std::get<DatasetAction>(steps.front())).told, Revision{9});
}

TEST_F(Sealing, SealsAnewForAnotherMoveAndOnceForThisOne) {
    node_.has(exited(db, 0));
    node_.seen->seal = Seal{MoveId{2}, snap(1, 5)};
    EXPECT_TRUE(just<SealDataset>(node_.steps()));
    node_.seen->seal = Seal{MoveId{3}, snap(1, 5)};
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(Sealing, SealsNothingButTheOwnersCopyOfThisEpoch) {
    node_.has(exited(db, 0));
    for (const auto& seen : {std::optional<DatasetSeen>(), std::optional(replica(1, {snap(1, 5)})),
                             std::optional(live_dataset(2)), std::optional(live_dataset(0))}) {
        node_.seen = seen;
        EXPECT_TRUE(just<Complain>(node_.steps()));
    }
}

// --- the target ---------------------------------------------------------------------------------

/// birch is the target of move 3 in its trial, and holds the sealed snapshot.
class Trying : public ::testing::Test {
protected:
    Trying() {
        node_.dataset->move = node_.application->move = MoveId{3};
        node_.dataset->from = snap(1, 9);
        node_.seen = replica(1, {snap(1, 5), snap(1, 9)});
        node_.has(created(db));
    }
    void begun() {
        node_.seen->trial = Trial{MoveId{3}, snap(1, 9)};
        node_.seen->mounted = true;
    }
    Bench node_{Duty::trial, Intent::run};
};

TEST_F(Trying, WaitsUntilItHoldsExactlyTheSealedSnapshot) {
    node_.seen = replica(1, {snap(1, 5), snap(1, 8)});
    EXPECT_TRUE(node_.steps().empty());
    node_.seen.reset();
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(Trying, StartsFromTheSealedSnapshotStepByStep) {
    EXPECT_TRUE(just(node_.steps(), StartTrial{orders, MoveId{3}, snap(1, 9)}));
    begun();
    node_.seen->mounted = false;
    EXPECT_TRUE(just(node_.steps(), MountDataset{orders}));
    node_.seen->mounted = true;
    EXPECT_TRUE(node_.steps().empty() || just(node_.steps(), SyncTrial{orders})) << "a client could come in";
    node_.details.ports_closed = true;
    EXPECT_TRUE(just(node_.steps(), StartContainer{db}));
    node_.has(running(db));
    EXPECT_TRUE(just(node_.steps(), SyncTrial{orders})) << "while the application starts";
    node_.details.trial_synced = true;
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(Trying, ReplacesATrialOfAnotherMoveAfterWhatRunsOnItHasStopped) {
    node_.seen->trial = Trial{MoveId{2}, snap(1, 5)};
    node_.has(running(db));
    EXPECT_TRUE(just(node_.steps(), StopContainer{db}));
    node_.has(exited(db, 0));
    EXPECT_TRUE(just(node_.steps(), StartTrial{orders, MoveId{3}, snap(1, 9)}));
}

TEST_F(Trying, ComplainsWhenItsContainerExitsAndDoesNotStartItAgain) {
    begun();
    node_.has(exited(db, 1));
    EXPECT_TRUE(any<Complain>(node_.steps()));
    EXPECT_FALSE(any<StartContainer>(node_.steps()));
}

TEST_F(Trying, NeverAdoptsBeforeTheCommit) {
    begun();
    node_.has(running(db));
    EXPECT_FALSE(any<AdoptTrial>(node_.steps()));
}

/// birch is to keep a replica; the owner is alder at epoch 2.
class Receiving : public ::testing::Test {
protected:
    Receiving() { node_.seen = replica(1, {snap(1, 5)}); }
    Bench node_{Duty::receive, Intent::prepare, 2};
};

TEST_F(Receiving, PreparesTheContainerAndDoesNotStartIt) {
    EXPECT_TRUE(just(node_.steps(), CreateContainer{node_.spec}));
    node_.has(created(db));
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(Receiving, ThrowsATrialThatWasNotCommittedAwayAfterItsContainerHasStopped) {
    node_.seen->trial = Trial{MoveId{3}, snap(1, 5)};
    node_.has(running(db));
    EXPECT_TRUE(just(node_.steps(), StopContainer{db}));
    node_.has(exited(db, 0));
    EXPECT_TRUE(just(node_.steps(), DiscardTrial{orders}));
}

TEST_F(Receiving, StepsDownForANewerOwnerAfterItsContainerIsGone) {
    node_.seen = live_dataset(1, {snap(1, 5)});
    node_.has(running(db));
    EXPECT_TRUE(just(node_.steps(), RemoveContainer{db}));
    node_.container.reset();
    EXPECT_TRUE(just(node_.steps(), DemoteDataset{orders, Epoch{2}}));
}

TEST_F(Receiving, DoesNotStepDownForAnOwnerThatIsNotNewer) {
    node_.seen = live_dataset(2, {snap(1, 5)});
    EXPECT_TRUE(just<Complain>(node_.steps()));
}

TEST_F(Receiving, LetsOldSnapshotsGoButNeverTheNewest) {
    node_.application.reset();
    node_.seen = replica(1, {snap(1, 2), snap(1, 3), snap(1, 4), snap(1, 5)});
    EXPECT_TRUE(node_.steps().empty()) << "all of them are recent";
    for (SnapshotSeen& snapshot : node_.seen->snapshots) {
        snapshot.taken = noon + Duration{60s} * static_cast<std::int64_t>(snapshot.id.sequence);
    }
    EXPECT_TRUE(just(node_.steps(), DropSnapshots{orders, {snap(1, 2)}}));
    node_.seen = replica(1, {snap(1, 5)});
    EXPECT_TRUE(node_.steps().empty());
}

// --- what was set aside -------------------------------------------------------------------------

TEST_F(Receiving, RemovesOfWhatWasSetAsideOnlyWhatTheUserNamed) {
    node_.application.reset();
    node_.seen->set_aside = {{snap(1, 6), noon, Bytes{10}}, {snap(1, 7), noon, Bytes{10}}};
    EXPECT_TRUE(node_.steps().empty()) << "it is kept until somebody says so";
    node_.dataset->asides_to_go = {snap(1, 5), snap(1, 6), snap(1, 8)};
    EXPECT_TRUE(just(node_.steps(), DropAside{orders, {snap(1, 6)}})) << "and e1-s5 is a snapshot";
    node_.details.dataset_shared_busy = true;
    EXPECT_TRUE(node_.steps().empty());
    node_.details.dataset_shared_busy = false;
    node_.details.assignment_fresh = false;
    EXPECT_TRUE(node_.steps().empty()) << "not on an old word";
}

TEST_F(Serving, RemovesWhatWasSetAsideBesideTheRunningContainer) {
    node_.seen->set_aside = {{snap(1, 6), noon, Bytes{10}}};
    node_.dataset->asides_to_go = {snap(1, 6)};
    EXPECT_TRUE(just(node_.steps(), DropAside{orders, {snap(1, 6)}}));
    node_.dataset->duty = Duty::seal;
    EXPECT_FALSE(any<DropAside>(node_.steps())) << "clients wait";
}

// --- the maximum size ---------------------------------------------------------------------------

TEST_F(Serving, SetsTheVolumesSizeBesideTheRunningContainer) {
    node_.dataset->maximum_size = Bytes{1000};
    EXPECT_TRUE(just(node_.steps(), LimitDataset{orders, Bytes{1000}}));
    node_.seen->maximum_size = Bytes{1000};
    EXPECT_TRUE(node_.steps().empty());
    node_.dataset->maximum_size = Bytes{2000};
    EXPECT_TRUE(just(node_.steps(), LimitDataset{orders, Bytes{2000}}));
    node_.dataset->maximum_size.reset();
    EXPECT_TRUE(just(node_.steps(), LimitDataset{orders, std::nullopt})) << "and takes it away";
    node_.details.dataset_shared_busy = true;
    EXPECT_TRUE(node_.steps().empty());
}

TEST_F(Serving, SetsTheVolumesSizeBeforeItTakesSnapshots) {
    node_.dataset->maximum_size = Bytes{1000};
    node_.details.snapshot_wanted = true;
    EXPECT_TRUE(just(node_.steps(), LimitDataset{orders, Bytes{1000}}));
    node_.seen->maximum_size = Bytes{1000};
    node_.seen->size_trouble = "this kernel can't";
    EXPECT_TRUE(just<TakeSnapshot>(node_.steps())) << "that it can't be kept stops nothing";
}

TEST_F(Trying, SetsTheVolumesSizeOnlyAfterWhatClientsWaitFor) {
    node_.dataset->maximum_size = Bytes{1000};
    EXPECT_FALSE(any<LimitDataset>(node_.steps())) << "there is no trial yet";
    begun();
    node_.has(running(db));
    EXPECT_TRUE(just(node_.steps(), SyncTrial{orders}));
    node_.details.trial_synced = true;
    EXPECT_TRUE(just(node_.steps(), LimitDataset{orders, Bytes{1000}}));
}

TEST_F(Receiving, SetsNoSizeOfAReplica) {
    node_.application.reset();
    node_.dataset->maximum_size = Bytes{1000};
    EXPECT_TRUE(node_.steps().empty());
}

// --- destroying ---------------------------------------------------------------------------------

TEST(Destroying, ComesAfterTheContainerIsGone) {
    Bench node(Duty::destroy, Intent::run);
    node.application.reset();
    node.seen = live_dataset(1);
    node.has(running(db));
    EXPECT_TRUE(just(node.steps(), RemoveContainer{db}));
    node.container.reset();
    EXPECT_TRUE(just(node.steps(), DestroyDataset{orders}));
    node.details.strangers_gone = false;
    EXPECT_TRUE(node.steps().empty());
}

// --- without the control service ----------------------------------------------------------------

/// The agent started while the control service is away; the assignment is the cached one.
class Cached : public ::testing::Test {
protected:
    static Bench bench(Duty duty, std::uint64_t epoch = 1) {
        Bench node(duty, Intent::run, epoch);
        node.details.assignment_fresh = false;
        node.details.ports_closed = true;
        node.seen = live_dataset(1, {snap(1, 5)});
        node.has(exited(db, 0));
        return node;
    }
};

TEST_F(Cached, AssignmentKeepsServingWhatThePoolSaysIsOwned) {
    Bench node = bench(Duty::serve);
    EXPECT_TRUE(just(node.steps(), StartContainer{db}));
    node.seen->mounted = false;
    EXPECT_TRUE(just(node.steps(), MountDataset{orders}));
}

TEST_F(Cached, AssignmentNeverUnseals) {
    Bench node = bench(Duty::serve);
    node.seen->seal = Seal{MoveId{3}, snap(1, 5)};
    EXPECT_TRUE(node.steps().empty());
}

TEST_F(Cached, AssignmentNeverAdoptsAndNeverDiscardsATrial) {
    for (const std::uint64_t move : {3U, 4U}) {
        Bench node = bench(Duty::serve, 2);
        node.dataset->move = MoveId{move};
        node.seen = replica(1, {snap(1, 9)});
        node.seen->trial = Trial{MoveId{3}, snap(1, 9)};
        EXPECT_TRUE(node.steps().empty());
    }
    Bench node = bench(Duty::receive, 2);
    node.seen = replica(1, {snap(1, 9)});
    node.seen->trial = Trial{MoveId{3}, snap(1, 9)};
    EXPECT_TRUE(node.steps().empty());
}

TEST_F(Cached, AssignmentNeverSealsStepsDownTriesCreatesOrDestroys) {
    EXPECT_TRUE(bench(Duty::seal).steps().empty());
    EXPECT_TRUE(bench(Duty::receive, 2).steps().empty());
    EXPECT_TRUE(bench(Duty::destroy).steps().empty());
    Bench trial = bench(Duty::trial);
    trial.seen = replica(1, {snap(1, 9)});
    trial.dataset->from = snap(1, 9);
    EXPECT_TRUE(trial.steps().empty());
    Bench fresh = bench(Duty::serve);
    fresh.seen.reset();
    fresh.dataset->may_create = true;
    EXPECT_TRUE(fresh.steps().empty());
}

TEST_F(Cached, AssignmentStartsNothingWhenThePoolKnowsAnotherEpoch) {
    EXPECT_TRUE(bench(Duty::serve, 2).steps().empty());
    Bench node = bench(Duty::serve);
    node.seen->epoch = Epoch{2};
    EXPECT_TRUE(node.steps().empty());
}

TEST_F(Cached, AssignmentRemovesNoContainerThatItDoesNotName) {
    Bench node = bench(Duty::serve);
    node.dataset.reset();
    node.application.reset();
    node.has(running(db));
    EXPECT_TRUE(node.steps().empty());
    node.details.assignment_fresh = true;
    EXPECT_TRUE(just(node.steps(), RemoveContainer{db}));
}

TEST(Shared, ActionsAreThoseThatARunningContainerDoesNotNotice) {
    EXPECT_TRUE(is_shared(TakeSnapshot{}));
    EXPECT_TRUE(is_shared(SyncTrial{}));
    EXPECT_TRUE(is_shared(DropSnapshots{}));
    EXPECT_TRUE(is_shared(NoteAcknowledged{}));
    EXPECT_TRUE(is_shared(DropAside{}));
    EXPECT_TRUE(is_shared(LimitDataset{}));
    const std::vector<DatasetAction> exclusive{CreateDataset{}, MountDataset{}, SealDataset{},   UnsealDataset{}, StartTrial{},
                                               AdoptTrial{},    DiscardTrial{}, DemoteDataset{}, DestroyDataset{}};
    for (const auto& action : exclusive) EXPECT_FALSE(is_shared(action)) << action.index();
}

}  // namespace
}  // namespace flocker::protocol
