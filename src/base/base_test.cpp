// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace flocker {
namespace {

TEST(BytesText, HasThreeDigitsAtMost) {
    EXPECT_EQ(to_text(Bytes{0}), "0 B");
    EXPECT_EQ(to_text(Bytes{1023}), "1023 B");
    EXPECT_EQ(to_text(Bytes{1536}), "1.5 KiB");
    EXPECT_EQ(to_text(Bytes{20ULL << 30}), "20 GiB");
    EXPECT_EQ(to_text(Bytes{1023ULL << 20}), "1.0 GiB");
}

TEST(DurationText, ChoosesTheUnitThatReads) {
    EXPECT_EQ(to_text(Duration{850ms}), "850 ms");
    EXPECT_EQ(to_text(Duration{3210ms}), "3.2 s");
    EXPECT_EQ(to_text(Duration{250s}), "4 min 10 s");
    EXPECT_EQ(to_text(Duration{125min}), "2 h 5 min");
    EXPECT_EQ(to_text(Duration{-20ms}), "-20 ms");
}

TEST(InstantText, IsUtcToTheMillisecond) {
    EXPECT_EQ(to_utc_text(Instant{0}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(to_utc_text(Instant{1'795'339'800'123'000'000}), "2026-11-22T09:30:00.123Z");
}

}  // namespace
}  // namespace flocker
