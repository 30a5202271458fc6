// SPDX-License-Identifier: Apache-2.0
#include "protocol/feed.hpp"

#include <gtest/gtest.h>

#include "protocol/testing.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace protocol::testing;

/// alder feeds birch with the database.
class FeedToBirch : public ::testing::Test {
protected:
    FeedToBirch() { dataset_.changed = true; }

    template <class Effect>
    std::optional<Effect> next() {
        const auto effects = feed_.next(dataset_, pace_, now_);
        if (effects.size() != 1) return std::nullopt;
        const auto* effect = std::get_if<Effect>(&effects.front());
        return effect ? std::optional(*effect) : std::nullopt;
    }
    bool rests() { return feed_.next(dataset_, pace_, now_).empty(); }
    void asked(const std::vector<SnapshotId>& there) {
        ASSERT_TRUE(next<Feed::Ask>());
        feed_.told(Feed::Held{there, partial_}, dataset_, now_);
    }
    void taken(const SnapshotId& id) {
        dataset_.snapshots.push_back({id, now_});
        dataset_.changed = false;
    }
    void receipt(std::uint64_t bytes) { feed_.sent(SendReceipt{Bytes{bytes}}, now_); }
    void pass(Duration duration) { now_ = now_ + duration; }

    Feed feed_{orders, birch};
    Feed::Pace pace_{true, 1s};
    DatasetSeen dataset_ = live_dataset(1);
    std::optional<PartialSeen> partial_;  ///< At birch.
    Instant now_{noon};
};

TEST_F(FeedToBirch, AsksFirstWhatIsThere) {
    ASSERT_TRUE(next<Feed::Ask>());
    EXPECT_TRUE(rests()) << "once";
}

TEST_F(FeedToBirch, SendsAllOfTheFirstSnapshotAndDifferencesFromThenOn) {
    asked({});
    ASSERT_TRUE(next<Feed::TakeOne>());
    EXPECT_TRUE(feed_.wants_snapshot());
    taken(snap(1, 1));
    const auto first = next<Feed::Send>();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->base, std::nullopt);
    EXPECT_EQ(first->to, snap(1, 1));
    EXPECT_FALSE(feed_.wants_snapshot());
    receipt(5000);
    EXPECT_EQ(feed_.seen().acknowledged, snap(1, 1));
    EXPECT_TRUE(feed_.seen().last_rounds.back().whole);

    dataset_.changed = true;
    pass(1s);
    ASSERT_TRUE(next<Feed::TakeOne>());
    taken(snap(1, 2));
    const auto second = next<Feed::Send>();
    ASSERT_TRUE(second);
    EXPECT_EQ(second->base, snap(1, 1));
    EXPECT_EQ(second->to, snap(1, 2));
    receipt(200);
    EXPECT_EQ(feed_.seen().bytes_total, Bytes{5200});
    EXPECT_EQ(feed_.seen().rounds, 2U);
    EXPECT_FALSE(feed_.seen().last_rounds.back().whole);
}

TEST_F(FeedToBirch, BeginsFromTheNewestSnapshotThatBothHold) {
    dataset_ = live_dataset(1, {snap(1, 1), snap(1, 2), snap(1, 3)});
    asked({snap(1, 1), snap(1, 2)});
    EXPECT_EQ(next<Feed::Send>()->base, snap(1, 2));
}

TEST_F(FeedToBirch, DoesNotSendFromABaseThatIsGoneHere) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({snap(1, 1)});
    dataset_ = live_dataset(1, {snap(1, 2)});
    EXPECT_EQ(next<Feed::Send>()->base, std::nullopt);
}

TEST_F(FeedToBirch, AsksAgainAfterAnUnknownOutcomeAndDoesNotRepeat) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    feed_.sent(fail(ErrorCode::timed_out, "no answer"), now_);
    EXPECT_TRUE(rests()) << "a while";
    pass(1s);
    asked({snap(1, 1)});
    EXPECT_FALSE(next<Feed::Send>()) << "it was there";
    EXPECT_EQ(feed_.seen().acknowledged, snap(1, 1));
}

TEST_F(FeedToBirch, FindsWhatTheOtherSideLostBehindItsBack) {
    pace_.urgent = false;
    dataset_.changed = false;
    taken(snap(1, 1));
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    receipt(5000);
    ASSERT_FALSE(next<Feed::Ask>());
    pass(301s);
    asked({});
    const auto again = next<Feed::Send>();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->base, std::nullopt);
}

TEST_F(FeedToBirch, SendsAgainWhatDidNotArrive) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    feed_.sent(fail(ErrorCode::unavailable, "away"), now_);
    pass(1s);
    asked({});
    EXPECT_EQ(next<Feed::Send>()->to, snap(1, 1));
}

TEST_F(FeedToBirch, RestsLongerAfterEachFailureAndSaysWhy) {
    Duration last{};
    for (unsigned i = 1; i <= 8; ++i) {
        ASSERT_TRUE(next<Feed::Ask>());
        feed_.told(fail(ErrorCode::unavailable, "birch is away"), dataset_, now_);
        ASSERT_TRUE(feed_.deadline());
        const Duration rest = *feed_.deadline() - now_;
        EXPECT_GE(rest, last);
        EXPECT_LE(rest, Duration{10s});
        last = rest;
        EXPECT_EQ(feed_.attempts(), i);
        ASSERT_TRUE(feed_.trouble());
        EXPECT_EQ(feed_.trouble()->message, "birch is away");
        EXPECT_TRUE(rests());
        pass(rest);
    }
    EXPECT_EQ(last, Duration{10s});
}

TEST_F(FeedToBirch, ForgetsItsTroubleWhenASnapshotArrives) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    feed_.sent(fail(ErrorCode::unavailable, "away"), now_);
    pass(1s);
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    receipt(1);
    EXPECT_FALSE(feed_.trouble());
    EXPECT_EQ(feed_.attempts(), 0U);
}

TEST_F(FeedToBirch, LooksForChangesBeforeItTakesAnything) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({snap(1, 1)});
    EXPECT_TRUE(next<Feed::Look>());
    EXPECT_TRUE(rests());
    pass(1s);
    EXPECT_TRUE(next<Feed::Look>());
    dataset_.changed = true;
    pass(1s);
    EXPECT_TRUE(next<Feed::TakeOne>());
}

TEST_F(FeedToBirch, IsIdleWhenALookFindsNothingNewAndNoLongerWhenItSends) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({snap(1, 1)});
    ASSERT_TRUE(next<Feed::Look>());
    EXPECT_FALSE(feed_.seen().idle) << "nobody has looked";
    feed_.looked(dataset_, now_);
    EXPECT_TRUE(feed_.seen().idle);
    dataset_.changed = true;
    feed_.looked(dataset_, now_);
    EXPECT_FALSE(feed_.seen().idle);
    dataset_.changed = false;
    feed_.looked(dataset_, now_);
    dataset_.changed = true;
    pass(1s);
    ASSERT_TRUE(next<Feed::TakeOne>());
    taken(snap(1, 2));
    ASSERT_TRUE(next<Feed::Send>());
    EXPECT_FALSE(feed_.seen().idle);
    receipt(10);
    EXPECT_FALSE(feed_.seen().idle) << "it may have been written while the round went over";
}

TEST_F(FeedToBirch, ARoundThatHadToBeRepeatedTookWhatTheLastTryTook) {
    dataset_ = live_dataset(1, {snap(1, 1), snap(1, 2)});
    asked({snap(1, 1)});
    ASSERT_TRUE(next<Feed::Send>());
    feed_.sent(fail(ErrorCode::unavailable, "away"), now_);
    pass(10s);
    asked({snap(1, 1)});
    ASSERT_TRUE(next<Feed::Send>());
    pass(40ms);
    receipt(10);
    EXPECT_EQ(feed_.seen().last_rounds.back().took, Duration{40ms});
}

TEST_F(FeedToBirch, TakesOneMoreRoundAfterAFullCopyEvenWhenNothingChanged) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    receipt(5000);
    pass(1s);
    EXPECT_TRUE(next<Feed::TakeOne>());
}

TEST_F(FeedToBirch, OfAReplicaBeginsARoundHalfTheLagAfterTheLastAndOnlyForSomethingNew) {
    pace_ = {false, 1s};
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    receipt(5000);
    ASSERT_TRUE(next<Feed::TakeOne>()) << "one more round after a full copy";
    taken(snap(1, 2));
    ASSERT_TRUE(next<Feed::Send>());
    receipt(10);
    EXPECT_TRUE(rests());
    EXPECT_FALSE(feed_.wants_look());
    pass(500ms);
    EXPECT_TRUE(rests());
    ASSERT_TRUE(feed_.wants_look());
    const Instant looked = now_;
    feed_.looked(dataset_, now_);
    EXPECT_TRUE(feed_.seen().idle);
    EXPECT_EQ(feed_.seen().proven, looked) << "it has everything of that moment";
    EXPECT_TRUE(rests());
    EXPECT_TRUE(feed_.wants_look()) << "again and again, and nothing else";
    dataset_.changed = true;
    feed_.looked(dataset_, now_);
    EXPECT_TRUE(next<Feed::TakeOne>());
}

TEST_F(FeedToBirch, SharesTheSnapshotsOfAnotherFeed) {
    pace_ = {false, 1s};
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({snap(1, 1)});
    EXPECT_TRUE(rests());
    taken(snap(1, 2));
    const auto send = next<Feed::Send>();
    ASSERT_TRUE(send) << "without a look, at once";
    EXPECT_EQ(send->to, snap(1, 2));
}

TEST_F(FeedToBirch, TakesNothingOfASealedDatasetAndDoesNotRest) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    receipt(5000);
    ASSERT_TRUE(rests()) << "between two rounds";
    taken(snap(1, 2));
    dataset_.seal = Seal{MoveId{3}, snap(1, 2)};
    EXPECT_EQ(next<Feed::Send>()->to, snap(1, 2)) << "at once: the application is down";
    receipt(10);
    pass(1s);
    EXPECT_TRUE(rests()) << "there is nothing more to come";
}

TEST_F(FeedToBirch, RestsAfterAFailureEvenWhenSealed) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    dataset_.seal = Seal{MoveId{3}, snap(1, 1)};
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    feed_.sent(fail(ErrorCode::unavailable, "away"), now_);
    EXPECT_TRUE(rests());
}

TEST_F(FeedToBirch, MeasuresARoundFromTheSnapshotsBeginToTheReceipt) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({snap(1, 1)});
    dataset_.changed = true;
    ASSERT_TRUE(next<Feed::TakeOne>());
    pass(30ms);
    ASSERT_TRUE(next<Feed::TakeOne>()) << "until it is there";
    pass(20ms);
    taken(snap(1, 2));
    ASSERT_TRUE(next<Feed::Send>());
    pass(50ms);
    receipt(700);
    EXPECT_EQ(feed_.seen().last_rounds.back(), (RoundSeen{snap(1, 2), Bytes{700}, 100ms, 100ms, false}));
}

TEST_F(FeedToBirch, KeepsTheLastEightRounds) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({snap(1, 1)});
    for (std::uint64_t i = 2; i <= 11; ++i) {
        dataset_.changed = true;
        pass(1s);
        ASSERT_TRUE(next<Feed::TakeOne>());
        taken(snap(1, i));
        ASSERT_TRUE(next<Feed::Send>());
        receipt(1);
    }
    EXPECT_EQ(feed_.seen().last_rounds.size(), 8U);
    EXPECT_EQ(feed_.seen().last_rounds.back().to, snap(1, 11));
    EXPECT_EQ(feed_.seen().rounds, 10U);
}

TEST_F(FeedToBirch, BeginsARoundWhenItIsItsTurnAndEndsItWithoutAnother) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({snap(1, 1)});
    dataset_.changed = true;
    pace_.turn = false;
    EXPECT_TRUE(rests());
    EXPECT_TRUE(feed_.waits_for_turn());
    EXPECT_FALSE(feed_.wants_snapshot()) << "one that is taken early is old when it goes";
    EXPECT_FALSE(feed_.in_round(now_));
    pace_.turn = true;
    ASSERT_TRUE(next<Feed::TakeOne>());
    EXPECT_TRUE(feed_.in_round(now_));
    EXPECT_FALSE(feed_.waits_for_turn());
    pace_.turn = false;
    taken(snap(1, 2));
    ASSERT_TRUE(next<Feed::Send>());
    EXPECT_TRUE(feed_.in_round(now_ + 60s));
    receipt(10);
    EXPECT_FALSE(feed_.in_round(now_));
}

TEST_F(FeedToBirch, LetsOthersGoFirstWhenItsSnapshotCanNotBeHad) {
    asked({});
    ASSERT_TRUE(next<Feed::TakeOne>());
    pace_.turn = false;
    pass(10s);
    EXPECT_FALSE(feed_.in_round(now_));
    EXPECT_TRUE(rests());
    EXPECT_TRUE(feed_.waits_for_turn());
}

TEST_F(FeedToBirch, OfASealedDatasetWaitsForNobody) {
    dataset_ = live_dataset(1, {snap(1, 1), snap(1, 2)});
    asked({snap(1, 1)});
    pace_.turn = false;
    EXPECT_TRUE(rests());
    dataset_.seal = Seal{MoveId{3}, snap(1, 2)};
    EXPECT_TRUE(next<Feed::Send>());
}

TEST_F(FeedToBirch, IsDueWhenItBreaksItsLagOrByHowLongItWaits) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    pace_ = {false, 3s, false};
    asked({});
    pass(1s);
    ASSERT_TRUE(rests());
    EXPECT_EQ(feed_.round(pace_), (plan::Round{birch, true, false, now_})) << "a first copy has no lag to break";
    pace_.turn = true;
    dataset_.snapshots.front().taken = now_;
    ASSERT_TRUE(next<Feed::Send>());
    pass(1s);
    receipt(10);
    EXPECT_EQ(feed_.round(pace_), (plan::Round{birch, false, false, now_ + 2s})) << "by when the snapshot was taken";
    pace_ = {true, 3s, false};
    pass(1s);
    ASSERT_TRUE(rests());
    pass(1s);
    ASSERT_TRUE(rests());
    EXPECT_EQ(feed_.round(pace_), (plan::Round{birch, false, true, now_ - 1s}));
}

TEST_F(FeedToBirch, GoesOnWithACutSnapshotThoughThereAreNewerOnes) {
    dataset_ = live_dataset(1, {snap(1, 1), snap(1, 2), snap(1, 3)});
    partial_ = PartialSeen{std::nullopt, snap(1, 2), Bytes{1000}, Epoch{1}};
    asked({});
    EXPECT_EQ(feed_.in_use(), std::vector{snap(1, 2)});
    const auto again = next<Feed::Send>();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->to, snap(1, 2));
    EXPECT_EQ(again->base, std::nullopt);
    receipt(100);
    pass(1s);
    const auto newer = next<Feed::Send>();
    ASSERT_TRUE(newer);
    EXPECT_EQ(newer->base, snap(1, 2));
    EXPECT_EQ(newer->to, snap(1, 3));
    EXPECT_EQ(feed_.in_use(), (std::vector{snap(1, 2), snap(1, 3)}));
}

TEST_F(FeedToBirch, GoesOnWithACutIncrementFromItsBase) {
    dataset_ = live_dataset(1, {snap(1, 1), snap(1, 2), snap(1, 3)});
    partial_ = PartialSeen{snap(1, 1), snap(1, 2), Bytes{1000}, Epoch{1}};
    asked({snap(1, 1)});
    EXPECT_EQ(feed_.in_use(), (std::vector{snap(1, 1), snap(1, 1), snap(1, 2)}));
    EXPECT_EQ(next<Feed::Send>()->to, snap(1, 2));
}

TEST_F(FeedToBirch, ForgetsAPartOfAnotherEpochOrBaseOrOfASnapshotThatIsGone) {
    const std::vector<PartialSeen> useless{{snap(1, 1), snap(2, 2), Bytes{1}, Epoch{1}},
                                           {std::nullopt, snap(2, 2), Bytes{1}, Epoch{2}},
                                           {snap(1, 1), snap(1, 2), Bytes{1}, Epoch{2}}};
    for (const PartialSeen& partial : useless) {
        feed_ = Feed(orders, birch);
        dataset_ = live_dataset(2, {snap(1, 1), snap(2, 2), snap(2, 3)});
        partial_ = partial;
        asked({snap(1, 1)});
        EXPECT_EQ(next<Feed::Send>()->to, snap(2, 3));
    }
}

TEST_F(FeedToBirch, KeepsWhatWasCutAfterALongWhileUntilItHearsWhatIsThere) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    pass(60s);
    feed_.sent(fail(ErrorCode::unavailable, "cut"), now_);
    taken(snap(1, 2));
    EXPECT_EQ(feed_.in_use(), std::vector{snap(1, 1)});
    pass(10s);
    asked({});
    EXPECT_TRUE(feed_.in_use().empty()) << "nothing was kept of it";
}

TEST_F(FeedToBirch, KeepsNothingForABriefRoundThatFailed) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    pass(1s);
    feed_.sent(fail(ErrorCode::unavailable, "cut"), now_);
    EXPECT_TRUE(feed_.in_use().empty());
}

TEST_F(FeedToBirch, KeepsWhatWasCutForADayAtMost) {
    dataset_ = live_dataset(1, {snap(1, 1)});
    asked({});
    ASSERT_TRUE(next<Feed::Send>());
    pass(60s);
    feed_.sent(fail(ErrorCode::unavailable, "cut"), now_);
    for (int hour = 0; hour < 25; ++hour) {
        EXPECT_EQ(feed_.in_use().empty(), hour > 23);
        pass(60min);
        ASSERT_TRUE(next<Feed::Ask>());
        feed_.told(fail(ErrorCode::unavailable, "birch is away"), dataset_, now_);
    }
}

TEST_F(FeedToBirch, PinsWhatItSendsAndWhatItSendsFrom) {
    dataset_ = live_dataset(1, {snap(1, 1), snap(1, 2)});
    EXPECT_TRUE(feed_.in_use().empty());
    asked({snap(1, 1)});
    ASSERT_TRUE(next<Feed::Send>());
    EXPECT_EQ(feed_.in_use(), (std::vector{snap(1, 1), snap(1, 2)}));
    feed_.progressed({Bytes{10}, Bytes{100}});
    EXPECT_EQ(feed_.seen().round_sent, Bytes{10});
    receipt(100);
    EXPECT_EQ(feed_.in_use(), std::vector{snap(1, 2)});
    EXPECT_EQ(feed_.seen().round_sent, Bytes{0});
}

}  // namespace
}  // namespace flocker::protocol
