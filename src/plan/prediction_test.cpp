// SPDX-License-Identifier: Apache-2.0
#include "plan/prediction.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;

class Predicting : public ::testing::Test {
protected:
    Predicting() { scene_.settled(database(), alder); }

    [[nodiscard]] Prediction now() { return predict(scene_.view(), scene_.owned(database())); }
    void moved_before(Duration stop, Duration ready, Duration downtime, bool succeeded = true) {
        MoveResult result;
        result.succeeded = succeeded;
        result.downtime = downtime;
        result.steps = {{MoveStep::stop, stop}, {MoveStep::increment, 20ms}, {MoveStep::start, 10ms}, {MoveStep::ready, ready}};
        scene_.owned(database()).moves.push_back(result);
    }
    void seen(MoveStep step, Duration took) { scene_.report(alder).steps.push_back({orders.value, step, MoveId{0}, took, noon}); }

    Scene scene_;
};

TEST_F(Predicting, GuessesWhatWasNeverSeenAndSaysSo) {
    const Prediction guess = now();
    EXPECT_TRUE(guess.guessed);
    EXPECT_EQ(guess.moves, 0U);
    EXPECT_EQ(guess.total, guess.stop + guess.increment + guess.start + guess.ready + guess.rest);
    EXPECT_GT(guess.total, Duration{100ms});
}

TEST_F(Predicting, LearnsFromStopsAndStartsInPlaceBeforeItsFirstMove) {
    const Prediction guess = now();
    seen(MoveStep::stop, 900ms);
    seen(MoveStep::ready, 3s);
    const Prediction learned = now();
    EXPECT_FALSE(learned.guessed);
    EXPECT_EQ(learned.ready, Duration{3s});
    EXPECT_GE(learned.stop, Duration{900ms});
    EXPECT_GT(learned.total, guess.total + 2s);
}

TEST_F(Predicting, CountsTheGracePeriodOfOneThatDoesNotHeedItsStopSignal) {
    scene_.report(alder).containers = {running(db)};
    EXPECT_FALSE(now().killed_after);
    scene_.report(alder).containers.front().killed_after = 10s;
    EXPECT_EQ(now().killed_after, Duration{10s});
    EXPECT_GE(now().total, Duration{10s});
    moved_before(50ms, 100ms, 200ms);
    EXPECT_EQ(now().stop, Duration{10s}) << "its image is another one now";
    scene_.records.configuration.at(db).application.cutover = Cutover::freeze;
    EXPECT_LT(now().total, Duration{1s}) << "it gets no signal";
}

TEST_F(Predicting, LearnsNothingFromTheStepsOfAnotherApplication) {
    scene_.report(alder).steps.push_back({"app:web", MoveStep::ready, MoveId{0}, 30s, noon});
    EXPECT_LT(now().total, Duration{5s});
}

TEST_F(Predicting, TakesTheMiddleOfTheLastMoves) {
    moved_before(9s, 9s, 20s);
    for (const Duration ready : {100ms, 400ms, 200ms, 300ms, 5000ms}) moved_before(50ms, ready, ready + 130ms);
    const Prediction learned = now();
    EXPECT_EQ(learned.moves, 5U) << "the first one is too long ago";
    EXPECT_EQ(learned.stop, Duration{50ms});
    EXPECT_EQ(learned.ready, Duration{300ms});
    EXPECT_EQ(learned.rest, Duration{50ms}) << "what no node measured";
    EXPECT_EQ(learned.total, Duration{50ms + 20ms + 10ms + 300ms + 50ms});
}

TEST_F(Predicting, LearnsNothingFromMovesThatWereGivenUp) {
    moved_before(9s, 9s, 20s, false);
    EXPECT_TRUE(now().guessed);
}

TEST_F(Predicting, TakesTheIncrementFromTheRoundsOfTheMoveUnderWay) {
    moved_before(50ms, 100ms, 200ms);
    scene_.moving(database(), birch, MovePhase::staging);
    FeedSeen feed;
    feed.dataset = orders;
    feed.to = birch;
    feed.acknowledged = snap(1, 5);
    feed.last_rounds = {round_of(800ms)};
    scene_.report(alder).feeds = {feed};
    EXPECT_GT(now().increment, Duration{300ms});
    scene_.report(alder).feeds.front().last_rounds = {round_of(30ms)};
    EXPECT_LT(now().increment, Duration{31ms});
}

TEST_F(Predicting, ExpectsMoreOfAStartWithoutAGate) {
    const Duration gated = now().start;
    scene_.records.configuration.at(db).application.gate = false;
    EXPECT_GT(now().start, gated);
}

TEST_F(Predicting, SaysItsParts) {
    EXPECT_THAT(parts_text(now()),
                ::testing::MatchesRegex(R"([0-9]+ ms \(stop .*, increment .*, start .*, ready .*, rest .*\))"));
}

}  // namespace
}  // namespace flocker::plan
