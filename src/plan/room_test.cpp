// SPDX-License-Identifier: Apache-2.0
#include "plan/room.hpp"

#include <gtest/gtest.h>

#include "plan/limits.hpp"
#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace plan::testing;

constexpr Bytes gib(std::uint64_t count) { return {count << 30U}; }

TEST(Room, IsShortBelowATenthOfASmallPoolAndBelowAFewGigabytesOfALargeOne) {
    EXPECT_TRUE(is_short(gib(20), Bytes{gib(2).value - 1}, false));
    EXPECT_FALSE(is_short(gib(20), gib(2), false));
    EXPECT_TRUE(is_short(gib(2000), gib(7), false));
    EXPECT_FALSE(is_short(gib(2000), gib(8), false)) << "far less than a tenth";
    EXPECT_FALSE(is_short(Bytes{0}, Bytes{0}, false)) << "not measured yet";
}

TEST(Room, IsShortUntilHalfAsMuchAgainIsFree) {
    EXPECT_TRUE(is_short(gib(20), Bytes{gib(3).value - 1}, true));
    EXPECT_FALSE(is_short(gib(20), gib(3), true));
    EXPECT_FALSE(is_short(gib(2000), gib(12), true));
}

class LettingGo : public ::testing::Test {
protected:
    static Pin pin(const model::NodeId& replica, Instant oldest, bool silent) {
        return {orders, replica, oldest, oldest, silent};
    }
    [[nodiscard]] const Pin* next(Duration short_for = 60s, bool nearly_full = false) const {
        return next_to_go(pins_, noon - short_for, nearly_full, noon);
    }

    std::vector<Pin> pins_;
};

TEST_F(LettingGo, BeginsWithTheOldestForWhoDoesNotAnswer) {
    pins_ = {pin(alder, noon - 600s, false), pin(birch, noon - 60s, true), pin(cedar, noon - 120s, true)};
    EXPECT_EQ(next(), &pins_[2]);
    pins_.pop_back();
    EXPECT_EQ(next(), &pins_[1]);
    pins_.pop_back();
    EXPECT_EQ(next(), &pins_[0]);
    pins_.pop_back();
    EXPECT_EQ(next(), nullptr);
}

TEST_F(LettingGo, EndsWithWhatIsKeptForNobody) {
    pins_ = {{orders, std::nullopt, noon - 600s, {}, false}, pin(birch, noon - 60s, false)};
    EXPECT_EQ(next(), &pins_[1]);
    pins_.pop_back();
    EXPECT_EQ(next(), &pins_[0]);
}

TEST_F(LettingGo, SparesAReplicaThatKeepsUp) {
    pins_ = {pin(birch, noon - 1s, false)};
    EXPECT_FALSE(next());
    pins_ = {pin(birch, noon - 600s, false)};
    pins_[0].proven = noon - 1s;
    EXPECT_FALSE(next()) << "nothing has been written since";
}

TEST_F(LettingGo, GivesEveryReplicaAMomentAfterThePoolRanShort) {
    pins_ = {pin(birch, noon - 600s, true)};
    EXPECT_FALSE(next(silent_patience));
    EXPECT_TRUE(next(silent_patience + 1ms));
    pins_[0].silent = false;
    EXPECT_FALSE(next(lagging_patience));
    EXPECT_TRUE(next(lagging_patience + 1ms));
}

TEST_F(LettingGo, WaitsOnlyForWhoLagsWhenNearlyNothingIsLeft) {
    pins_ = {{orders, std::nullopt, noon - 600s, {}, false}};
    EXPECT_FALSE(next(1ms));
    EXPECT_TRUE(next(1ms, true));
    pins_ = {pin(birch, noon - 600s, true)};
    EXPECT_TRUE(next(1ms, true));
    pins_[0].silent = false;
    EXPECT_FALSE(next(silent_patience, true));
    EXPECT_TRUE(next(silent_patience + 1ms, true));
    pins_[0].proven = noon - 1s;
    EXPECT_FALSE(next(60s, true)) << "little would be gained, and much is to be copied again";
}

TEST_F(LettingGo, WaitsForWhatWasFreedUnlessNothingIsLeft) {
    EXPECT_FALSE(is_nearly_full(gib(20), Bytes{gib(1).value / 2}));
    EXPECT_TRUE(is_nearly_full(gib(20), Bytes{gib(1).value / 2 - 1}));
    EXPECT_EQ(rest_after_letting_go(false), let_go_rest);
    EXPECT_EQ(rest_after_letting_go(true), let_go_rest_full);
}

}  // namespace
}  // namespace flocker::plan
