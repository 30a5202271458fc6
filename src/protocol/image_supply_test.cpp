// SPDX-License-Identifier: Apache-2.0
#include "protocol/image_supply.hpp"

#include <gtest/gtest.h>

#include "protocol/testing.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace protocol::testing;

class SupplyOfAnImage : public ::testing::Test {
protected:
    /// Whom it asks now: a node, "registry", or nobody.
    std::string asks(const std::vector<NodeId>& others = {birch, cedar}) {
        const auto effect = supply_.next(others, now_);
        if (!effect) return "nobody";
        if (const auto* fetch = std::get_if<ImageSupply::Fetch>(&*effect)) return fetch->from.value;
        return "registry";
    }
    void fails(ErrorCode code, const std::string& message) { supply_.tried(fail(code, message), now_); }
    void round_fails() {
        ASSERT_EQ(asks({}), "registry");
        fails(ErrorCode::unavailable, "no registry");
    }

    ImageSupply supply_{"postgres:15"};
    Instant now_{noon};
};

TEST_F(SupplyOfAnImage, AsksEachNodeBeforeTheRegistry) {
    std::set<std::string> asked;
    for (int i = 0; i < 2; ++i) {
        asked.insert(asks());
        fails(ErrorCode::not_found, "not here");
    }
    EXPECT_EQ(asked, (std::set<std::string>{birch.value, cedar.value}));
    EXPECT_EQ(asks(), "registry");
}

TEST_F(SupplyOfAnImage, TriesOneAtATime) {
    EXPECT_NE(asks(), "nobody");
    EXPECT_EQ(asks(), "nobody");
}

TEST_F(SupplyOfAnImage, HasNoTroubleWhileSomebodyIsLeftToAsk) {
    asks();
    fails(ErrorCode::unavailable, "birch is away");
    EXPECT_FALSE(supply_.trouble());
    EXPECT_EQ(supply_.attempts(), 0U);
}

TEST_F(SupplyOfAnImage, CountsARoundInWhichNobodyHadItAndRestsLongerEachTime) {
    Duration last{};
    for (unsigned i = 1; i <= 10; ++i) {
        round_fails();
        EXPECT_EQ(supply_.attempts(), i);
        ASSERT_TRUE(supply_.deadline());
        const Duration rest = *supply_.deadline() - now_;
        EXPECT_GE(rest, last);
        EXPECT_LE(rest, Duration{30s});
        EXPECT_EQ(asks({}), "nobody");
        now_ = *supply_.deadline();
        last = rest;
    }
}

TEST_F(SupplyOfAnImage, AsksTheNodesAgainInTheNextRound) {
    round_fails();
    now_ = *supply_.deadline();
    EXPECT_EQ(asks({birch}), birch.value);
}

TEST_F(SupplyOfAnImage, SaysWhatANodeSaidBesideTheRegistry) {
    asks({birch});
    fails(ErrorCode::unavailable, "birch: its disk is full");
    asks({birch});
    fails(ErrorCode::unavailable, "no registry");
    ASSERT_TRUE(supply_.trouble());
    EXPECT_EQ(supply_.trouble()->message, "birch: its disk is full; and no registry");
}

TEST_F(SupplyOfAnImage, DoesNotBlameANodeThatSimplyHasItNot) {
    asks({birch});
    fails(ErrorCode::not_found, "birch: no such image");
    asks({birch});
    fails(ErrorCode::unavailable, "no registry");
    EXPECT_EQ(supply_.trouble()->message, "no registry");
}

TEST_F(SupplyOfAnImage, ForgetsItsTroubleWhenTheImageIsHere) {
    round_fails();
    now_ = *supply_.deadline();
    asks({birch});
    supply_.tried({}, now_);
    EXPECT_FALSE(supply_.trouble());
    EXPECT_EQ(supply_.attempts(), 0U);
}

}  // namespace
}  // namespace flocker::protocol
