// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/frames.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "adapters/peer/body_source.hpp"
#include "adapters/peer/crc32c.hpp"

namespace flocker::peer {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}
std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// What is written can be read again, in pieces of a few bytes.
class Loopback final : public posix::Stream {
public:
    explicit Loopback(std::string& bytes) : bytes_(bytes) {}
    Result<std::size_t> read_some(std::span<std::byte> buffer) override {
        const std::size_t size = std::min({buffer.size(), bytes_.size() - read_, std::size_t{777}});
        std::ranges::copy(bytes_of(bytes_).subspan(read_, size), buffer.begin());
        read_ += size;
        return size;
    }
    Status write_all(std::span<const std::byte> bytes) override {
        bytes_ += text_of(bytes);
        return {};
    }
    void finish_writing() override {}
    void close() override {}
    void set_idle_limit(Duration) override {}
    [[nodiscard]] std::string peer() const override { return {}; }

private:
    std::string& bytes_;
    std::size_t read_{0};
};

class Frames : public ::testing::Test {
protected:
    /// Everything of a body, or the error.
    Result<std::string> read_body() {
        BodySource source(frames_);
        std::string text;
        std::vector<std::byte> buffer(100);
        for (;;) {
            FLOCKER_TRY(const std::size_t size, source.read(buffer));
            if (size == 0) return text;
            text += text_of(std::span(buffer).first(size));
        }
    }

    std::string bytes_;
    FrameStream frames_{std::make_unique<Loopback>(bytes_)};
};

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    std::uint32_t state = 1;
    for (char& c : text) c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
    return text;
}

TEST(Crc32c, IsTheOneThatEverybodyKnows) {
    EXPECT_EQ(crc32c(0, bytes_of("123456789")), 0xe3069283U);
    EXPECT_EQ(crc32c_by_table(0, bytes_of("123456789")), 0xe3069283U);
    EXPECT_EQ(crc32c(0, {}), 0U);
}

TEST(Crc32c, IsTheSameInPiecesAndByTable) {
    const auto text = pattern(1000);
    const auto whole = crc32c(0, bytes_of(text));

    for (std::size_t cut = 0; cut <= text.size(); cut += 37) {
        const auto view = bytes_of(text);
        EXPECT_EQ(crc32c(crc32c(0, view.first(cut)), view.subspan(cut)), whole);
    }
    EXPECT_EQ(crc32c_by_table(0, bytes_of(text)), whole);
}

TEST_F(Frames, BringMessagesAndBodiesInTheirOrder) {
    const auto large = pattern(3'000'000);

    frames_.put_message("first");
    ASSERT_TRUE(frames_.put_data(bytes_of("abc")));
    frames_.put_still_here();
    ASSERT_TRUE(frames_.put_data(bytes_of("def")));
    frames_.put_end();
    frames_.put_message("second");
    ASSERT_TRUE(frames_.put_data(bytes_of(large)));
    frames_.put_end();
    ASSERT_TRUE(frames_.flush());

    EXPECT_EQ(frames_.read_message().value(), "first");
    EXPECT_EQ(read_body().value(), "abcdef");
    EXPECT_EQ(frames_.read_message().value(), "second");
    EXPECT_TRUE(read_body().value() == large);
    EXPECT_EQ(frames_.body_bytes(), large.size());
}

TEST_F(Frames, BringAnEmptyBody) {
    frames_.put_end();
    ASSERT_TRUE(frames_.flush());

    EXPECT_EQ(read_body().value(), "");
}

TEST_F(Frames, GoOutInOneWriteWhenTheyAreSmall) {
    frames_.put_message("request");
    ASSERT_TRUE(frames_.put_data(bytes_of("increment")));
    frames_.put_end();
    EXPECT_EQ(bytes_.size(), 0U);

    ASSERT_TRUE(frames_.flush());
    EXPECT_EQ(bytes_.size(), 9 + 7 + 9 + 9 + 9 + 8U);
}

TEST_F(Frames, AreFoundCorruptWhicheverByteIsChanged) {
    frames_.put_message("{}");
    ASSERT_TRUE(frames_.put_data(bytes_of("some bytes")));
    frames_.put_end();
    ASSERT_TRUE(frames_.flush());
    const auto good = bytes_;

    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = static_cast<char>(bad[i] ^ 1);
        FrameStream frames(std::make_unique<Loopback>(bad));
        auto message = frames.read_message();
        Status outcome;
        if (!message) outcome = tl::unexpected(message.error());
        if (outcome) outcome = BodySource(frames).skip();
        ASSERT_FALSE(outcome) << i;
        // A length that has grown shows as an end that comes too early.
        EXPECT_TRUE(outcome.error().code == ErrorCode::corrupt || outcome.error().code == ErrorCode::unavailable);
    }
}

TEST_F(Frames, AreFoundCorruptWhenOneOfThemIsLostOrComesTwice) {
    ASSERT_TRUE(frames_.put_data(bytes_of("one")));
    ASSERT_TRUE(frames_.flush());
    const auto one = bytes_;
    ASSERT_TRUE(frames_.put_data(bytes_.empty() ? bytes_of("") : bytes_of("two")));
    frames_.put_end();
    ASSERT_TRUE(frames_.flush());
    const auto rest = bytes_.substr(one.size());

    for (std::string bad : {rest, one + one + rest}) {
        FrameStream frames(std::make_unique<Loopback>(bad));
        EXPECT_EQ(BodySource(frames).skip().error().code, ErrorCode::corrupt);
    }
}

TEST_F(Frames, RefuseAFrameOverItsLimitBeforeItsBytesCome) {
    for (const auto& head : {std::string("M\0\1\0\1\0\0\0\0", 9), std::string("D\0\x10\0\1\0\0\0\0", 9),
                             std::string("K\0\0\0\1\0\0\0\0", 9), std::string("D\0\0\0\0\0\0\0\0", 9),
                             std::string("X\0\0\0\1\0\0\0\0", 9), std::string("D\xff\xff\xff\xff\0\0\0\0", 9)}) {
        std::string bytes = head;
        FrameStream frames(std::make_unique<Loopback>(bytes));

        const auto outcome = frames.read();

        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, ErrorCode::corrupt);
    }
}

TEST_F(Frames, SayThatTheConnectionEndedInTheMiddle) {
    ASSERT_TRUE(frames_.put_data(bytes_of("one")));
    ASSERT_TRUE(frames_.flush());

    EXPECT_EQ(read_body().error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace flocker::peer
