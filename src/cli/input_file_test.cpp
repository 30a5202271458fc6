// SPDX-License-Identifier: Apache-2.0
#include "cli/input_file.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using ::testing::EndsWith;

TEST(ReadInputFile, GivesTheWholeText) {
    const testing::Folder folder;
    const std::string text(50'000, 'x');
    EXPECT_EQ(read_input_file(folder.write("a", text), 50'000).value(), text);
}

TEST(ReadInputFile, SaysWhatIsWrongWithThePath) {
    const testing::Folder folder;
    folder.write("folder/file", "x");
    std::filesystem::create_symlink(folder.path("loop"), folder.path("loop"));

    EXPECT_EQ(read_input_file(folder.path("none"), 10).error(),
              (Error{ErrorCode::not_found, folder.path("none") + ": there is no such file"}));
    EXPECT_THAT(read_input_file(folder.path("folder"), 10).error().message,
                EndsWith(": this is a folder, name a file"));
    EXPECT_THAT(read_input_file(folder.path("loop"), 10).error().message, EndsWith(": its links go round in a circle"));
    EXPECT_THAT(read_input_file(folder.path("folder/file/x"), 10).error().message,
                EndsWith("a part of its path is no folder"));
    EXPECT_EQ(read_input_file("", 10).error().code, ErrorCode::not_found);
}

TEST(ReadInputFile, WaitsForAProgramThatWritesIntoAPipeAndForNobodyElse) {
    const testing::Folder folder;
    const std::string pipe = folder.path("pipe");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_THAT(read_input_file(pipe, 10).error().message, EndsWith("nobody writes into, name a file"));
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));

    // As `flocker deploy <(program)` does it, with a program that takes its time.
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    const std::string text(200'000, 'x');
    std::thread program([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(1500));
        EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
        ::close(ends[1]);
    });
    EXPECT_EQ(read_input_file("/dev/fd/" + std::to_string(ends[0]), text.size()).value(), text);
    program.join();
    ::close(ends[0]);
}

TEST(ReadInputFile, ReadsNoFurtherThanItsLimit) {
    const testing::Folder folder;
    const std::string large = folder.write("large", "");
    std::filesystem::resize_file(large, 100'000'000);
    EXPECT_EQ(read_input_file(large, 1 << 20).error().message, large + ": larger than 1.0 MiB, the limit");
    EXPECT_EQ(read_input_file("/dev/zero", 1 << 20).error(),
              (Error{ErrorCode::invalid_argument, "/dev/zero: larger than 1.0 MiB, the limit"}));
}

}  // namespace
}  // namespace flocker::cli
