// SPDX-License-Identifier: Apache-2.0
#include "cli/input_file.hpp"

#include <gmock/gmock.h>

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

TEST(ReadInputFile, ReadsNoFurtherThanItsLimit) {
    EXPECT_EQ(read_input_file("/dev/zero", 1 << 20).error(),
              (Error{ErrorCode::invalid_argument, "/dev/zero: larger than 1.0 MiB, the limit"}));
}

}  // namespace
}  // namespace flocker::cli
