// SPDX-License-Identifier: Apache-2.0
#include "plan/increments.hpp"

#include <gtest/gtest.h>

#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;

FeedSeen feed(std::vector<RoundSeen> rounds) {
    FeedSeen seen;
    seen.dataset = orders;
    seen.to = birch;
    seen.acknowledged = snap(1, 1);
    seen.last_rounds = std::move(rounds);
    return seen;
}

TEST(Forecast, IsNotReadyBeforeTheTargetHoldsAnything) {
    FeedSeen nothing = feed({});
    nothing.acknowledged.reset();
    EXPECT_FALSE(forecast(nothing, false).ready);
    EXPECT_FALSE(forecast(nothing, false).reason.empty());
}

TEST(Forecast, TrustsAnOldReplicaOnlyWhenNothingWasWrittenSince) {
    EXPECT_TRUE(forecast(feed({}), false).ready);
    EXPECT_FALSE(forecast(feed({}), true).ready);
}

TEST(Forecast, DoesNotTakeTheFullCopyForAnIncrement) {
    EXPECT_FALSE(forecast(feed({round_of(100ms, true)}), true).ready);
    EXPECT_TRUE(forecast(feed({round_of(10s, true), round_of(100ms)}), true).ready);
}

TEST(Forecast, IsReadyWhenTheLastIncrementFitsTheCutover) {
    EXPECT_TRUE(forecast(feed({round_of(120ms)}), true).ready);
    EXPECT_FALSE(forecast(feed({round_of(121ms)}), true).ready);
}

TEST(Forecast, ASlowLastRoundDoesNotHoldBackWhatIsIdleSince) {
    FeedSeen seen = feed({round_of(90ms), round_of(60s)});
    EXPECT_FALSE(forecast(seen, false).ready);
    seen.idle = true;
    EXPECT_TRUE(forecast(seen, false).ready);
    EXPECT_EQ(forecast(seen, false).bytes, Bytes{0});
    EXPECT_LE(forecast(seen, false).takes, Duration{90ms});
}

TEST(Forecast, GoesOnWhileTheRoundsGetSmaller) {
    EXPECT_FALSE(forecast(feed({round_of(8s), round_of(5s), round_of(3s)}), true).ready);
}

TEST(Forecast, EndsWithABearableIncrementWhenRoundsGetNoSmaller) {
    EXPECT_TRUE(forecast(feed({round_of(3s), round_of(3s), round_of(3s)}), true).ready);
}

TEST(Forecast, NeverAcceptsAnIncrementThatIsNotBearableHoweverLongItTries) {
    std::vector<RoundSeen> rounds;
    for (int i = 0; i < 8; ++i) rounds.push_back(round_of(6s));
    EXPECT_FALSE(forecast(feed(rounds), true).ready);
}

TEST(Forecast, SaysWithFiguresWhyItIsNotReady) {
    RoundSeen last = round_of(10s);
    last.bytes = Bytes{100ULL << 20U};
    last.interval = 10s;
    const auto told = forecast(feed({last}), true);
    EXPECT_EQ(told.reason, "the last increment took 10.0 s (100 MiB at 10 MiB/s, written at 10 MiB/s)");
}

TEST(Forecast, PredictsTheNextIncrementFromWhatIsWrittenMeanwhile) {
    RoundSeen last = round_of(1s);
    last.bytes = Bytes{1000};
    last.interval = 10s;
    EXPECT_EQ(forecast(feed({last}), true).bytes, Bytes{100});
}

/// 10 MB a second were written, and went over at that, while the link would have taken 400.
RoundSeen held_back(Duration took, Duration waited) {
    RoundSeen round = round_of(took);
    round.bytes = Bytes{static_cast<std::uint64_t>(to_ms(took)) * 10'000};
    round.interval = took;
    round.waited = waited;
    return round;
}

TEST(Forecast, DoesNotTakeALimitForTheLink) {
    const auto told = forecast(feed({held_back(4s, 3900ms)}), true);
    EXPECT_TRUE(told.ready) << "100 ms in the cutover, where nothing holds it back";
    EXPECT_LE(told.takes, Duration{120ms});
    EXPECT_FALSE(forecast(feed({held_back(8s, 7800ms)}), true).ready);
    EXPECT_FALSE(forecast(feed({round_of(4s)}), true).ready);
}

TEST(Forecast, SeesThatALimitMakesTheNextRoundLargerThanTheLast) {
    RoundSeen round = held_back(4s, 3900ms);
    round.interval = 1s;
    EXPECT_FALSE(forecast(feed({round}), true).ready) << "four times as much has been written since";
}

TEST(Forecast, SaysThatALimitHoldsItBack) {
    FeedSeen seen = feed({held_back(20s, 19s)});
    seen.limited = true;
    EXPECT_EQ(forecast(seen, true).reason,
              "the last increment took 20.0 s (191 MiB at 9.5 MiB/s, written at 9.5 MiB/s); the bandwidth limit holds it back");
    seen.acknowledged.reset();
    EXPECT_EQ(forecast(seen, true).reason, "the first copy is not complete; the bandwidth limit holds it back");
}

TEST(Forecast, BearsARoundThatTookNoTime) {
    RoundSeen last = round_of(Duration{0});
    last.interval = Duration{0};
    EXPECT_TRUE(forecast(feed({last}), true).ready);
}

}  // namespace
}  // namespace flocker::plan
