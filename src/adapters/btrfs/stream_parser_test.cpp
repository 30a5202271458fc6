// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/stream_parser.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

#include "adapters/btrfs/crc32c.hpp"
#include "adapters/btrfs/stream_prefix.hpp"

namespace flocker::btrfs::stream {
namespace {

std::string little(std::uint64_t number, std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>((number >> (8 * i)) & 0xFFU);
    return text;
}
std::string attribute(unsigned type, const std::string& value) {
    return little(type, 2) + little(value.size(), 2) + value;
}
std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}
std::string command(unsigned kind, const std::string& payload) {
    const std::string head = little(payload.size(), 4) + little(kind, 2);
    return head + little(crc32c(0, bytes_of(head + std::string(4, '\0') + payload)), 4) + payload;
}

const std::string header = std::string("btrfs-stream\0", 13) + little(1, 4);
const std::string uuid(16, 'u');
const std::string begin = command(1, attribute(15, "name") + attribute(1, uuid) + attribute(2, little(9, 8)));
const std::string end = command(21, "");

/// What the parser makes of a whole stream that arrives in pieces of a given size.
struct Parsed {
    std::vector<std::size_t> kinds;  ///< Index in Command.
    std::optional<Error> error;
    bool ended{false};
};
Parsed parse(const std::string& text, std::size_t piece = SIZE_MAX) {
    Parser parser;
    Parsed parsed;
    auto rest = bytes_of(text);
    for (;;) {
        const auto next = parser.next();
        if (!next) {
            parsed.error = next.error();
            return parsed;
        }
        if (*next) {
            parsed.kinds.push_back((*next)->index());
            continue;
        }
        if (rest.empty()) break;
        const auto space = parser.space();
        const std::size_t some = std::min({space.size(), rest.size(), piece});
        std::memcpy(space.data(), rest.data(), some);
        parser.filled(some);
        rest = rest.subspan(some);
    }
    parsed.ended = parser.ended();
    return parsed;
}
/// The one command after the begin.
template <class Wanted, class Check>
void expect(const std::string& text, const Check& check) {
    Parser parser;
    const std::string whole = header + begin + text;
    ASSERT_LE(whole.size(), parser.space().size());
    std::memcpy(parser.space().data(), whole.data(), whole.size());
    parser.filled(whole.size());
    ASSERT_TRUE(parser.next());
    const auto got = parser.next();
    ASSERT_TRUE(got) << got.error();
    ASSERT_TRUE(*got);
    const auto* wanted = std::get_if<Wanted>(&**got);
    ASSERT_NE(wanted, nullptr);
    check(*wanted);
}
void expect_corrupt(const std::string& text, const std::string& why) {
    const Parsed parsed = parse(text);
    ASSERT_TRUE(parsed.error) << why;
    EXPECT_EQ(parsed.error->code, ErrorCode::corrupt);
    EXPECT_NE(parsed.error->message.find(why), std::string::npos) << parsed.error->message;
}

TEST(Crc32c, IsTheOneThatBtrfsUses) {
    // The check value of CRC-32C is 0xE3069283 with both inversions.
    EXPECT_EQ(crc32c(0xFFFFFFFFU, bytes_of("123456789")) ^ 0xFFFFFFFFU, 0xE3069283U);
    const std::string text = "carried on from piece to piece, of any length";
    EXPECT_EQ(crc32c(crc32c(0, bytes_of(text.substr(0, 13))), bytes_of(text.substr(13))), crc32c(0, bytes_of(text)));
}

TEST(StreamPrefix, ComesBackAsItWentAndIsChecked) {
    auto bytes = encode_prefix(Instant{1'700'000'000'123'456'789});
    EXPECT_EQ(decode_prefix(bytes), Instant{1'700'000'000'123'456'789});
    for (std::byte& byte : bytes) {
        byte ^= std::byte{4};
        EXPECT_FALSE(decode_prefix(bytes));
        byte ^= std::byte{4};
    }
}

TEST(StreamParser, GivesTheSameCommandsWhateverThePieces) {
    const std::string text =
        header + begin + command(3, attribute(15, "a") + attribute(3, little(257, 8))) +
        command(15, attribute(15, "a") + attribute(18, little(0, 8)) + attribute(19, std::string(48 * 1024, 'x'))) +
        end;
    const Parsed whole = parse(text);
    EXPECT_FALSE(whole.error);
    EXPECT_TRUE(whole.ended);
    EXPECT_EQ(whole.kinds, (std::vector<std::size_t>{0, 2, 14, 21}));
    for (const std::size_t piece : {1U, 7U, 4096U, 65536U}) EXPECT_EQ(parse(text, piece).kinds, whole.kinds) << piece;
}

TEST(StreamParser, ReadsEveryPartOfACommand) {
    expect<Write>(command(15, attribute(15, "d/f") + attribute(18, little(1ULL << 40U, 8)) + attribute(19, "text")),
                  [](const Write& write) {
                      EXPECT_EQ(write.path, "d/f");
                      EXPECT_EQ(write.offset, 1ULL << 40U);
                      EXPECT_EQ(write.content.size(), 4U);
                  });
    expect<Clone>(command(16, attribute(15, "to") + attribute(18, little(4096, 8)) + attribute(24, little(8192, 8)) +
                                  attribute(20, uuid) + attribute(21, little(1, 8)) + attribute(22, "from") +
                                  attribute(23, little(12288, 8))),
                  [](const Clone& clone) {
                      EXPECT_EQ(clone.path, "to");
                      EXPECT_EQ(clone.offset, 4096U);
                      EXPECT_EQ(clone.length, 8192U);
                      EXPECT_EQ(clone.source_path, "from");
                      EXPECT_EQ(clone.source_offset, 12288U);
                      EXPECT_EQ(clone.source[0], 'u');
                  });
    expect<SetTimes>(command(20, attribute(15, "") + attribute(11, little(5, 8) + little(6, 4)) +
                                     attribute(10, little(7, 8) + little(8, 4))),
                     [](const SetTimes& times) {
                         EXPECT_EQ(times.path, "");
                         EXPECT_EQ(times.accessed, (Time{5, 6}));
                         EXPECT_EQ(times.modified, (Time{7, 8}));
                     });
    expect<MakeSymlink>(command(8, attribute(15, "l") + attribute(17, "../../etc/passwd")),
                        [](const MakeSymlink& symlink) { EXPECT_EQ(symlink.target, "../../etc/passwd"); });
}

TEST(StreamParser, RefusesPathsThatMayLeadOutside) {
    for (const char* path : {"/etc/passwd", "..", "../x", "a/../b", "a/..", "a//b", "a/", "./a", "a/./b", ""}) {
        expect_corrupt(header + begin + command(3, attribute(15, path)), "command 3");
    }
    expect_corrupt(header + begin + command(3, attribute(15, std::string("a\0b", 3))), "NUL");
    expect_corrupt(header + begin + command(3, attribute(15, std::string(4096, 'a'))), "too long");
    expect_corrupt(header + begin + command(9, attribute(15, "a") + attribute(16, "../b")), "outside");
    expect_corrupt(header + begin + command(10, attribute(15, "a") + attribute(17, "/b")), "outside");
}

TEST(StreamParser, RefusesWhatIsNotWellFormed) {
    expect_corrupt("btrfs-strexm" + header, "not a btrfs stream");
    expect_corrupt(std::string("btrfs-stream\0", 13) + little(2, 4), "version");
    expect_corrupt(header + command(3, attribute(15, "a")), "does not begin");
    expect_corrupt(header + begin + begin, "begins twice");
    expect_corrupt(header + begin + end + "x", "after the end");
    expect_corrupt(header + begin + little(UINT32_MAX, 4) + little(3, 2) + little(0, 4), "too long");
    expect_corrupt(header + begin + command(3, attribute(15, "a") + attribute(15, "b")), "twice");
    expect_corrupt(header + begin + command(3, attribute(15, "a") + "x"), "cut");
    expect_corrupt(header + begin + command(3, little(15, 2) + little(9, 2) + "a"), "longer");
    expect_corrupt(header + begin + command(3, attribute(99, "a")), "unknown attribute");
    expect_corrupt(header + begin + command(3, ""), "missing");
    expect_corrupt(header + begin + command(25, attribute(15, "a")), "unknown command");
    expect_corrupt(header + begin + command(17, attribute(15, "a") + attribute(4, "1234")), "wrong length");
    std::string flipped = header + begin + command(3, attribute(15, "a"));
    flipped.back() = 'b';
    expect_corrupt(flipped, "checksum");
}

TEST(StreamParser, SaysThatACutStreamHasNotEnded) {
    const std::string text = header + begin + command(3, attribute(15, "a")) + end;
    for (std::size_t size = 0; size < text.size(); ++size) {
        const Parsed parsed = parse(text.substr(0, size));
        EXPECT_FALSE(parsed.error) << size;
        EXPECT_FALSE(parsed.ended) << size;
    }
}

TEST(StreamParser, SurvivesAnyBytesWithRightChecksums) {
    std::mt19937 random(20261122);
    std::uniform_int_distribution<unsigned> byte(0, 255);
    for (int round = 0; round < 4000; ++round) {
        std::string payload;
        for (unsigned i = byte(random) % 6; i > 0; --i) {
            std::string value(byte(random) % 20, '\0');
            for (char& c : value) c = static_cast<char>(byte(random));
            payload += attribute(byte(random) % 27, value);
        }
        if (!payload.empty() && byte(random) % 4 == 0) payload.resize(byte(random) % payload.size());
        const Parsed parsed = parse(header + begin + command(byte(random) % 28, payload) + end, 1 + byte(random));
        if (parsed.error) {
            EXPECT_EQ(parsed.error->code, ErrorCode::corrupt);
        }
    }
}

TEST(StreamParser, GoesOnBetweenTwoCommands) {
    const std::string file = command(3, attribute(15, "file"));
    const std::string before = header + begin + file;
    const std::string after = command(8, attribute(15, "link") + attribute(17, "target")) + end;
    const auto feed = [](Parser& parser, const std::string& text) {
        std::memcpy(parser.space().data(), text.data(), text.size());
        parser.filled(text.size());
    };
    Parser first(Position{20, 7});
    feed(first, before + after.substr(0, after.size() / 2));
    ASSERT_TRUE(first.next()->has_value());
    ASSERT_TRUE(first.next()->has_value());
    EXPECT_EQ(first.position(), (Position{20 + before.size(), crc32c(7, bytes_of(before))}));

    Parser second(first.position(), Beginning::between_commands);
    feed(second, after);

    const auto link = second.next();
    ASSERT_TRUE(link && *link) << link.error();
    EXPECT_TRUE(std::holds_alternative<MakeSymlink>(**link));
    EXPECT_TRUE(std::holds_alternative<End>(second.next()->value()));
    EXPECT_TRUE(second.ended());

    Parser third(first.position(), Beginning::between_commands);
    feed(third, begin);
    EXPECT_EQ(third.next().error().code, ErrorCode::corrupt) << "it begins twice";
}

}  // namespace
}  // namespace flocker::btrfs::stream
