// SPDX-License-Identifier: Apache-2.0
#include "cli/table.hpp"

#include <gtest/gtest.h>

#include "cli/text.hpp"

namespace flocker::cli {
namespace {

Table sample() {
    Table table({"NAME", "STATE"});
    table.add({"db", {"running", Tone::good}});
    table.add({"a-much-longer-name", "x"});
    return table;
}

TEST(Table, IsAsWideAsItHasToBe) {
    EXPECT_EQ(sample().text({}),
              "NAME                 STATE\n"
              "db                   running\n"
              "a-much-longer-name   x\n");
}

TEST(Table, CutsTheWidestColumnToFit) {
    EXPECT_EQ(sample().text({20, false}),
              "NAME         STATE\n"
              "db           running\n"
              "a-much-lo…   x\n");
}

TEST(Table, CutsNoColumnToNothing) {
    EXPECT_NE(sample().text({5, false}).find("a-muc…"), std::string::npos);
}

TEST(Table, ColoursWithoutMovingTheColumns) {
    EXPECT_EQ(sample().text({0, true}),
              "\x1b[1mNAME\x1b[0m                 \x1b[1mSTATE\x1b[0m\n"
              "db                   \x1b[32mrunning\x1b[0m\n"
              "a-much-longer-name   x\n");
}

TEST(Table, ShowsNoControlCharacters) {
    Table table({"NAME"});
    table.add({"a\x1b[2Jb\nc"});
    EXPECT_EQ(table.text({}), "NAME\na [2Jb c\n");
}

TEST(Text, CountsCharactersAndNotBytes) {
    EXPECT_EQ(columns("größe"), 5U);
    EXPECT_EQ(cut("größe", 4), "grö…");
    EXPECT_EQ(cut("größe", 5), "größe");
    EXPECT_EQ(padded("ö", 3), "ö  ");
}

TEST(Text, SaysAgesInOneUnit) {
    EXPECT_EQ(age_text(300ms), "now");
    EXPECT_EQ(age_text(-3s), "now");
    EXPECT_EQ(age_text(119s), "119 s");
    EXPECT_EQ(age_text(120s), "2 min");
    EXPECT_EQ(age_text(std::chrono::hours{5}), "5 h");
    EXPECT_EQ(age_text(std::chrono::hours{80}), "3 d");
}

TEST(Text, SaysPortsInsideToOutside) {
    EXPECT_EQ(ports_text({{80, 80}, {5432, 15432}}), "80, 5432->15432");
    const auto udp = model::Protocol::udp;
    EXPECT_EQ(ports_text({{53, 53}, {53, 53, udp}, {53, 1053, udp}}), "53, 53/udp, 53->1053/udp");
}

}  // namespace
}  // namespace flocker::cli
