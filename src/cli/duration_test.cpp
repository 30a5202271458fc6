// SPDX-License-Identifier: Apache-2.0
#include "cli/duration.hpp"

#include <gtest/gtest.h>

namespace flocker::cli {
namespace {

TEST(ParseDuration, TakesWhatPeopleWrite) {
    EXPECT_EQ(parse_duration("90s").value(), 90s);
    EXPECT_EQ(parse_duration("10m").value(), 10min);
    EXPECT_EQ(parse_duration("1h30m").value(), 90min);
    EXPECT_EQ(parse_duration("2d").value(), 48 * 60min);
    EXPECT_EQ(parse_duration("500ms").value(), 500ms);
    EXPECT_EQ(parse_duration("45").value(), 45s);
}

TEST(ParseDuration, RefusesTheRest) {
    for (const char* text :
         {"", "s", "10x", "-5s", "1.5h", "0s", "10 m", "1h30", "9999999999999s", "99999999999999999999"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

}  // namespace
}  // namespace flocker::cli
