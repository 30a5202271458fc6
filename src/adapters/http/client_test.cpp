// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/client.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/posix/fd_stream.hpp"

namespace flocker::http {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// What the server says on one connection: each answer once a request that ends with `until` has
/// come. The connection is closed after the last.
struct Turn {
    std::string until;
    std::string answer;
};
using Script = std::vector<Turn>;

/// A server that follows a script for each connection and remembers what it was told.
class ScriptedServer {
public:
    explicit ScriptedServer(std::vector<Script> connections)
        : listener_(posix::listen_tcp("127.0.0.1", 0).value()), thread_([this, connections = std::move(connections)] {
              for (const Script& script : connections) {
                  auto stream = listener_->accept();
                  if (!stream) return;
                  ++accepted_;
                  follow(**stream, script);
              }
          }) {}
    ~ScriptedServer() {
        listener_->close();
        thread_.join();
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    [[nodiscard]] Dial dial() const {
        return [port = listener_->port()] { return posix::connect_tcp("127.0.0.1", port, 1s); };
    }
    [[nodiscard]] int accepted() const { return accepted_; }
    /// Each request as it came; only after the exchange has ended.
    std::vector<std::string> requests;

private:
    void follow(posix::Stream& stream, const Script& script) {
        stream.set_idle_limit(5s);
        for (const Turn& turn : script) {
            std::string request;
            std::array<char, 4096> buffer{};
            while (!request.ends_with(turn.until)) {
                const auto got = stream.read_some(std::as_writable_bytes(std::span(buffer)));
                if (!got || *got == 0) return;
                request.append(buffer.data(), *got);
            }
            requests.push_back(std::move(request));
            static_cast<void>(stream.write_all(bytes_of(turn.answer)));
        }
    }

    std::unique_ptr<posix::FdListener> listener_;
    std::atomic<int> accepted_{0};
    std::thread thread_;
};

const std::string head_end = "\r\n\r\n";

std::string ok(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(HttpClient, UsesOneConnectionForManyExchanges) {
    ScriptedServer server({{{head_end, ok("one")}, {head_end, ok("two")}}});
    HttpClient client(server.dial(), "host");

    EXPECT_EQ(client.exchange({.target = "/1"}).value().body, "one");
    EXPECT_EQ(client.exchange({.target = "/2"}).value().body, "two");

    EXPECT_EQ(server.accepted(), 1);
    EXPECT_EQ(server.requests.at(0), "GET /1 HTTP/1.1\r\nHost: host\r\n\r\n");
}

TEST(HttpClient, RepeatsAReadOnAFreshConnectionWhenTheKeptOneIsGone) {
    ScriptedServer server({{{head_end, ok("one")}}, {{head_end, ok("two")}}});
    HttpClient client(server.dial(), "host");

    EXPECT_EQ(client.exchange({}).value().body, "one");
    EXPECT_EQ(client.exchange({}).value().body, "two");

    EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClient, NeverRepeatsAPostByItself) {
    ScriptedServer server({{{head_end, ok("one")}, {"body", ""}}, {{"body", ok("two")}}});
    HttpClient client(server.dial(), "host");
    EXPECT_EQ(client.exchange({}).value().body, "one");

    const auto posted = client.exchange({.method = "POST", .body = "body"});

    ASSERT_FALSE(posted);
    EXPECT_EQ(posted.error().code, ErrorCode::timed_out) << "the post may have had its effect";
    EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClient, PutsAChunkedBodyTogether) {
    ScriptedServer server(
        {{{head_end, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"}}});
    HttpClient client(server.dial(), "host");
    EXPECT_EQ(client.exchange({}).value().body, "abcdefg");
}

TEST(HttpClient, TakesABodyThatEndsWithTheConnection) {
    ScriptedServer server({{{head_end, "HTTP/1.1 200 OK\r\n\r\nall of it"}}});
    HttpClient client(server.dial(), "host");
    EXPECT_EQ(client.exchange({}).value().body, "all of it");
}

TEST(HttpClient, SkipsInterimAnswers) {
    ScriptedServer server({{{head_end, "HTTP/1.1 100 Continue\r\n\r\n" + ok("the answer")}}});
    HttpClient client(server.dial(), "host");
    EXPECT_EQ(client.exchange({}).value().body, "the answer");
}

TEST(HttpClient, AnAnswerThatBreaksOffIsUnavailableForAReadAndUnknownForAPost) {
    const std::string half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    ScriptedServer server({{{head_end, half}}, {{head_end, half}}});
    HttpClient client(server.dial(), "host");

    EXPECT_EQ(client.exchange({}).error().code, ErrorCode::unavailable);
    EXPECT_EQ(client.exchange({.method = "POST"}).error().code, ErrorCode::timed_out);
}

TEST(HttpClient, RefusesWhatIsNotHttpOrTooLarge) {
    ScriptedServer server({{{head_end, "SSH-2.0-OpenSSH_9.2\r\n\r\n"}},
                           {{head_end, "HTTP/1.1 200 OK\r\nX: " + std::string(5000, 'x') + "\r\n\r\n"}},
                           {{head_end, ok(std::string(5000, 'x'))}}});
    HttpClient client(server.dial(), "host", {.head_bytes = 1000, .body_bytes = 4999});

    EXPECT_EQ(client.exchange({}).error().code, ErrorCode::corrupt);
    EXPECT_EQ(client.exchange({}).error().code, ErrorCode::corrupt);
    EXPECT_EQ(client.exchange({}).error().code, ErrorCode::corrupt);
}

TEST(HttpClient, GivesASinkTheBodyOfASuccessAndTheCallerThatOfAFailure) {
    ScriptedServer server(
        {{{head_end, ok("stream")}, {head_end, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"}}});
    HttpClient client(server.dial(), "host");
    std::string sunk;
    const Exchange how{.sink = [&](std::span<const std::byte> bytes) -> Status {
        sunk.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    }};

    EXPECT_EQ(client.exchange({}, how).value().body, "");
    EXPECT_EQ(sunk, "stream");
    EXPECT_EQ(client.exchange({}, how).value().body, "gone");
    EXPECT_EQ(sunk, "stream");
}

TEST(HttpClient, EndsWithTheErrorOfTheSink) {
    ScriptedServer server({{{head_end, ok("stream")}}});
    HttpClient client(server.dial(), "host");

    const auto response = client.exchange(
        {}, {.sink = [](std::span<const std::byte>) -> Status { return fail(ErrorCode::denied, "enough"); }});

    EXPECT_EQ(response.error(), (Error{ErrorCode::denied, "enough"}));
}

TEST(HttpClient, SendsABodyFromASourceInChunks) {
    ScriptedServer server({{{"0\r\n\r\n", ok("thanks")}}});
    HttpClient client(server.dial(), "host");
    std::vector<std::string> pieces{"second piece", "first"};

    const auto response =
        client.exchange({.method = "POST"}, {.source = [&](std::span<std::byte> buffer) -> Result<std::size_t> {
                            if (pieces.empty()) return 0;
                            const std::string piece = pieces.back();
                            pieces.pop_back();
                            std::ranges::copy(bytes_of(piece), buffer.begin());
                            return piece.size();
                        }});

    EXPECT_EQ(response.value().body, "thanks");
    EXPECT_TRUE(server.requests.at(0).ends_with("\r\n\r\n5\r\nfirst\r\nc\r\nsecond piece\r\n0\r\n\r\n"))
        << server.requests.at(0);
}

TEST(HttpClient, SeesTheRefusalOfAServerThatDoesNotTakeTheWholeBody) {
    ScriptedServer server(
        {{{head_end, "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"}}});
    HttpClient client(server.dial(), "host");
    // The head comes alone, and the body only after the answer has been sent.
    bool begun = false;

    const auto response =
        client.exchange({.method = "POST"}, {.source = [&](std::span<std::byte>) -> Result<std::size_t> {
                            if (begun) return 0;
                            begun = true;
                            return 1000;
                        }});

    ASSERT_TRUE(response) << response.error();
    EXPECT_EQ(response->status, 413U);
}

TEST(HttpClient, HandsOverTheStreamOnAnUpgradeWithWhatCameAlong) {
    ScriptedServer server(
        {{{head_end, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello"}, {"ping", "pong"}}});
    HttpClient client(server.dial(), "host");

    auto upgraded = client.upgrade({.method = "POST"}, "tcp", 5s);

    ASSERT_TRUE(upgraded) << upgraded.error();
    ASSERT_NE(upgraded->stream, nullptr);
    std::string text;
    std::array<char, 64> buffer{};
    ASSERT_TRUE(upgraded->stream->write_all(bytes_of("ping")));
    while (text.size() < 9) {
        const auto got = upgraded->stream->read_some(std::as_writable_bytes(std::span(buffer)));
        ASSERT_TRUE(got && *got > 0);
        text.append(buffer.data(), *got);
    }
    EXPECT_EQ(text, "hellopong");
}

TEST(HttpClient, SaysWhyAnUpgradeIsRefused) {
    ScriptedServer server({{{head_end, "HTTP/1.1 409 Conflict\r\nContent-Length: 3\r\n\r\nwhy"}}});
    HttpClient client(server.dial(), "host");

    const auto upgraded = client.upgrade({.method = "POST"}, "tcp", 5s);

    ASSERT_TRUE(upgraded) << upgraded.error();
    EXPECT_EQ(upgraded->stream, nullptr);
    EXPECT_EQ(upgraded->response.body, "why");
}

TEST(HttpClient, TimesOutWhenTheServerIsSilent) {
    ScriptedServer server({Script{{"never", ""}}});
    HttpClient client(server.dial(), "host");
    const auto response = client.exchange({}, {.sink = {}, .idle_limit = 20ms});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::timed_out);
}

TEST(HttpClient, CloseEndsTheExchangeUnderWay) {
    ScriptedServer server(
        {{{head_end, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}, {"never", ""}}});
    HttpClient client(server.dial(), "host");
    std::promise<void> streaming;
    auto exchange = std::async(std::launch::async, [&] {
        return client.exchange({}, {.sink = [&](std::span<const std::byte>) -> Status {
                                        streaming.set_value();
                                        return {};
                                    },
                                    .idle_limit = Duration::zero()});
    });
    streaming.get_future().wait();

    client.close();

    EXPECT_EQ(exchange.get().error().code, ErrorCode::unavailable);
    EXPECT_EQ(client.exchange({}).error().code, ErrorCode::unavailable);
}

TEST(HttpClient, RefusesALineBreakInARequest) {
    HttpClient client([]() -> Result<std::unique_ptr<posix::Stream>> { return fail(ErrorCode::internal, "dialled"); },
                      "host");
    EXPECT_EQ(client.exchange({.target = "/\r\nX: y"}).error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(client.exchange({.headers = {{"X", "a\nb"}}}).error().code, ErrorCode::invalid_argument);
}

TEST(Headers, AreFoundWithoutRegardToCaseAndKeepTheirOrder) {
    Headers headers{{"A", "1"}, {"b", "2"}, {"a", "3"}};
    EXPECT_EQ(headers.find("B"), "2");
    EXPECT_EQ(headers.find("c"), std::nullopt);
    headers.set("a", "4");
    EXPECT_EQ(headers, (Headers{{"A", "4"}, {"b", "2"}}));
    headers.set("Connection", "keep-alive, Upgrade");
    EXPECT_TRUE(headers.has_token("connection", "upgrade"));
    EXPECT_FALSE(headers.has_token("connection", "up"));
}

TEST(PercentEncode, LeavesOnlyUnreservedCharacters) {
    EXPECT_EQ(percent_encode("a/b:c d~é"), "a%2Fb%3Ac%20d~%C3%A9");
}

}  // namespace
}  // namespace flocker::http
