// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/log_frames.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace flocker::docker {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view frames = "\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\4err\n"sv;

Result<std::string> plain(std::string_view bytes, std::size_t piece) {
    LogFrames decoder;
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        FLOCKER_CHECK_OK(decoder.take(std::as_bytes(std::span(bytes.substr(at, piece))),
                                      [&](std::span<const std::byte> some) -> Status {
                                          text.append(reinterpret_cast<const char*>(some.data()), some.size());
                                          return {};
                                      }));
    }
    return text;
}

TEST(LogFrames, AreTakenOffInPiecesOfAnySize) {
    for (std::size_t piece = 1; piece <= frames.size(); ++piece) EXPECT_EQ(plain(frames, piece), "outerr\n") << piece;
}

TEST(LogFrames, ReadsAllFourBytesOfTheSize) {
    const std::string body(0x10203, 'x');
    EXPECT_EQ(plain(std::string("\1\0\0\0\0\1\2\3"sv) + body, 4096), body);
}

TEST(LogFrames, RefusesWhatIsNoFrame) {
    const auto text = plain("plain text", 100);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace flocker::docker
