// SPDX-License-Identifier: Apache-2.0
//
// What has to be true before a cutover begins: the target waits at its gate, the hook has run and what
// it wrote has gone over, and the downtime is predicted to be what the user allows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/limits.hpp"
#include "plan/testing.hpp"
#include "protocol/moves.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace plan::testing;
using ::testing::HasSubstr;

class BeforeTheCutover : public ::testing::Test {
protected:
    BeforeTheCutover() {
        scene_.settled(database(), alder);
        scene_.moving(database(), birch, MovePhase::staging);
        scene_.report(birch).containers = {waiting(db)};
        FeedSeen feed;
        feed.dataset = orders;
        feed.to = birch;
        feed.acknowledged = snap(1, 5);
        feed.last_rounds = {round_of(20ms)};
        scene_.report(alder).feeds = {feed};
    }
    [[nodiscard]] Application& application() { return scene_.records.configuration.at(db).application; }
    [[nodiscard]] Ownership& ownership() { return scene_.owned(database()); }
    std::optional<Ownership> step() {
        const auto changes = advance(scene_.view(), ownership());
        const auto* put = only<PutOwnership>(changes);
        if (!put) return std::nullopt;
        const Ownership after = put->ownership;
        scene_.commit(changes);
        return after;
    }
    [[nodiscard]] bool seals() {
        const auto after = step();
        return after && after->move && after->move->phase == MovePhase::sealing;
    }
    void hook_ended(Instant at, std::uint64_t move = 3) {
        scene_.report(alder).steps = {{orders.value, MoveStep::hook, MoveId{move}, 40ms, at}};
    }
    void round_after(Instant at) {
        scene_.report(alder).feeds.front().proven = at;
    }

    Scene scene_;
};

TEST_F(BeforeTheCutover, NothingMoreIsAskedForWithoutHookAndLimit) {
    const auto after = step();
    ASSERT_TRUE(after && after->move);
    EXPECT_EQ(after->move->phase, MovePhase::sealing);
    ASSERT_TRUE(after->move->predicted);
    EXPECT_GT(*after->move->predicted, Duration{0}) << "what was expected is kept, to be compared";
}

TEST_F(BeforeTheCutover, TheTargetWaitsAtItsGateWithTheRightContainer) {
    scene_.report(birch).containers = {created(db)};
    EXPECT_FALSE(step());
    scene_.report(birch).containers = {waiting(db)};
    scene_.report(birch).containers.front().ready = false;
    EXPECT_FALSE(step()) << "it was made from an older specification";
    scene_.report(birch).containers.front().ready = true;
    EXPECT_TRUE(seals());
}

TEST_F(BeforeTheCutover, WithoutAGateTheTargetOnlyHasItsContainer) {
    application().gate = false;
    scene_.report(birch).containers = {created(db)};
    EXPECT_TRUE(seals());
}

TEST_F(BeforeTheCutover, TheHookIsRunAndWhatItWroteHasGoneOver) {
    application().before_move = {"checkpoint"};
    const auto asked = step();
    ASSERT_TRUE(asked && asked->move);
    EXPECT_EQ(asked->move->phase, MovePhase::staging);
    EXPECT_EQ(asked->move->ready_since, scene_.now);
    EXPECT_FALSE(step()) << "it is asked for once";

    const Instant ended = scene_.now;
    hook_ended(ended, 2);
    round_after(ended);
    EXPECT_FALSE(step()) << "that was for an earlier move";
    hook_ended(ended);
    round_after(ended - 1ms);
    EXPECT_FALSE(step()) << "the last snapshot was taken before it ended";
    round_after(ended);
    EXPECT_TRUE(seals());
}

TEST_F(BeforeTheCutover, AHookIsNotWaitedForWhereNothingRuns) {
    application().before_move = {"checkpoint"};
    scene_.report(alder).containers = {exited(db, 1)};
    EXPECT_TRUE(seals());
}

TEST_F(BeforeTheCutover, AHookThatKeepsFailingEndsTheMoveWithNothingStopped) {
    application().before_move = {"checkpoint"};
    ASSERT_TRUE(step());
    const Error error{ErrorCode::unavailable, "the hook ended with code 1"};
    scene_.report(alder).problems = {{"db", error, plan::hook_attempts_max - 1, noon}};
    EXPECT_FALSE(step());
    scene_.report(alder).problems = {{"db", error, plan::hook_attempts_max, noon}};
    const auto after = step();
    ASSERT_TRUE(after);
    EXPECT_FALSE(after->move);
    EXPECT_EQ(after->owner, alder);
    EXPECT_THAT(after->moves.back().reason, HasSubstr("alder: the hook ended with code 1"));
    EXPECT_EQ(after->moves.back().downtime, Duration{0});
}

TEST_F(BeforeTheCutover, ALimitIsWaitedForAndThenGivenUpWithTheFigures) {
    ownership().move->downtime_max = 1ms;
    ASSERT_TRUE(step());
    EXPECT_FALSE(step()) << "a calm moment may come";
    scene_.now = scene_.now + plan::calm_patience + 1ms;
    scene_.everyone_answers();
    const auto after = step();
    ASSERT_TRUE(after);
    EXPECT_FALSE(after->move);
    EXPECT_EQ(after->owner, alder);
    EXPECT_THAT(after->moves.back().reason, HasSubstr("1 ms are allowed"));
}

TEST_F(BeforeTheCutover, ALimitThatIsKeptDelaysNothing) {
    ownership().move->downtime_max = 1min;
    const auto ready = step();
    ASSERT_TRUE(ready && ready->move);
    EXPECT_TRUE(seals());
}

TEST_F(BeforeTheCutover, ALimitIsOfOneMoveOnly) {
    ownership().move.reset();
    scene_.records.configuration.at(db).downtime_max = 1s;
    const auto changes = advance(scene_.view(), ownership());
    const auto* put = only<PutOwnership>(changes);
    ASSERT_TRUE(put && put->ownership.move);
    EXPECT_EQ(put->ownership.move->downtime_max, Duration{1s});
    ASSERT_TRUE(only<PutWanted>(changes));
    EXPECT_FALSE(only<PutWanted>(changes)->wanted.downtime_max);
}

TEST_F(BeforeTheCutover, TheResultHasTheStepsOfThisMoveFromBothNodes) {
    scene_.report(alder).steps = {{orders.value, MoveStep::stop, MoveId{3}, 70ms, noon},
                                  {orders.value, MoveStep::seal, MoveId{2}, 9s, noon},
                                  {"app:web", MoveStep::hold, MoveId{3}, 9s, noon}};
    scene_.report(birch).steps = {{orders.value, MoveStep::ready, MoveId{3}, 90ms, noon}};
    ownership().move->predicted = 300ms;
    scene_.records.configuration.at(db).node = cedar;
    const auto after = step();
    ASSERT_TRUE(after && !after->moves.empty());
    EXPECT_EQ(after->moves.back().predicted, Duration{300ms});
    EXPECT_EQ(after->moves.back().steps,
              (std::map<MoveStep, Duration>{{MoveStep::stop, 70ms}, {MoveStep::ready, 90ms}}));
}

TEST_F(BeforeTheCutover, NoMoreResultsAreKeptThanItSays) {
    ownership().moves.resize(moves_kept);
    ownership().moves.front().reason = "the oldest";
    scene_.records.configuration.at(db).node = cedar;
    const auto after = step();
    ASSERT_TRUE(after);
    EXPECT_EQ(after->moves.size(), moves_kept);
    EXPECT_EQ(after->moves.front().reason, "");
    EXPECT_EQ(after->moves.back().id, MoveId{3});
}

}  // namespace
}  // namespace flocker::protocol
