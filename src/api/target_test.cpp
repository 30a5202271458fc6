// SPDX-License-Identifier: Apache-2.0
#include "api/target.hpp"

#include <gtest/gtest.h>

namespace flocker::api {
namespace {

TEST(Target, IsTakenApart) {
    EXPECT_EQ(parse_target("/v1/volumes/a%2Fb%20c?tail=3&name=x+y%26&empty").value(),
              (Target{{"v1", "volumes", "a/b c"}, {{"tail", "3"}, {"name", "x y&"}, {"empty", ""}}}));
    EXPECT_EQ(parse_target("/").value(), Target{});
    EXPECT_EQ(parse_target("//v1//status/").value().segments, (std::vector<std::string>{"v1", "status"}));
    EXPECT_EQ(parse_target("/a+b").value().segments.at(0), "a+b");
}

TEST(Target, IsRefusedWhenItIsNone) {
    for (const char* text : {"", "v1", "*", "/%", "/%2", "/%g0", "/%+1", "/a?b=%zz", "/a?b=1&b=2"}) {
        EXPECT_FALSE(parse_target(text)) << text;
    }
}

TEST(Target, GivesNumbersWithinTheirLimits) {
    const auto target = parse_target("/x?tail=10&bad=1x&minus=-1&huge=99999999999999999999").value();

    EXPECT_EQ(number(target, "tail", 5, 0, 10).value(), 10U);
    EXPECT_EQ(number(target, "absent", 5, 0, 10).value(), 5U);
    EXPECT_FALSE(number(target, "tail", 5, 0, 9));
    for (const char* name : {"bad", "minus", "huge"}) EXPECT_FALSE(number(target, name, 5, 0, 100)) << name;
}

TEST(Target, GivesTruthValues) {
    const auto target = parse_target("/x?a=1&b=true&c=0&d=maybe").value();

    EXPECT_TRUE(truth(target, "a").value());
    EXPECT_TRUE(truth(target, "b").value());
    EXPECT_FALSE(truth(target, "c").value());
    EXPECT_FALSE(truth(target, "absent").value());
    EXPECT_FALSE(truth(target, "d"));
}

}  // namespace
}  // namespace flocker::api
