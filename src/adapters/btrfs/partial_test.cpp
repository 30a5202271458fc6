// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/partial.hpp"

#include <gtest/gtest.h>

namespace flocker::btrfs {
namespace {

using model::Epoch;
using model::SnapshotId;

Uuid uuid_of(std::uint8_t byte) {
    Uuid uuid{};
    uuid.fill(byte);
    uuid[0] = 0xf0;
    return uuid;
}

const Partial increment{Epoch{3},
                        SnapshotId{Epoch{3}, 41},
                        SnapshotId{Epoch{3}, 42},
                        Origin{uuid_of(1), 77, uuid_of(2), Instant{1'700'000'000'123'456'789}},
                        stream::Position{UINT64_MAX, UINT32_MAX},
                        stream::RootTimes{{UINT64_MAX, 999'999'999}, {5, 6}},
                        ".partial-e3-s42-7",
                        uuid_of(3),
                        uuid_of(4),
                        Instant{8}};

Partial whole() {
    Partial partial = increment;
    partial.base.reset();
    partial.origin.base = {};
    partial.base_identity = {};
    partial.times.reset();
    return partial;
}

TEST(PartialText, ComesBackAsItWent) {
    EXPECT_EQ(parse_partial(to_json(increment)), increment);
    EXPECT_EQ(parse_partial(to_json(whole())), whole());
}

TEST(PartialText, IsRefusedWhenSomethingIsMissingOrWrong) {
    const std::string text = to_json(increment);
    const auto code_with = [&](std::string_view from, std::string_view to) {
        std::string changed = text;
        const auto at = changed.find(from);
        EXPECT_NE(at, std::string::npos) << from;
        const auto parsed = parse_partial(changed.replace(at, from.size(), to));
        return parsed ? std::optional<ErrorCode>{} : parsed.error().code;
    };

    EXPECT_EQ(code_with("\"epoch\"", "\"epoch\""), std::nullopt);
    for (const char* name : {"version", "epoch", "to", "uuid", "generation", "taken", "bytes", "sum", "subvolume",
                             "identity", "saved", "base_uuid", "base_identity", "accessed", "seconds"}) {
        EXPECT_EQ(code_with('"' + std::string(name) + '"', "\"x\""), ErrorCode::corrupt) << name;
    }
    EXPECT_EQ(code_with("\"version\":1", "\"version\":2"), ErrorCode::corrupt);
    EXPECT_EQ(code_with("f00101", "f001"), ErrorCode::corrupt);
    EXPECT_EQ(code_with("f00101", "f0010g"), ErrorCode::corrupt);
    EXPECT_EQ(code_with("999999999", "1000000000"), ErrorCode::corrupt);
    EXPECT_EQ(code_with(".partial-e3-s42-7", "e3-s41"), ErrorCode::corrupt) << "it would be removed in the end";
    EXPECT_EQ(code_with(".partial-e3-s42-7", ".partial-/../e3-s41"), ErrorCode::corrupt);
    EXPECT_EQ(parse_partial("").error().code, ErrorCode::corrupt);
    EXPECT_EQ(parse_partial("[]").error().code, ErrorCode::corrupt);
    EXPECT_EQ(parse_partial(text.substr(0, text.size() / 2)).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace flocker::btrfs
