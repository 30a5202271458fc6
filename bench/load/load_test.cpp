// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "load/arguments.hpp"
#include "load/others.hpp"
#include "load/statistics.hpp"

namespace flocker::load {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class StatisticsOfAClient : public ::testing::Test {
protected:
    Clock::time_point at(int ms) const { return begin_ + milliseconds{ms}; }
    WallClock::time_point wall(int ms) const { return WallClock::time_point{} + milliseconds{ms}; }

    Clock::time_point begin_{seconds{1000}};
    Statistics statistics_{at(0), wall(0)};
};

TEST_F(StatisticsOfAClient, LongestPauseIsBetweenTwoAcknowledgedWrites) {
    statistics_.acknowledged(at(0), at(1));
    statistics_.acknowledged(at(100), at(101));
    statistics_.acknowledged(at(101), at(103));
    const Window window = statistics_.mark("next", at(104), wall(104));
    EXPECT_EQ(window.longest_pause, milliseconds{100});
    EXPECT_EQ(window.acknowledged, 3u);
}

TEST_F(StatisticsOfAClient, AFailedWriteDoesNotEndAPause) {
    statistics_.acknowledged(at(0), at(1));
    statistics_.failed({Outcome::refused, "nobody there"});
    statistics_.acknowledged(at(200), at(201));
    EXPECT_EQ(statistics_.mark("next", at(201), wall(201)).longest_pause, milliseconds{200});
}

TEST_F(StatisticsOfAClient, APauseThatIsStillGoingOnCountsInTheWindowThatEnds) {
    statistics_.acknowledged(at(0), at(1));
    EXPECT_EQ(statistics_.mark("next", at(501), wall(501)).longest_pause, milliseconds{500});
}

TEST_F(StatisticsOfAClient, APauseAcrossAMarkCountsWholeInTheWindowItEndsIn) {
    statistics_.acknowledged(at(0), at(1));
    (void)statistics_.mark("next", at(101), wall(101));
    statistics_.acknowledged(at(300), at(301));
    const Window window = statistics_.mark("after", at(301), wall(301));
    EXPECT_EQ(window.name, "next");
    EXPECT_EQ(window.longest_pause, milliseconds{300});
}

TEST_F(StatisticsOfAClient, OutcomesAreCountedByKindAndMessage) {
    statistics_.failed({Outcome::refused, "refused"});
    statistics_.failed({Outcome::reset, "reset"});
    statistics_.failed({Outcome::failed, "broken"});
    statistics_.failed({Outcome::failed, "broken"});
    const Window window = statistics_.mark("next", at(1), wall(1));
    EXPECT_EQ(window.refused, 1u);
    EXPECT_EQ(window.resets, 1u);
    EXPECT_EQ(window.errors, 2u);
    EXPECT_EQ(window.messages.at("broken"), 2u);
}

TEST_F(StatisticsOfAClient, RowsOfOthersAreCountedAndEndNoPause) {
    statistics_.acknowledged(at(0), at(1));
    statistics_.acknowledged_to_others();
    statistics_.acknowledged(at(200), at(201));
    (void)statistics_.mark("next", at(201), wall(201));
    statistics_.acknowledged_to_others();
    const Window total = statistics_.total(at(201), wall(201));
    EXPECT_EQ(total.others, 2u);
    EXPECT_EQ(total.acknowledged, 2u);
    EXPECT_EQ(total.longest_pause, milliseconds{200});
}

TEST_F(StatisticsOfAClient, TheTotalIsTheSumOfAllWindowsAndEndsNone) {
    statistics_.acknowledged(at(0), at(1));
    (void)statistics_.mark("second", at(2), wall(2));
    statistics_.acknowledged(at(10), at(11));
    EXPECT_EQ(statistics_.total(at(12), wall(12)).acknowledged, 2u);
    EXPECT_EQ(statistics_.total(at(12), wall(12)).longest_pause, milliseconds{10});
    EXPECT_EQ(statistics_.mark("third", at(12), wall(12)).acknowledged, 1u);
}

TEST_F(StatisticsOfAClient, JsonHasTheFiguresInMilliseconds) {
    statistics_.acknowledged(at(0), at(5));
    statistics_.failed({Outcome::failed, "a \"quoted\" word"});
    const std::string json = to_json("window", statistics_.mark("next", at(5), wall(5)));
    EXPECT_NE(json.find(R"("name":"start")"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("longest_pause_ms":5.0)"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("a \"quoted\" word":1)"), std::string::npos) << json;
}

TEST(Arguments, BytesHaveSuffixesInPowersOf1024) {
    EXPECT_EQ(parse_bytes("17"), 17u);
    EXPECT_EQ(parse_bytes("10M"), 10u << 20);
    EXPECT_EQ(parse_bytes("4G"), std::uint64_t{4} << 30);
    EXPECT_EQ(parse_bytes(""), std::nullopt);
    EXPECT_EQ(parse_bytes("M"), std::nullopt);
    EXPECT_EQ(parse_bytes("99999999999G"), std::nullopt);
}

TEST(Arguments, WritingIsTheDefaultCommand) {
    const Parsed parsed = parse_arguments({"redis", "--host", "10.77.1.11", "--port", "6379", "--interval", "0.5"});
    EXPECT_EQ(parsed.error, "");
    EXPECT_EQ(parsed.arguments.command, Command::write);
    EXPECT_EQ(parsed.arguments.target.port, 6379);
    EXPECT_EQ(parsed.arguments.interval, std::chrono::microseconds{500});
}

TEST(Arguments, ABusyDatabaseHasOtherWriters) {
    const Parsed parsed = parse_arguments({"write", "postgres", "--host", "h", "--port", "1", "--others", "4"});
    EXPECT_EQ(parsed.error, "");
    EXPECT_EQ(parsed.arguments.others, 4u);
    EXPECT_EQ(parse_arguments({"redis", "--host", "h", "--port", "1"}).arguments.others, 0u);
}

TEST(Arguments, ARowOfOthersFitsTwiceIntoAPageOfPostgres) {
    EXPECT_NE(parse_arguments({"redis", "--host", "h", "--port", "1", "--others-payload", "3901"}).error, "");
    EXPECT_LE(2 * (Arguments{}.others_payload + 40) + 24, 8192u);
}

TEST(Arguments, WhatIsForgottenHasToBeSaid) {
    EXPECT_NE(parse_arguments({"forget", "redis", "--host", "h", "--port", "1"}).error, "");
    EXPECT_EQ(parse_arguments({"forget", "redis", "--host", "h", "--port", "1", "--below", "7"}).arguments.below, 7u);
}

TEST(Others, TheirTextIsOfThatLengthAndNeverTheSame) {
    EXPECT_EQ(noise_text(100).size(), 100u);
    EXPECT_NE(noise_text(100), noise_text(100));
}

TEST(Arguments, WhatIsNotUnderstoodIsRefused) {
    EXPECT_NE(parse_arguments({"redis"}).error, "");
    EXPECT_NE(parse_arguments({"redis", "--host", "h", "--port", "70000"}).error, "");
    EXPECT_NE(parse_arguments({"redis", "--host", "h", "--port", "1", "--bogus"}).error, "");
    EXPECT_NE(parse_arguments({"verify", "redis", "--host", "h", "--port", "1"}).error, "");
}

}  // namespace
}  // namespace flocker::load
