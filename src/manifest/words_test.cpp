// SPDX-License-Identifier: Apache-2.0
//
// The small grammars inside of a manifest: images, sizes, durations, commands, addresses, plain scalars.
#include <gtest/gtest.h>

#include "manifest/address.hpp"
#include "manifest/bandwidth.hpp"
#include "manifest/command_line.hpp"
#include "manifest/duration.hpp"
#include "manifest/image_reference.hpp"
#include "manifest/size.hpp"
#include "manifest/text.hpp"
#include "manifest/value.hpp"

namespace flocker::manifest {
namespace {

using Words = std::vector<std::string>;

TEST(ImageReference, GetsTheTagLatestUnlessItHasOneOrADigest) {
    const std::string digest = "@sha256:" + std::string(64, 'a');

    EXPECT_EQ(parse_image_reference("redis"), "redis:latest");
    EXPECT_EQ(parse_image_reference("redis:7"), "redis:7");
    EXPECT_EQ(parse_image_reference("redis" + digest), "redis" + digest);
    EXPECT_EQ(parse_image_reference("redis:7" + digest), "redis:7" + digest);
}

TEST(ImageReference, SplitsTheTagAfterTheLastSlashOnly) {
    EXPECT_EQ(parse_image_reference("registry:5000/img"), "registry:5000/img:latest");
    EXPECT_EQ(parse_image_reference("registry:5000/team/img:1.2"), "registry:5000/team/img:1.2");
    EXPECT_EQ(parse_image_reference("registry:5000"), "registry:5000");
    EXPECT_FALSE(parse_image_reference("registry:99999/img"));
}

TEST(ImageReference, RefusesWhatTheEngineWouldRefuse) {
    for (const char* wrong :
         {"",   ":",    "@",    "/",  "a/",          "/a",    "a//b", "A",       "a/B",      "a:",    "a:-x",  "a b",
          "a_", "a..b", "a._b", "a@", "a@sha256:12", "a@:12", "a.b/", "host:/a", "host:0/a", "a:b:c", "-h.x/a"}) {
        EXPECT_FALSE(parse_image_reference(wrong)) << wrong;
    }
    EXPECT_TRUE(parse_image_reference(std::string(255, 'a')));
    EXPECT_FALSE(parse_image_reference(std::string(256, 'a')));
}

TEST(Bandwidth, IsARateWithTimesOfDay) {
    using model::Bandwidth;
    EXPECT_EQ(parse_bandwidth("10MB/s"), Bandwidth{Bytes{10'000'000}});
    EXPECT_EQ(parse_bandwidth("1.5MiB/s"), Bandwidth{Bytes{1'572'864}});
    EXPECT_EQ(parse_bandwidth("100 Mbit/s"), Bandwidth{Bytes{12'500'000}});
    EXPECT_EQ(parse_bandwidth("unlimited"), Bandwidth{});
    EXPECT_EQ(parse_bandwidth(" 50MB/s ;08:00-18:00  10MB/s; 23:30-24:00 unlimited"),
              (Bandwidth{Bytes{50'000'000}, {{480, 1080, Bytes{10'000'000}}, {1410, 1440, {}}}}));
    EXPECT_EQ(parse_bandwidth("22:00-06:00 1GB/s"), (Bandwidth{{}, {{1320, 360, Bytes{1'000'000'000}}}}));
}

TEST(Bandwidth, RefusesWhatIsNone) {
    for (const char* wrong : {"", ";", "10", "10MB", "MB/s", "-1MB/s", "0MB/s", "10mb/s", "10MB/s;", "10MB/s 20MB/s", "nanMB/s",
                              "10MB/s; 5MB/s", "8:00-18:00 1MB/s", "08:00-24:01 1MB/s", "08:60-09:00 1MB/s", "24:00-08:00 1MB/s",
                              "08:00-08:00 1MB/s", "00:00-24:00 1MB/s", "08:00-18:00", "99KB/s", "1e9MB/s", "9999999GB/s"}) {
        const auto outcome = parse_bandwidth(wrong);
        EXPECT_FALSE(outcome) << wrong << ": " << to_text(*outcome);
    }
}

TEST(Bandwidth, ReadsBackWhatItIsWrittenAs) {
    for (const char* text : {"10MB/s", "1500KB/s", "1536KiB/s", "100001B/s", "unlimited", "3GiB/s; 08:00-18:00 10MB/s",
                             "unlimited; 22:00-06:00 1GB/s; 12:00-24:00 unlimited"}) {
        EXPECT_EQ(to_text(*parse_bandwidth(text)), text);
    }
}

TEST(Size, IsInPowersOf1024RoundedUp) {
    EXPECT_EQ(parse_size("1"), Bytes{1});
    EXPECT_EQ(parse_size("10k"), Bytes{10240});
    EXPECT_EQ(parse_size("1.5G"), Bytes{1610612736});
    EXPECT_EQ(parse_size("2.T"), Bytes{2ULL << 40});
    EXPECT_EQ(parse_size("0.1K"), Bytes{103});
    EXPECT_EQ(parse_size("1.000000000001M"), Bytes{(1 << 20) + 1});
    EXPECT_EQ(parse_size("0.5"), Bytes{1});
    EXPECT_EQ(parse_size("00012"), Bytes{12});
}

TEST(Size, EndsBelowTwoToThe63) {
    EXPECT_EQ(parse_size("9223372036854775807"), Bytes{(1ULL << 63) - 1});
    EXPECT_FALSE(parse_size("9223372036854775808"));
    EXPECT_FALSE(parse_size("9223372036854775807.5"));
    EXPECT_EQ(parse_size("8388607.9T"), Bytes{(8388607ULL << 40) + 989560464999});
    EXPECT_FALSE(parse_size("8388608T"));
    EXPECT_FALSE(parse_size("8388607.9999999999999999T"));
    EXPECT_FALSE(parse_size(std::string(100, '9')));
    EXPECT_FALSE(parse_size("1." + std::string(100, '9')));
}

TEST(Size, RefusesWhatIsNotOne) {
    for (const char* wrong :
         {"", "0", "0.0T", "K", ".5K", "-1", "+1", "1 K", "1KB", "1e3", "1..2", "1.2.3", "0x10", "1,5G"}) {
        EXPECT_FALSE(parse_size(wrong)) << wrong;
    }
}

TEST(ParseDuration, TakesWhatPeopleWrite) {
    EXPECT_EQ(parse_duration("90s").value(), 90s);
    EXPECT_EQ(parse_duration("10m").value(), 10min);
    EXPECT_EQ(parse_duration("1h30m").value(), 90min);
    EXPECT_EQ(parse_duration("2d").value(), 48 * 60min);
    EXPECT_EQ(parse_duration("500ms").value(), 500ms);
    EXPECT_EQ(parse_duration("45").value(), 45s);
}

TEST(ParseDuration, RefusesTheRest) {
    for (const char* text : {"", "s", "10x", "-5s", "1.5h", "0s", "10 m", "1h30", "9999999999999s",
                             "99999999999999999999", "106752d", "106751d24h", "1S"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
    }
}

TEST(DurationText, IsReadAsWhatItWasWrittenFrom) {
    for (const char* text : {"1s", "500ms", "1s500ms", "10m", "1h30m", "7d", "106751d"}) {
        EXPECT_EQ(duration_text(parse_duration(text).value()), text);
    }
    EXPECT_EQ(duration_text(90s), "1m30s");
    EXPECT_EQ(duration_text(0s), "0s");
}

TEST(Command, IsSplitAsAShellWouldSplitIt) {
    EXPECT_EQ(split_command("  redis-server \t --port\n6379 "), (Words{"redis-server", "--port", "6379"}));
    EXPECT_EQ(split_command("a 'b c' \"d e\" f\\ g"), (Words{"a", "b c", "d e", "f g"}));
    EXPECT_EQ(split_command("--x='1 2'\"3 4\"5"), (Words{"--x=1 23 45"}));
    EXPECT_EQ(split_command("'' \"\" x"), (Words{"", "", "x"}));
    EXPECT_EQ(split_command("\"a\\\"b\\\\c\\$d\\e\" 'a\\b'"), (Words{"a\"b\\c$d\\e", "a\\b"}));
    EXPECT_EQ(split_command("a\\\nb \"c\\\nd\""), (Words{"ab", "cd"}));
    EXPECT_EQ(split_command("sh -c 'echo $X | cat > /y && z; (w)'"),
              (Words{"sh", "-c", "echo $X | cat > /y && z; (w)"}));
    EXPECT_EQ(split_command("a#b # ~ * ? $ $1 {x}"), (Words{"a#b", "#", "~", "*", "?", "$", "$1", "{x}"}));
}

TEST(Command, IsRefusedIfItCannotBeSplitOrNeedsAShell) {
    for (const char* wrong : {"", "  ", "'", "a 'b", "\"", "a \"b\\\"", "\\", "a\\", "a|b", "a&b", "a;b", "a>b", "a<b",
                              "(a)", "`a`", "$a", "${a}", "$(a)", "$_"}) {
        EXPECT_FALSE(split_command(wrong)) << wrong;
    }
}

TEST(Command, IsNotRepeatedInAMessage) {
    EXPECT_EQ(split_command("echo secret 'x").error().message.find("secret"), std::string::npos);
}

TEST(Address, IsFourPlainNumbers) {
    EXPECT_EQ(parse_ipv4("10.213.0.1"), 0x0AD50001u);
    for (const char* wrong :
         {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.", ".1.2.3", "1.2.3.4 ", "a.b.c.d"}) {
        EXPECT_FALSE(parse_ipv4(wrong)) << wrong;
    }
}

TEST(Hostname, IsNotSomethingLikeAnAddress) {
    EXPECT_TRUE(is_hostname("alder"));
    EXPECT_TRUE(is_hostname("db_1.example.com"));
    EXPECT_TRUE(is_hostname("10.0.0.x1"));
    for (const char* wrong : {"", "10.0.0.256", "7", "a..b", ".a", "a.", "-a", "a-", "a b", "a:1", "a/b"}) {
        EXPECT_FALSE(is_hostname(wrong)) << wrong;
    }
}

TEST(PlainScalar, MeansWhatAnyYamlReaderTakesItFor) {
    for (const char* whole : {"0", "80", "-80", "+80", "080", "0x50", "0o17", "0b1", "1_000"}) {
        EXPECT_EQ(meaning_of(whole), Meaning::whole_number) << whole;
    }
    for (const char* decimal : {"1.5", "1.", ".5", "-1.5", "1e3", "1E-3", "1.5e+3", ".inf", "-.INF", ".nan"}) {
        EXPECT_EQ(meaning_of(decimal), Meaning::decimal_number) << decimal;
    }
    for (const char* truth : {"true", "False", "YES", "no", "on", "Off"}) {
        EXPECT_EQ(meaning_of(truth), Meaning::truth_value) << truth;
    }
    for (const char* text :
         {"", "-", ".", "..", "a", "1a", "0x", "0xg", "1.2.3", "10.0.0.1", "e3", "1e", "1e+", "y", "_1", "-_"}) {
        EXPECT_EQ(meaning_of(text), Meaning::text) << text;
    }
}

TEST(Suggestion, IsNearOrNone) {
    const std::vector<std::string_view> keys{"image", "ports", "links", "environment"};

    EXPECT_EQ(nearest("prots", keys), "ports");
    EXPECT_EQ(nearest("Image", keys), "image");
    EXPECT_EQ(nearest("enviroment", keys), "environment");
    EXPECT_EQ(nearest("volume", keys), std::nullopt);
    EXPECT_EQ(nearest("", keys), std::nullopt);
}

TEST(ShownText, IsCutBetweenCharactersAndHasNoControlCharacters) {
    EXPECT_EQ(shown("a\n\x1b[1m\x7f"), "'a\\x0a\\x1b[1m\\x7f'");
    EXPECT_EQ(shown("\xC2\x9B"), "'\\x9b'");
    EXPECT_EQ(shown(std::string(59, 'x') + "é"), "'" + std::string(59, 'x') + "...'");
}

}  // namespace
}  // namespace flocker::manifest
