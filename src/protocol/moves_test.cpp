// SPDX-License-Identifier: Apache-2.0
#include "protocol/moves.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/limits.hpp"
#include "protocol/testing.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace protocol::testing;
using ::testing::HasSubstr;

/// The database runs on alder and is wanted on birch.
class MoveOfTheDatabase : public ::testing::Test {
protected:
    MoveOfTheDatabase() { scene_.settled(database(), alder); }

    [[nodiscard]] std::vector<Change> next() { return advance(scene_.view(), scene_.owned(database())); }
    /// What the ownership becomes; the changes are committed. nullopt: nothing.
    std::optional<Ownership> step() {
        const auto changes = next();
        const auto* put = only<PutOwnership>(changes);
        if (!put) return std::nullopt;
        const Ownership after = put->ownership;
        scene_.commit(changes);
        return after;
    }
    Move& in_phase(MovePhase phase) { return scene_.moving(database(), birch, phase); }
    void want_on(const NodeId& node) { scene_.records.configuration.at(db).node = node; }

    /// What birch and alder report when staging may end.
    void prepared() {
        scene_.report(birch).containers = {waiting(db)};
        FeedSeen feed;
        feed.dataset = orders;
        feed.to = birch;
        feed.acknowledged = snap(1, 5);
        feed.last_rounds = {round_of(100ms)};
        feed.bytes_total = Bytes{7000};
        feed.rounds = 4;
        scene_.report(alder).feeds = {feed};
    }
    void sealed(std::uint64_t move) { scene_.report(alder).datasets.front().seal = Seal{MoveId{move}, snap(1, 9)}; }
    /// What birch reports when its trial may be committed.
    void tried() {
        DatasetSeen seen = replica(1, {snap(1, 9)});
        seen.trial = Trial{MoveId{3}, snap(1, 9)};
        scene_.report(birch).datasets = {seen};
        scene_.report(birch).containers = {running(db)};
    }
    void expect_given_up(const std::string& reason, bool avoided, bool was_down) {
        const auto changes = next();
        const auto* put = only<PutOwnership>(changes);
        ASSERT_TRUE(put);
        const Ownership& after = put->ownership;
        EXPECT_FALSE(after.move);
        EXPECT_EQ(after.owner, alder) << "the source keeps it";
        EXPECT_EQ(after.epoch, Epoch{1});
        EXPECT_TRUE(after.replicas.contains(birch)) << "what the target has is not forgotten";
        EXPECT_EQ(after.avoided_target.has_value(), avoided);
        ASSERT_FALSE(after.moves.empty());
        EXPECT_FALSE(after.moves.back().succeeded);
        EXPECT_THAT(after.moves.back().reason, HasSubstr(reason));
        const auto* again = only<PutWanted>(changes);
        EXPECT_EQ(again != nullptr, was_down) << "its container was stopped on our word";
        EXPECT_EQ(again ? again->wanted.incarnation : 1U, 1U);
    }

    Scene scene_;
};

TEST_F(MoveOfTheDatabase, IsNotBegunWhileItIsWhereItIsWanted) { EXPECT_TRUE(next().empty()); }

TEST_F(MoveOfTheDatabase, BeginsWithStagingUnderANumberNeverUsedBefore) {
    want_on(birch);
    scene_.records.last_move = 41;
    const auto after = step();
    ASSERT_TRUE(after && after->move);
    EXPECT_EQ(after->move->id, MoveId{42});
    EXPECT_EQ(after->move->phase, MovePhase::staging);
    EXPECT_EQ(after->move->source, alder);
    EXPECT_EQ(after->move->target, birch);
    EXPECT_EQ(after->owner, alder);
    EXPECT_EQ(scene_.records.last_move, 42U);
}

TEST_F(MoveOfTheDatabase, IsNotBegunToOrFromANodeThatIsSilent) {
    want_on(birch);
    scene_.silence(birch, 1min);
    EXPECT_FALSE(step());
    scene_.everyone_answers();
    scene_.silence(alder, 1min);
    EXPECT_FALSE(step());
}

TEST_F(MoveOfTheDatabase, IsNotTriedAgainToANodeWhereItFailed) {
    want_on(birch);
    scene_.owned(database()).avoided_target = birch;
    EXPECT_FALSE(step());
    scene_.owned(database()).avoided_target = cedar;
    EXPECT_TRUE(step());
}

TEST_F(MoveOfTheDatabase, IsNotBegunBeforeTheVolumeHasBeenMade) {
    want_on(birch);
    scene_.owned(database()).established = false;
    scene_.report(alder).datasets.clear();
    EXPECT_FALSE(step());
    scene_.report(alder).datasets = {live_dataset(1)};
    const auto made = step();
    ASSERT_TRUE(made);
    EXPECT_TRUE(made->established);
    EXPECT_FALSE(made->move) << "one step at a time";
    EXPECT_TRUE(step()->move);
}

TEST_F(MoveOfTheDatabase, IsNotEstablishedByAReplica) {
    scene_.owned(database()).established = false;
    scene_.report(alder).datasets = {replica(1, {snap(1, 1)})};
    EXPECT_FALSE(step());
}

// --- staging ------------------------------------------------------------------------------------

TEST_F(MoveOfTheDatabase, SealsWhenTheTargetIsPreparedAndTheNextIncrementIsSmall) {
    in_phase(MovePhase::staging);
    prepared();
    const auto after = step();
    ASSERT_TRUE(after && after->move);
    EXPECT_EQ(after->move->phase, MovePhase::sealing);
    EXPECT_EQ(after->move->sealing_started, scene_.now);
    EXPECT_EQ(after->move->bytes_live, Bytes{7000});
    EXPECT_EQ(after->move->rounds, 4U);
}

TEST_F(MoveOfTheDatabase, StaysStagedUntilTheTargetHasItsContainerAndNoOldTrialRuns) {
    in_phase(MovePhase::staging);
    prepared();
    scene_.report(birch).containers.clear();
    EXPECT_FALSE(step());
    scene_.report(birch).containers = {running(db)};
    EXPECT_FALSE(step());
}

TEST_F(MoveOfTheDatabase, IsGivenUpBeforeAnythingStopsWhenTheTargetsPoolIsFull) {
    in_phase(MovePhase::staging);
    prepared();
    scene_.report(birch).pool_size = Bytes{100ULL << 30U};
    scene_.report(birch).pool_free = Bytes{63ULL << 20U};
    expect_given_up("the pool of birch is full, with 63 MiB free; make room there", true, false);
    scene_.report(birch).pool_free = Bytes{64ULL << 20U};
    EXPECT_EQ(step()->move->phase, MovePhase::sealing);
}

TEST_F(MoveOfTheDatabase, StaysStagedWhileTheNextIncrementIsLarge) {
    in_phase(MovePhase::staging);
    prepared();
    scene_.report(alder).feeds.front().last_rounds = {round_of(20s)};
    EXPECT_FALSE(step());
    scene_.report(alder).feeds.clear();
    EXPECT_FALSE(step());
}

TEST_F(MoveOfTheDatabase, StaysStagedOnReportsOfWhatHasBeen) {
    for (const auto& stale : {alder, birch}) {
        in_phase(MovePhase::staging);
        prepared();
        scene_.everyone_answers();
        scene_.report(stale).revision = Revision{scene_.records.revision.value - 1};
        EXPECT_FALSE(step()) << stale;
    }
}

TEST_F(MoveOfTheDatabase, IsGivenUpInStagingAfterTheTargetHasFailedOftenEnough) {
    in_phase(MovePhase::staging);
    prepared();
    scene_.report(birch).containers.clear();
    const Error error{ErrorCode::unavailable, "no registry has it"};
    scene_.report(birch).problems = {{"db", error, plan::staging_attempts_max - 1, noon}};
    EXPECT_TRUE(next().empty());
    scene_.report(birch).problems.front().attempts = plan::staging_attempts_max;
    expect_given_up("birch: no registry has it", true, false);
}

TEST_F(MoveOfTheDatabase, OutlastsASilentTargetInStaging) {
    in_phase(MovePhase::staging);
    scene_.silence(birch, 10min);
    EXPECT_TRUE(next().empty()) << "nothing has been stopped for it";
}

TEST_F(MoveOfTheDatabase, IsGivenUpWithoutBlameWhenItIsWantedElsewhere) {
    for (const auto phase : {MovePhase::staging, MovePhase::sealing, MovePhase::trial}) {
        in_phase(phase);
        want_on(cedar);
        expect_given_up("it is wanted elsewhere now", false, phase != MovePhase::staging);
    }
}

TEST_F(MoveOfTheDatabase, IsCalledOffWhenItIsToStayUntilItIsCommitted) {
    for (const auto phase : {MovePhase::staging, MovePhase::sealing, MovePhase::trial}) {
        in_phase(phase);
        want_on(alder);
        expect_given_up("it was called off", false, phase != MovePhase::staging);
    }
}

TEST_F(MoveOfTheDatabase, IsGivenUpWhenTheTargetLeavesTheCluster) {
    in_phase(MovePhase::staging);
    scene_.records.nodes.erase(birch);
    const auto after = step();
    ASSERT_TRUE(after);
    EXPECT_FALSE(after->move);
    EXPECT_FALSE(after->replicas.contains(birch)) << "it is no member any more";
}

// --- sealing ------------------------------------------------------------------------------------

TEST_F(MoveOfTheDatabase, GoesToTrialWithTheSnapshotThatWasSealedForIt) {
    in_phase(MovePhase::sealing);
    EXPECT_FALSE(step());
    sealed(3);
    const auto after = step();
    ASSERT_TRUE(after && after->move);
    EXPECT_EQ(after->move->phase, MovePhase::trial);
    EXPECT_EQ(after->move->sealed, snap(1, 9));
    EXPECT_EQ(after->owner, alder);
}

TEST_F(MoveOfTheDatabase, DoesNotBelieveASealOfAnotherMove) {
    in_phase(MovePhase::sealing);
    sealed(2);
    EXPECT_FALSE(step());
}

TEST_F(MoveOfTheDatabase, DoesNotBelieveASealFromBeforeTheLastWord) {
    in_phase(MovePhase::sealing);
    sealed(3);
    scene_.report(alder).revision = Revision{6};
    EXPECT_FALSE(step());
}

TEST_F(MoveOfTheDatabase, WithoutAVolumeWaitsUntilItsContainerHasStopped) {
    scene_.settled(website(), alder);
    scene_.moving(website(), birch, MovePhase::sealing);
    const auto web_next = [&] { return advance(scene_.view(), scene_.owned(website())); };
    EXPECT_TRUE(web_next().empty());
    scene_.report(alder).containers = {running(db), exited(web, 0)};
    const auto changes = web_next();
    ASSERT_TRUE(only<PutOwnership>(changes));
    EXPECT_EQ(only<PutOwnership>(changes)->ownership.move->phase, MovePhase::trial);
}

// --- the cutover's limits -----------------------------------------------------------------------

TEST_F(MoveOfTheDatabase, IsGivenUpInTheCutoverWhenTheTargetFallsSilent) {
    for (const auto phase : {MovePhase::sealing, MovePhase::trial}) {
        in_phase(phase);
        scene_.silence(birch, plan::cutover_silence_max);
        EXPECT_TRUE(next().empty()) << to_string(phase);
        scene_.silence(birch, 1ms);
        expect_given_up("birch does not answer any more", true, true);
        scene_.everyone_answers();
    }
}

TEST_F(MoveOfTheDatabase, IsGivenUpWhenAPhaseOfTheCutoverTakesTooLong) {
    for (const auto phase : {MovePhase::sealing, MovePhase::trial}) {
        in_phase(phase);
        scene_.silence(cedar, plan::cutover_limit);
        EXPECT_TRUE(next().empty()) << to_string(phase);
        scene_.silence(cedar, 1ms);
        expect_given_up("took longer than", true, true);
    }
}

TEST_F(MoveOfTheDatabase, IsNotGivenUpForTheTimeInWhichTheControlServiceWasAway) {
    in_phase(MovePhase::trial);
    scene_.now = scene_.now + 10min;
    scene_.started = scene_.now - 1s;
    for (auto& [id, state] : scene_.states) state.heard = {};
    EXPECT_TRUE(next().empty());
}

// --- trial --------------------------------------------------------------------------------------

TEST_F(MoveOfTheDatabase, IsCommittedWhenItsTrialIsReady) {
    in_phase(MovePhase::trial).bytes_live = Bytes{7000};
    prepared();
    scene_.report(alder).feeds.front().bytes_total = Bytes{7500};
    tried();
    const auto after = step();
    ASSERT_TRUE(after && after->move);
    EXPECT_EQ(after->owner, birch);
    EXPECT_EQ(after->epoch, Epoch{2});
    EXPECT_EQ(after->won_by, MoveId{3});
    EXPECT_EQ(after->replicas, (std::set{alder})) << "the old owner keeps its copy";
    EXPECT_EQ(after->move->phase, MovePhase::settling);
    EXPECT_EQ(after->move->bytes_cutover, Bytes{500});
}

TEST_F(MoveOfTheDatabase, IsNotCommittedOnATrialOfAnotherMoveOrFromAnotherSnapshot) {
    in_phase(MovePhase::trial);
    for (const auto& other : {std::optional(Trial{MoveId{2}, snap(1, 9)}), std::optional(Trial{MoveId{3}, snap(1, 8)}),
                              std::optional<Trial>()}) {
        tried();
        scene_.report(birch).datasets.front().trial = other;
        EXPECT_FALSE(step());
    }
    scene_.report(birch).datasets.clear();
    EXPECT_FALSE(step());
}

TEST_F(MoveOfTheDatabase, IsNotCommittedOnAReportFromBeforeTheTrialWasTold) {
    in_phase(MovePhase::trial);
    tried();
    scene_.report(birch).revision = Revision{6};
    EXPECT_FALSE(step());
}

TEST_F(MoveOfTheDatabase, IsNotCommittedBeforeTheContainerRunsAndIsReady) {
    in_phase(MovePhase::trial);
    tried();
    scene_.report(birch).containers.front().ready = false;
    EXPECT_FALSE(step());
    scene_.report(birch).containers = {exited(db, 0)};
    scene_.report(birch).containers.front().ready = true;
    EXPECT_FALSE(step());
    scene_.report(birch).containers.clear();
    EXPECT_FALSE(step());
}

TEST_F(MoveOfTheDatabase, IsGivenUpAtTheFirstProblemOfItsTrial) {
    in_phase(MovePhase::trial);
    tried();
    scene_.report(birch).problems = {{"db", {ErrorCode::unavailable, "its container exited with code 1"}, 1, noon}};
    expect_given_up("exited with code 1", true, true);
}

TEST_F(MoveOfTheDatabase, IsGivenUpWhenTheLastIncrementDoesNotArriveForSeconds) {
    Move& move = in_phase(MovePhase::trial);
    prepared();
    scene_.report(birch).datasets = {replica(1, {snap(1, 5)})};
    move.phase_started = noon - plan::cutover_silence_max - 1ms;
    EXPECT_FALSE(step()) << "it is on its way";
    scene_.report(alder).feeds.front().trouble = "snapshot e1-s9 to node birch: no answer";
    move.phase_started = noon - plan::cutover_silence_max;
    EXPECT_FALSE(step()) << "it is tried again";
    move.phase_started = noon - plan::cutover_silence_max - 1ms;
    scene_.report(birch).datasets = {replica(1, {snap(1, 9)})};
    EXPECT_FALSE(step()) << "it was the receipt that was lost";
    scene_.report(birch).datasets.clear();
    expect_given_up("the last increment to birch: snapshot e1-s9 to node birch: no answer", true, true);
}

TEST_F(MoveOfTheDatabase, IsNotGivenUpForAProblemOfAnotherApplication) {
    in_phase(MovePhase::trial);
    tried();
    scene_.report(birch).problems = {{"web", {ErrorCode::unavailable, "x"}, 1, noon}};
    EXPECT_EQ(step()->owner, birch);
}

// --- settling -----------------------------------------------------------------------------------

TEST_F(MoveOfTheDatabase, EndsWhenTheNewOwnerServesAndSaysWhatItMeasured) {
    Move& move = in_phase(MovePhase::settling);
    move.sealing_started = scene_.now - 700ms;
    tried();
    EXPECT_FALSE(step()) << "the trial has not become the dataset";
    scene_.report(birch).datasets = {live_dataset(2, {snap(1, 9)})};
    scene_.report(birch).open_routes.clear();
    EXPECT_FALSE(step()) << "no client is let through";
    scene_.report(birch).open_routes = {5432};
    const auto after = step();
    ASSERT_TRUE(after && !after->moves.empty());
    EXPECT_FALSE(after->move);
    EXPECT_TRUE(after->moves.back().succeeded);
    EXPECT_EQ(after->moves.back().downtime, Duration{700ms});
    EXPECT_EQ(after->moves.back().reason, "");
    EXPECT_EQ(after->owner, birch);
}

TEST_F(MoveOfTheDatabase, IsNeverGivenUpAfterItsCommit) {
    in_phase(MovePhase::settling);
    want_on(cedar);
    scene_.report(birch).problems = {{"db", {ErrorCode::unavailable, "x"}, 100, noon}};
    scene_.silence(birch, plan::settling_limit);
    EXPECT_TRUE(next().empty());
    scene_.silence(birch, 1ms);
    const auto after = step();
    ASSERT_TRUE(after);
    EXPECT_EQ(after->owner, birch);
    EXPECT_EQ(after->epoch, Epoch{2});
    EXPECT_TRUE(after->moves.back().succeeded);
    EXPECT_NE(after->moves.back().reason, "") << "and it says that nobody has seen it serve";
}

// --- destroying ---------------------------------------------------------------------------------

TEST_F(MoveOfTheDatabase, IsForgottenOnlyWhenEveryHolderSaysThatTheDatasetIsGone) {
    scene_.owned(database()).destroying = true;
    scene_.owned(database()).replicas = {birch};
    scene_.report(birch).datasets = {replica(1, {snap(1, 5)})};
    EXPECT_TRUE(next().empty());
    scene_.report(alder).datasets.clear();
    EXPECT_TRUE(next().empty());
    scene_.report(birch).datasets.clear();
    scene_.report(birch).revision = Revision{6};
    EXPECT_TRUE(next().empty()) << "that is old news";
    scene_.everyone_answers();
    EXPECT_TRUE(only<EraseOwnership>(next()));
}

}  // namespace
}  // namespace flocker::protocol
