// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/log.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <thread>
#include <vector>

#include "model/ids.hpp"

namespace flocker::posix {
namespace {

constexpr Instant at{1'790'069'400'123'000'000};

TEST(LogRecord, AsTextHasTimeLevelEventAndFields) {
    EXPECT_EQ(format_record(
                  LogStyle::text, at, Level::info, "move_started",
                  {{"application", model::ApplicationName{"db"}}, {"round", 3}, {"live", true}, {"why", "asked for"}}),
              to_utc_text(at) + " info    move_started application=db round=3 live=true why=\"asked for\"\n");
}

TEST(LogRecord, ForTheJournalBeginsWithItsPriority) {
    const auto priority = [](Level level) { return format_record(LogStyle::journal, at, level, "x", {}); };
    EXPECT_EQ(priority(Level::debug), "<7>x\n");
    EXPECT_EQ(priority(Level::info), "<6>x\n");
    EXPECT_EQ(priority(Level::warning), "<4>x\n");
    EXPECT_EQ(priority(Level::error), "<3>x\n");
}

TEST(LogRecord, AsJsonKeepsNumbersAndTruthValuesBare) {
    EXPECT_EQ(format_record(
                  LogStyle::json, at, Level::warning, "seal_failed",
                  {{"error", Error{ErrorCode::conflict, "volume is \"mounted\""}}, {"attempts", 2U}, {"last", false}}),
              R"({"time":")" + to_utc_text(at) +
                  R"(","level":"warning","event":"seal_failed",)"
                  R"("error":"conflict: volume is \"mounted\"","attempts":2,"last":false})"
                  "\n");
}

TEST(LogRecord, IsOneLineWhateverTheValuesHold) {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    for (const auto style : {LogStyle::text, LogStyle::journal, LogStyle::json}) {
        const auto line =
            format_record(style, at, Level::info, "bad\nevent", {{"a key=\"\n", bytes}, {"b", "\x1B[2J"}});
        EXPECT_EQ(line.find('\n'), line.size() - 1);
        EXPECT_EQ(line.find('\x1B'), std::string::npos);
        EXPECT_EQ(line.find('\0'), std::string::npos);
    }
    EXPECT_EQ(format_record(LogStyle::journal, at, Level::info, "x", {{"a b", "c=d"}, {"e", ""}, {"f", "back\\slash"}}),
              "<6>x a_b=\"c=d\" e=\"\" f=\"back\\\\slash\"\n");
}

TEST(Log, DropsWhatIsBelowItsLevel) {
    configure_log(LogStyle::journal, Level::warning);
    ::testing::internal::CaptureStderr();
    log(Level::info, "quiet");
    log(Level::warning, "loud", {{"n", 1}});
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "<4>loud n=1\n");
    configure_log(LogStyle::text, Level::info);
}

TEST(Log, NeverMixesTheLinesOfThreads) {
    configure_log(LogStyle::journal, Level::info);
    ::testing::internal::CaptureStderr();
    std::vector<std::thread> threads;
    for (int number = 0; number < 4; ++number) {
        threads.emplace_back([] {
            for (int i = 0; i < 200; ++i) log(Level::info, "event", {{"value", std::string(300, 'x')}});
        });
    }
    for (auto& thread : threads) thread.join();
    std::istringstream lines(::testing::internal::GetCapturedStderr());
    configure_log(LogStyle::text, Level::info);
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count)
        ASSERT_EQ(line, "<6>event value=" + std::string(300, 'x'));
    EXPECT_EQ(count, 800);
}

TEST(LogStyle, IsJournalOnlyWhenSystemdReadsThisVeryStderr) {
    struct stat seen {};
    ASSERT_EQ(::fstat(STDERR_FILENO, &seen), 0);
    ::setenv("JOURNAL_STREAM", (std::to_string(seen.st_dev) + ":" + std::to_string(seen.st_ino)).c_str(), 1);
    EXPECT_EQ(style_of_stderr(), LogStyle::journal);
    ::setenv("JOURNAL_STREAM", "1:1", 1);
    EXPECT_EQ(style_of_stderr(), LogStyle::text);
    ::unsetenv("JOURNAL_STREAM");
    EXPECT_EQ(style_of_stderr(), LogStyle::text);
}

TEST(LogLevel, IsReadByName) {
    EXPECT_EQ(parse_level("debug"), Level::debug);
    EXPECT_EQ(parse_level("error"), Level::error);
    EXPECT_EQ(parse_level("Error"), std::nullopt);
}

}  // namespace
}  // namespace flocker::posix
