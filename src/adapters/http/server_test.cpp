// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/server.hpp"

#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <future>
#include <stdexcept>

#include "adapters/http/client.hpp"
#include "adapters/posix/fd_stream.hpp"

namespace flocker::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

Answer echo(const Request& request) {
    Response response;
    response.headers.add("Content-Type", "text/plain");
    response.body = request.method + " " + request.target + " " + request.body;
    return response;
}

class ServerTest : public ::testing::Test {
protected:
    void serve(Respond respond, ServerLimits limits = {}) { server_.emplace(*listener_, std::move(respond), limits); }

    [[nodiscard]] std::unique_ptr<posix::Stream> connect() const {
        auto stream = posix::connect_tcp("127.0.0.1", listener_->port(), 5s).value();
        stream->set_idle_limit(10s);
        return stream;
    }
    [[nodiscard]] Dial dial() const {
        return [this] { return Result<std::unique_ptr<posix::Stream>>(connect()); };
    }
    /// Everything that the server says until it closes.
    static std::string read_to_end(posix::Stream& stream) {
        std::string text;
        std::array<std::byte, 4096> buffer{};
        for (auto got = stream.read_some(buffer); got && *got > 0; got = stream.read_some(buffer)) {
            text.append(reinterpret_cast<const char*>(buffer.data()), *got);
        }
        return text;
    }
    static std::string read_until(posix::Stream& stream, const std::string& end) {
        std::string text;
        std::array<std::byte, 4096> buffer{};
        while (text.find(end) == std::string::npos) {
            const auto got = stream.read_some(buffer);
            if (!got || *got == 0) {
                ADD_FAILURE() << "only got: " << text;
                break;
            }
            text.append(reinterpret_cast<const char*>(buffer.data()), *got);
        }
        return text;
    }
    std::string say(std::string_view text) {
        const auto stream = connect();
        EXPECT_TRUE(stream->write_all(bytes_of(text)));
        return read_to_end(*stream);
    }

    std::unique_ptr<posix::FdListener> listener_ = posix::listen_tcp("127.0.0.1", 0).value();
    std::optional<HttpServer> server_;
};

TEST_F(ServerTest, AnswersSeveralRequestsOnOneConnection) {
    serve(echo);
    std::atomic<int> dialed{0};
    HttpClient client(
        [&] {
            ++dialed;
            return Result<std::unique_ptr<posix::Stream>>(connect());
        },
        "test");

    EXPECT_EQ(client.exchange({.target = "/a"})->body, "GET /a ");
    EXPECT_EQ(client.exchange({.method = "POST", .target = "/b?c=d", .headers = {}, .body = "text", .peer = {}})->body,
              "POST /b?c=d text");
    EXPECT_EQ(client.exchange({.method = "DELETE", .target = "/e"})->body, "DELETE /e ");
    EXPECT_EQ(dialed, 1);
}

TEST_F(ServerTest, AnswersRequestsThatWereSentInOneGoInTheirOrder) {
    serve(echo);

    const auto text = say("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    EXPECT_LT(text.find("GET /1 "), text.find("GET /2 "));
    EXPECT_THAT(text, HasSubstr("GET /2 "));
}

TEST_F(ServerTest, TakesARequestByteByByte) {
    serve(echo);
    const auto stream = connect();

    for (const char c :
         std::string_view("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")) {
        ASSERT_TRUE(stream->write_all(bytes_of(std::string_view(&c, 1))));
    }

    EXPECT_THAT(read_to_end(*stream), ::testing::EndsWith("POST /x abc"));
}

TEST_F(ServerTest, SendsOnlyTheHeadToAHeadRequest) {
    serve(echo);

    const auto text = say("HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

    EXPECT_THAT(text, HasSubstr("Content-Length: 8\r\n"));
    EXPECT_THAT(text, ::testing::EndsWith("\r\n\r\n"));
}

TEST_F(ServerTest, AsksForTheBodyOfAClientThatExpectsTo) {
    serve(echo);
    const auto stream = connect();

    ASSERT_TRUE(stream->write_all(
        bytes_of("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")));
    EXPECT_EQ(read_until(*stream, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    ASSERT_TRUE(stream->write_all(bytes_of("abc")));

    EXPECT_THAT(read_until(*stream, "POST /x abc"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ServerTest, RefusesABodyOverTheLimitBeforeItIsSent) {
    serve(echo, {.body_bytes = 10});

    EXPECT_THAT(say("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
    EXPECT_THAT(say("POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n"),
                StartsWith("HTTP/1.1 413 "));
    EXPECT_THAT(say("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789"),
                StartsWith("HTTP/1.1 200 "));
}

TEST_F(ServerTest, RefusesAHeadOverTheLimit) {
    serve(echo);

    EXPECT_THAT(say("GET /x HTTP/1.1\r\nHost: x\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"),
                StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(say("GET /" + std::string(20'000, 'x')), StartsWith("HTTP/1.1 431 "));
}

TEST_F(ServerTest, RefusesWhatIsNotHttp) {
    serve(echo);

    EXPECT_THAT(say("hello there\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(say("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(ServerTest, GivesUpARequestThatStops) {
    serve(echo, {.stalled = 20ms});

    EXPECT_THAT(say("GET /x HTTP/1.1\r\n"), StartsWith("HTTP/1.1 408 "));
}

TEST_F(ServerTest, ClosesAConnectionThatIsIdle) {
    serve(echo, {.kept_idle = 20ms});

    EXPECT_EQ(say(""), "");
}

TEST_F(ServerTest, AnswersInternalErrorWhenTheResponderThrows) {
    serve([](const Request& request) -> Answer {
        if (request.target == "/throw") throw std::runtime_error("bug");
        return {Response{}, [](BodyWriter&) { throw std::runtime_error("bug"); }};
    });
    HttpClient client(dial(), "test");

    EXPECT_EQ(client.exchange({.target = "/throw"})->status, 500U);
    EXPECT_EQ(client.exchange({.target = "/stream"})->status, 500U);
}

TEST_F(ServerTest, KeepsControlCharactersOutOfTheHead) {
    serve([](const Request&) -> Answer {
        Response response;
        response.headers.add("X-Name", "a\r\nSet-Cookie: b");
        return response;
    });
    HttpClient client(dial(), "test");

    EXPECT_EQ(client.exchange({})->headers.find("X-Name"), "a  Set-Cookie: b");
    EXPECT_FALSE(client.exchange({})->headers.find("Set-Cookie"));
}

TEST_F(ServerTest, StreamsABodyPieceByPiece) {
    std::promise<void> go_on;
    serve([&](const Request&) -> Answer {
        return {Response{}, [&](BodyWriter& writer) {
                    EXPECT_TRUE(writer.write("first\n"));
                    go_on.get_future().wait();
                    EXPECT_TRUE(writer.write("second\n"));
                }};
    });
    HttpClient client(dial(), "test");
    std::string got;
    const ports::Sink sink = [&](std::span<const std::byte> bytes) -> Status {
        got.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        // The second piece is made only when the first has come.
        if (got == "first\n") go_on.set_value();
        return {};
    };

    const auto response = client.exchange({}, {.source = {}, .sink = sink});

    ASSERT_TRUE(response) << response.error();
    EXPECT_EQ(got, "first\nsecond\n");
}

TEST_F(ServerTest, GoesOnWithTheNextRequestAfterAStreamedBody) {
    serve([](const Request&) -> Answer {
        return {Response{}, [](BodyWriter& writer) { EXPECT_TRUE(writer.write("x")); }};
    });
    std::atomic<int> dialed{0};
    HttpClient client(
        [&] {
            ++dialed;
            return Result<std::unique_ptr<posix::Stream>>(connect());
        },
        "test");

    EXPECT_EQ(client.exchange({})->body, "x");
    EXPECT_EQ(client.exchange({})->body, "x");
    EXPECT_EQ(dialed, 1);
}

TEST_F(ServerTest, EndsAStreamedBodyByClosingForAnOldClient) {
    serve([](const Request&) -> Answer {
        return {Response{}, [](BodyWriter& writer) { EXPECT_TRUE(writer.write("x")); }};
    });

    const auto text = say("GET / HTTP/1.0\r\n\r\n");

    EXPECT_THAT(text, ::testing::EndsWith("\r\n\r\nx"));
    EXPECT_THAT(text, ::testing::Not(HasSubstr("chunked")));
}

TEST_F(ServerTest, LetsAStreamBecomeAnotherResponseBeforeItsFirstPiece) {
    serve([](const Request&) -> Answer {
        return {Response{}, [](BodyWriter& writer) {
                    Response response;
                    response.status = 404;
                    response.body = "no such application";
                    writer.replace(response);
                    EXPECT_FALSE(writer.write("late"));
                }};
    });
    HttpClient client(dial(), "test");

    const auto response = client.exchange({});

    EXPECT_EQ(response->status, 404U);
    EXPECT_EQ(response->body, "no such application");
}

TEST_F(ServerTest, DoesNotLetABrokenOffBodyPassForAWholeOne) {
    serve([](const Request&) -> Answer {
        return {Response{}, [](BodyWriter& writer) {
                    EXPECT_TRUE(writer.write("half"));
                    writer.break_off();
                }};
    });
    HttpClient client(dial(), "test");

    const auto response = client.exchange({});

    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::unavailable);
}

TEST_F(ServerTest, TellsAStreamThatItsClientIsGoneEvenIfThereIsNothingToWrite) {
    std::promise<void> noticed;
    serve([&](const Request&) -> Answer {
        return {Response{}, [&](BodyWriter& writer) {
                    while (writer.write("")) {
                    }
                    noticed.set_value();
                }};
    });
    auto stream = connect();
    ASSERT_TRUE(stream->write_all(bytes_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
    read_until(*stream, "\r\n\r\n");

    stream.reset();

    noticed.get_future().wait();
}

TEST_F(ServerTest, StopsWhileConnectionsAreIdleAndStreamsAreRunning) {
    std::promise<void> running;
    serve([&](const Request&) -> Answer {
        return {Response{}, [&](BodyWriter& writer) {
                    EXPECT_TRUE(writer.write("x"));
                    running.set_value();
                    while (writer.write("")) {
                    }
                }};
    });
    const auto idle = connect();
    const auto streaming = connect();
    ASSERT_TRUE(streaming->write_all(bytes_of("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
    running.get_future().wait();

    server_->stop();

    EXPECT_EQ(read_to_end(*idle), "");
    EXPECT_FALSE(
        posix::connect_tcp("127.0.0.1", listener_->port(), 1s).and_then([](auto stream) -> Result<std::size_t> {
            std::array<std::byte, 1> byte{};
            stream->set_idle_limit(50ms);
            return stream->read_some(byte);
        }));
}

TEST_F(ServerTest, ClosesAConnectionTooMany) {
    serve(echo, {.connections = 1});
    HttpClient first(dial(), "test");
    ASSERT_TRUE(first.exchange({}));

    HttpClient second(dial(), "test");

    EXPECT_FALSE(second.exchange({}));
    EXPECT_TRUE(first.exchange({}));
}

}  // namespace
}  // namespace flocker::http
