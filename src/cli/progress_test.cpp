// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <gmock/gmock.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using api::StepKind;
using model::MovePhase;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint64_t mebi = 1ULL << 20U;

Outcome pending(api::StepEntry step) {
    Outcome outcome;
    outcome.step = std::move(step);
    return outcome;
}

class ProgressTest : public ::testing::Test {
protected:
    /// The database's line at this look.
    std::string line(const api::MoveEntry& now, Duration after = {}) {
        auto status = cluster({moving("db", now)});
        status.now = clock_start + after;
        return progress_lines({to_birch}, status, before ? &*before : nullptr, {}).at(0);
    }
    void seen_before(const api::MoveEntry& move) { before = cluster({moving("db", move)}); }

    const Outcome to_birch = pending(step(StepKind::move, "db", "birch", "alder"));
    std::optional<api::StatusDocument> before;
};

TEST_F(ProgressTest, ShowsTheFirstCopyWithItsRate) {
    auto earlier = move(MovePhase::staging, "alder", "birch");
    earlier.bytes_live = earlier.round_sent = {100 * mebi};
    seen_before(earlier);
    auto now = earlier;
    now.bytes_live = now.round_sent = {1124 * mebi};
    now.round_expected = {2048 * mebi};
    now.measured = clock_start + 2s;

    EXPECT_EQ(
        line(now),
        "db  alder -> birch  staging: first copy  [==========>         ] 54%  1.1 GiB of 2.0 GiB  512 MiB/s  2 s left");
}

TEST_F(ProgressTest, NeverShowsMoreThanAll) {
    auto now = move(MovePhase::staging, "alder", "birch");
    now.bytes_live = now.round_sent = {300 * mebi};
    now.round_expected = {200 * mebi};

    EXPECT_EQ(line(now), "db  alder -> birch  staging: first copy  [===================>] 99%  300 MiB of 300 MiB");
}

TEST_F(ProgressTest, ShowsIncrements) {
    auto now = move(MovePhase::staging, "alder", "birch");
    now.rounds = 3;
    now.bytes_live = {1024 * mebi};
    now.last_round = api::RoundEntry{{3 * mebi}, 120ms, 400ms, false};

    EXPECT_EQ(line(now), "db  alder -> birch  staging: increment 3  1.0 GiB sent, the last 3.0 MiB in 120 ms");

    now.round_sent = {mebi};
    now.round_expected = {4 * mebi};
    EXPECT_EQ(line(now),
              "db  alder -> birch  staging: increment 3  [=====>              ] 25%  1.0 MiB of 4.0 MiB  1.0 GiB sent");
}

TEST_F(ProgressTest, ShowsATargetThatIsReadyToTakeOver) {
    auto now = move(MovePhase::staging, "alder", "birch");
    now.target_waits = true;
    EXPECT_EQ(line(now), "db  alder -> birch  staging: preparing; birch is ready to take over");

    now.rounds = 3;
    now.bytes_live = {1024 * mebi};
    EXPECT_EQ(line(now), "db  alder -> birch  staging: increment 3  1.0 GiB sent; birch is ready to take over");
}

TEST_F(ProgressTest, SaysWhatAMoveWithALimitWaitsFor) {
    auto now = move(MovePhase::staging, "alder", "birch");
    now.rounds = 3;
    auto entry = moving("db", now);
    entry.why = {{"the cutover is predicted to take 640 ms, and 500 ms are allowed", "alder", {}}};
    EXPECT_EQ(progress_text(entry, nullptr, clock_start), "alder -> birch  staging: increment 3  0 B sent");

    entry.move->downtime_max = 500ms;
    EXPECT_EQ(progress_text(entry, nullptr, clock_start),
              "alder -> birch  staging: increment 3  0 B sent; the cutover is predicted to take 640 ms, and 500 ms are "
              "allowed");
}

TEST_F(ProgressTest, ShowsTheCutoverWithTheDowntimeSoFar) {
    EXPECT_EQ(line(move(MovePhase::sealing, "alder", "birch"), 300ms),
              "db  alder -> birch  sealing: alder stops it, down for 300 ms");

    auto trial = move(MovePhase::trial, "alder", "birch");
    trial.bytes_cutover = {2 * mebi};
    EXPECT_EQ(line(trial, 450ms), "db  alder -> birch  trial: birch starts it, down for 450 ms, 2.0 MiB sent");
    EXPECT_EQ(line(move(MovePhase::settling, "alder", "birch"), 500ms),
              "db  alder -> birch  settling: clients are let through, down for 500 ms");
}

TEST_F(ProgressTest, ShowsThatNothingIsSentYet) {
    EXPECT_EQ(line(move(MovePhase::staging, "alder", "birch")), "db  alder -> birch  staging: preparing");
}

TEST_F(ProgressTest, TellsARateOnlyOfOneMoveThatGoesOn) {
    auto earlier = move(MovePhase::staging, "alder", "birch");
    auto now = earlier;
    now.bytes_live = {1000};
    EXPECT_FALSE(rate(now, earlier)) << "at the same instant";
    now.measured = clock_start + 2s;
    EXPECT_EQ(rate(now, earlier), 500.0);
    now.id = model::MoveId{8};
    EXPECT_FALSE(rate(now, earlier));
}

TEST_F(ProgressTest, LinesUpAllApplicationsThatHaveSomethingToDo) {
    auto web = application("web-front", "alder");
    web.state = api::ApplicationState::starting;
    web.settled = false;
    web.why = {{"its container is being created", "alder", {}}};
    Outcome done = pending(step(StepKind::move, "db", "birch", "alder"));
    done.standing = Standing::done;
    done.move = moved("alder", "birch");
    Outcome failed = pending(step(StepKind::start, "q", "birch"));
    failed.standing = Standing::failed;
    failed.reason = "no such image";
    Outcome kept = pending(step(StepKind::keep, "kv", "birch"));
    kept.standing = Standing::done;

    EXPECT_THAT(progress_lines({done, kept, failed, pending(step(StepKind::start, "web-front", "alder"))},
                               cluster({application("db", "birch"), web}), nullptr, {}),
                ElementsAre("db         moved to birch in 42.0 s, down for 412 ms", "q          failed: no such image",
                            "web-front  starting on alder: its container is being created"));
}

TEST_F(ProgressTest, FitsTheTerminalAndColoursOnlyIfWished) {
    Outcome failed = pending(step(StepKind::start, "q", "birch"));
    failed.standing = Standing::failed;
    failed.reason = "no such image\x1b[2J";

    EXPECT_THAT(progress_lines({failed}, cluster({}), nullptr, {16, false}), ElementsAre("q  failed: no s…"));
    EXPECT_THAT(progress_lines({failed}, cluster({}), nullptr, {0, true}),
                ElementsAre("\x1b[31mq  failed: no such image [2J\x1b[0m"));
}

TEST(PlainProgress, SaysEachPhaseOnceAndThenOnlyNowAndThen) {
    PlainProgress plain;
    const std::vector<Outcome> outcomes{pending(step(StepKind::move, "db", "birch", "alder"))};
    const auto staging = cluster({moving("db", move(MovePhase::staging, "alder", "birch"))});
    const auto sealing = cluster({moving("db", move(MovePhase::sealing, "alder", "birch"))});
    Instant at = clock_start;

    EXPECT_EQ(plain.lines(outcomes, staging, nullptr, at).size(), 1U);
    EXPECT_THAT(plain.lines(outcomes, staging, nullptr, at + 200ms), IsEmpty());
    EXPECT_EQ(plain.lines(outcomes, staging, nullptr, at + 5s).size(), 1U);
    EXPECT_EQ(plain.lines(outcomes, sealing, nullptr, at + 5200ms).size(), 1U);
    EXPECT_THAT(plain.lines(outcomes, sealing, nullptr, at + 5400ms), IsEmpty());
}

TEST(PlainProgress, SaysHowItEndedOnce) {
    PlainProgress plain;
    Outcome done = pending(step(StepKind::start, "db", "alder"));
    done.standing = Standing::done;

    EXPECT_THAT(plain.lines({done}, cluster({}), nullptr, clock_start), ElementsAre("db  started on alder"));
    EXPECT_THAT(plain.lines({done}, cluster({}), nullptr, clock_start + 60s), IsEmpty());
}

}  // namespace
}  // namespace flocker::cli
