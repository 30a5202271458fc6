// SPDX-License-Identifier: Apache-2.0
#include "cli/live_text.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace flocker::cli {
namespace {

TEST(LiveText, DrawsItsLinesAgainInPlace) {
    std::ostringstream out;
    LiveText live(out);

    live.show({"one", "two"});
    EXPECT_EQ(out.str(), "\x1b[2Kone\n\x1b[2Ktwo\n");

    out.str("");
    live.show({"three"});
    EXPECT_EQ(out.str(), "\x1b[2A\r\x1b[2Kthree\n\x1b[J");

    out.str("");
    live.clear();
    EXPECT_EQ(out.str(), "\x1b[1A\r\x1b[J");
}

TEST(LiveText, WritesNothingForNothing) {
    std::ostringstream out;
    LiveText(out).clear();
    EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace flocker::cli
