// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/pacer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace flocker::peer {
namespace {

using Clock = std::chrono::steady_clock;
using model::Bandwidth;
using model::DatasetId;
using model::SendLimits;

const DatasetId orders{"orders"};
const DatasetId mails{"mails"};
constexpr std::size_t much = 100'000;
const Pacer::Given all{much, {}};

class Pacing : public ::testing::Test {
protected:
    static Status go_on() { return {}; }
    /// How long it took to be given so much.
    Duration give(const DatasetId& dataset, std::size_t bytes) {
        const auto begin = Clock::now();
        for (std::size_t left = bytes; left > 0;) {
            const auto some = pacer_.take(dataset, std::min<std::size_t>(left, 256 << 10), go_on);
            EXPECT_TRUE(some) << some.error();
            if (!some) break;
            EXPECT_GT(some->bytes, 0U);
            left -= some->bytes;
        }
        return Clock::now() - begin;
    }
    std::future<Result<Pacer::Given>> waiting(const DatasetId& dataset) {
        EXPECT_TRUE(pacer_.take(dataset, much, go_on)) << "the next one waits for this";
        return std::async(std::launch::async, [this, dataset] { return pacer_.take(dataset, much, go_on); });
    }

    std::atomic<std::uint32_t> minute_{600};
    Pacer pacer_{[this] { return minute_.load(); }};
};

TEST_F(Pacing, HoldsNothingBackWithoutALimit) {
    EXPECT_EQ(pacer_.take(orders, much, go_on), all);
    pacer_.limit({{}, {{mails, Bandwidth{Bytes{100'000}}}}, {}});
    EXPECT_EQ(pacer_.take(orders, much, go_on), all);
}

TEST_F(Pacing, GivesNoMoreThanTheRate) {
    pacer_.limit({Bandwidth{Bytes{2'000'000}}, {}, {}});
    EXPECT_GE(give(orders, 600'000), Duration{200ms}) << "300 ms, but for the last piece and what was saved up";
}

TEST_F(Pacing, TheNodesLimitIsForAllTogether) {
    pacer_.limit({Bandwidth{Bytes{2'000'000}}, {}, {}});
    const auto begin = Clock::now();
    auto other = std::async(std::launch::async, [&] { give(mails, 300'000); });
    give(orders, 300'000);
    other.wait();
    EXPECT_GE(Clock::now() - begin, Duration{200ms});
}

TEST_F(Pacing, ADatasetsOwnLimitHoldsBesideTheNodes) {
    pacer_.limit({Bandwidth{Bytes{1'000'000'000}}, {{orders, Bandwidth{Bytes{2'000'000}}}}, {}});
    EXPECT_GE(give(orders, 600'000), Duration{200ms});
}

TEST_F(Pacing, GoesByTheTimeOfDay) {
    pacer_.limit({Bandwidth{{}, {{600, 660, Bytes{2'000'000}}}}, {}, {}});
    EXPECT_GE(give(orders, 600'000), Duration{200ms});
    minute_ = 660;
    EXPECT_EQ(pacer_.take(orders, much, go_on), all) << "all of it";
}

// These would wait for more than a day.
TEST_F(Pacing, ANewLimitEndsAWait) {
    pacer_.limit({Bandwidth{Bytes{1}}, {}, {}});
    auto waits = waiting(orders);
    pacer_.limit({});
    EXPECT_EQ(waits.get()->bytes, much);
}

TEST_F(Pacing, WhatClientsBeginToWaitForIsHeldBackNoLonger) {
    pacer_.limit({Bandwidth{Bytes{1}}, {{orders, Bandwidth{Bytes{1}}}}, {}});
    auto waits = waiting(orders);
    pacer_.limit({Bandwidth{Bytes{1}}, {{orders, Bandwidth{Bytes{1}}}}, {orders}});
    EXPECT_EQ(waits.get()->bytes, much);
}

TEST_F(Pacing, ClosingEndsAWait) {
    pacer_.limit({Bandwidth{Bytes{1}}, {}, {}});
    auto waits = waiting(orders);
    pacer_.close();
    EXPECT_EQ(waits.get().error().code, ErrorCode::unavailable);
}

TEST_F(Pacing, WhatGoesWrongMeanwhileEndsAWait) {
    pacer_.limit({Bandwidth{Bytes{1}}, {}, {}});
    ASSERT_TRUE(pacer_.take(orders, much, go_on));
    const auto outcome = pacer_.take(orders, much, [] { return Status(fail(ErrorCode::corrupt, "refused")); });
    EXPECT_EQ(outcome.error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace flocker::peer
