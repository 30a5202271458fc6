// SPDX-License-Identifier: Apache-2.0
#include "cli/pause.hpp"

#include <gmock/gmock.h>

#include "cli/testing.hpp"
#include "cli/text.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using api::StepKind;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<api::MoveEnded> two_moves() {
    api::MoveResultEntry failed;
    failed.id = model::MoveId{8};
    failed.source = "birch";
    failed.target = "alder";
    failed.ended = clock_start + 100s;
    failed.reason = "alder: no room";
    return {{"db", failed}, {"db", moved("alder", "birch")}};
}

std::size_t widest(const std::string& text) {
    std::istringstream lines(text);
    std::size_t most = 0;
    for (std::string line; std::getline(lines, line);) most = std::max(most, columns(line));
    return most;
}

TEST(PartsText, FollowsTheCutoverAndLeavesOutTheHook) {
    EXPECT_EQ(parts_text(moved("alder", "birch")),
              "hold 3.1, stop 120, seal 8.0, increment 18, copy 10, start 11, ready 230, open 0.4 ms");
    EXPECT_EQ(parts_text({}), "");
}

TEST(SourceText, SaysHowMuchIsKnown) {
    api::PredictionEntry predicted;
    predicted.moves = 3;
    EXPECT_EQ(source_text(predicted), "learned from 3 moves");
    predicted.moves = 1;
    EXPECT_EQ(source_text(predicted), "learned from one move");
    predicted.moves = 0;
    EXPECT_EQ(source_text(predicted), "from its start here");
    predicted.guessed = true;
    EXPECT_EQ(source_text(predicted), "a guess");
}

TEST(ForecastText, SaysHowLongClientsWillWaitAndForWhat) {
    auto moving = step(StepKind::move, "db", "birch", "alder");
    moving.to_copy = {2ULL << 30U};
    moving.predicted = prediction();

    EXPECT_EQ(forecast_text(plan({moving})),
              "db moves from alder to birch, 2.0 GiB to copy while it runs.\n"
              "Its clients will wait about 640 ms (learned from 3 moves):\n"
              "  stop         300 ms\n"
              "  increment     20 ms\n"
              "  start         30 ms\n"
              "  ready        250 ms\n"
              "  rest          40 ms\n");
}

TEST(ForecastText, SaysWhenThereIsNothingToForetell) {
    EXPECT_EQ(forecast_text(plan({step(StepKind::keep, "db", "birch")})), "db is on birch; nothing would be moved.\n");
    EXPECT_THAT(forecast_text(plan({step(StepKind::move, "db", "birch", "alder")})), HasSubstr("is not known"));
}

TEST(MovesText, ShowsEachMoveWithItsPartsInOneRow) {
    EXPECT_EQ(moves_text(two_moves(), clock_start + 102s, {}),
              "MOVE   APPLICATION   FROM    TO      WHEN       RESULT     DOWN   PREDICTED   HOLD   STOP   SEAL   "
              "INCREMENT   COPY   START   READY   OPEN\n"
              "8      db            birch   alder   2 s ago    given up\n"
              "7      db            alder   birch   60 s ago   moved      412    440         3.1    120    8.0    "
              "18          10     11      230     0.4\n"
              "\n"
              "Down, predicted and the parts are in milliseconds.\n"
              "Move 8 was given up: alder: no room\n");
    EXPECT_EQ(moves_text({}, clock_start, {}), "No moves yet.\n");
}

TEST(MovesText, TakesTwoTablesWhereOneDoesNotFit) {
    const std::string text = moves_text(two_moves(), clock_start + 102s, {80, false});

    EXPECT_LE(widest(text), 80U);
    EXPECT_THAT(text, HasSubstr("7      db            alder   birch   60 s ago   moved      412    440\n"));
    EXPECT_THAT(text, HasSubstr("\n7      3.1    120    8.0    18          10     11      230     0.4\n"));
    EXPECT_THAT(text, Not(HasSubstr("…")));
    EXPECT_EQ(moves_text(two_moves(), clock_start + 102s, {200, false}),
              moves_text(two_moves(), clock_start + 102s, {}));
}

TEST(MovesText, FitsTheTerminalWhateverTheReasonSays) {
    auto moves = two_moves();
    moves[0].result.reason = std::string(300, 'x') + "\x1b[2J\n";

    const std::string text = moves_text(moves, clock_start, {80, false});

    EXPECT_LE(widest(text), 80U);
    EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(MovesJson, HasEverythingThatIsKept) {
    EXPECT_EQ(
        moves_json(two_moves()),
        R"({"moves":[{"application":"db","id":8,"source":"birch","target":"alder","started":0,)"
        R"("ended":1760000100000000000,"succeeded":false,"reason":"alder: no room","downtime_ns":0,"steps_ns":{},)"
        R"("bytes_live":0,"bytes_cutover":0,"rounds":0,"failover":false},)"
        R"({"application":"db","id":7,"source":"alder","target":"birch","started":1760000000000000000,)"
        R"("ended":1760000042000000000,"succeeded":true,"reason":"","downtime_ns":412000000,)"
        R"("predicted_ns":440000000,"steps_ns":{"copy":9960000,"hold":3140000,"hook":1000000000,)"
        R"("increment":18000000,"open":400000,"ready":230000000,"seal":8000000,"start":11000000,)"
        R"("stop":120000000},"bytes_live":2147483648,"bytes_cutover":1300000,"rounds":0,"failover":false}]})");
}

TEST(MovesText, TellsAFailoverFromAMove) {
    auto failover = moved("alder", "birch");
    failover.failover = true;
    failover.lost = 430ms;
    failover.downtime = {};
    failover.predicted.reset();
    failover.steps.clear();

    const std::string text = moves_text({{"db", failover}}, clock_start + 47s, {});

    EXPECT_THAT(text, HasSubstr("7      db            alder   birch   5 s ago   failover"));
    EXPECT_THAT(text, HasSubstr("Move 7 was a failover: alder was lost; what it wrote in the 0.4 s before is set aside "
                                "there\n"));
    EXPECT_THAT(moves_json({{"db", failover}}), HasSubstr(R"("failover":true,"lost_ns":430000000)"));
}

}  // namespace
}  // namespace flocker::cli
