// SPDX-License-Identifier: Apache-2.0
#include "api/reply.hpp"

#include <gmock/gmock.h>

#include <optional>

namespace flocker::api {
namespace {

struct Writer {
    Status write(std::string_view piece) {
        text += piece;
        return {};
    }
    void replace(http::Response with) { replaced = std::move(with); }
    void break_off() { broken = true; }

    std::string text;
    std::optional<http::Response> replaced;
    bool broken{false};
};

Status say(const ports::Sink& sink, std::string_view text) {
    return sink(std::as_bytes(std::span(text)));
}

TEST(WriteBody, HandsOnWhatIsMade) {
    Writer writer;
    write_body({{}, [](const ports::Sink& sink) { return say(sink, "hello"); }}, writer);

    EXPECT_EQ(writer.text, "hello");
    EXPECT_FALSE(writer.broken || writer.replaced);
}

TEST(WriteBody, TurnsAnErrorBeforeTheFirstByteIntoTheResponse) {
    Writer writer;
    write_body({{}, [](const ports::Sink&) -> Status { return fail(ErrorCode::unavailable, "node birch is away"); }},
               writer);

    ASSERT_TRUE(writer.replaced);
    EXPECT_EQ(writer.replaced->status, 503U);
    EXPECT_EQ(writer.replaced->body, R"({"error":{"code":"unavailable","message":"node birch is away"}})");
}

TEST(WriteBody, BreaksOffAfterAnErrorInTheMiddle) {
    Writer writer;
    write_body({{},
                [](const ports::Sink& sink) -> Status {
                    FLOCKER_CHECK_OK(say(sink, "half"));
                    return fail(ErrorCode::unavailable, "gone");
                }},
               writer);

    EXPECT_TRUE(writer.broken);
    EXPECT_FALSE(writer.replaced);
}

TEST(HttpStatus, IsTakenBackToACodeWithTheSameMeaning) {
    for (const auto code : {ErrorCode::not_found, ErrorCode::denied, ErrorCode::conflict, ErrorCode::unavailable,
                            ErrorCode::timed_out, ErrorCode::invalid_argument, ErrorCode::internal}) {
        EXPECT_EQ(code_for(http_status(code)), code);
    }
}

}  // namespace
}  // namespace flocker::api
