// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/fd_stream.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <future>
#include <string>
#include <vector>

namespace flocker::posix {
namespace {

struct Pair {
    std::unique_ptr<Stream> client;
    std::unique_ptr<Stream> server;
};

Pair tcp_pair() {
    auto listener = listen_tcp("127.0.0.1", 0).value();
    auto client = connect_tcp("127.0.0.1", listener->port(), 1s).value();
    auto server = listener->accept().value();
    return {std::move(client), std::move(server)};
}

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

std::string read_text(Stream& stream) {
    std::array<char, 64> buffer{};
    const auto got = stream.read_some(std::as_writable_bytes(std::span(buffer)));
    return got ? std::string(buffer.data(), *got) : got.error().message;
}

TEST(FdStream, CarriesBytesBothWaysAndTheOrderlyEnd) {
    auto [client, server] = tcp_pair();

    ASSERT_TRUE(client->write_all(bytes_of("question")));
    EXPECT_EQ(read_text(*server), "question");
    client->finish_writing();
    EXPECT_EQ(read_text(*server), "");
    ASSERT_TRUE(server->write_all(bytes_of("answer")));
    EXPECT_EQ(read_text(*client), "answer");
}

TEST(FdStream, WritesMoreThanTheSocketHolds) {
    auto [client, server] = tcp_pair();
    const std::string much(16U << 20U, 'x');

    auto received = std::async(std::launch::async, [&stream = *server] {
        std::vector<std::byte> buffer(1U << 16U);
        std::size_t total = 0;
        while (true) {
            const auto got = stream.read_some(buffer);
            if (!got || *got == 0) return total;
            total += *got;
        }
    });
    ASSERT_TRUE(client->write_all(bytes_of(much)));
    client->finish_writing();

    EXPECT_EQ(received.get(), much.size());
}

TEST(FdStream, FailsWithTimedOutWhenNothingMovesForTheIdleLimit) {
    auto [client, server] = tcp_pair();
    client->set_idle_limit(20ms);
    std::array<std::byte, 8> buffer{};

    const auto got = client->read_some(buffer);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::timed_out);

    const std::string much(64U << 20U, 'x');
    const auto sent = client->write_all(bytes_of(much));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, ErrorCode::timed_out);
}

TEST(FdStream, CloseWakesItsReaderAndItsWriter) {
    auto [client, server] = tcp_pair();
    const std::string much(64U << 20U, 'x');
    auto reading = std::async(std::launch::async, [&stream = *client] {
        std::array<std::byte, 8> buffer{};
        return stream.read_some(buffer);
    });
    auto writing =
        std::async(std::launch::async, [&stream = *client, &much] { return stream.write_all(bytes_of(much)); });
    // The first byte shows that the writer is at work.
    std::array<std::byte, 1> first{};
    ASSERT_TRUE(server->read_some(first));

    client->close();

    const auto got = reading.get();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, ErrorCode::unavailable);
    EXPECT_FALSE(writing.get());
}

TEST(FdStream, WritingToAStreamThatTheOtherSideClosedFailsWithoutASignal) {
    auto [client, server] = tcp_pair();
    server.reset();
    const std::string text(1U << 16U, 'x');

    Status status;
    for (int i = 0; i < 100 && status; ++i) status = client->write_all(bytes_of(text));

    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::unavailable);
}

TEST(FdListener, CloseWakesAccept) {
    auto listener = listen_tcp("127.0.0.1", 0).value();
    auto accepting = std::async(std::launch::async, [&] { return listener->accept(); });

    listener->close();

    const auto accepted = accepting.get();
    ASSERT_FALSE(accepted);
    EXPECT_EQ(accepted.error().code, ErrorCode::unavailable);
}

TEST(FdListener, SaysWhichPortIsTaken) {
    auto first = listen_tcp("127.0.0.1", 0).value();

    const auto second = listen_tcp("127.0.0.1", first->port());

    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message,
              "cannot listen on 127.0.0.1:" + std::to_string(first->port()) + ": address already in use");
}

TEST(FdListener, RefusesWhatIsNotAnAddress) {
    const auto listener = listen_tcp("not an address", 0);
    ASSERT_FALSE(listener);
    EXPECT_EQ(listener.error().code, ErrorCode::invalid_argument);
}

TEST(Connect, IsUnavailableWhereNobodyListens) {
    const std::uint16_t port = listen_tcp("127.0.0.1", 0).value()->port();

    const auto stream = connect_tcp("127.0.0.1", port, 1s);

    ASSERT_FALSE(stream);
    EXPECT_EQ(stream.error().code, ErrorCode::unavailable);
    EXPECT_EQ(stream.error().message, "cannot connect to 127.0.0.1:" + std::to_string(port) + ": connection refused");
}

TEST(Connect, ReachesAUnixSocketAndListeningReplacesAnAbandonedFile) {
    char folder[] = "/tmp/fd_stream_test.XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    const std::string path = std::string(folder) + "/socket";

    EXPECT_EQ(connect_unix(path, 1s).error().code, ErrorCode::unavailable);
    listen_unix(path).value().reset();
    auto listener = listen_unix(path).value();
    auto client = connect_unix(path, 1s).value();
    auto server = listener->accept().value();
    ASSERT_TRUE(client->write_all(bytes_of("x")));
    EXPECT_EQ(read_text(*server), "x");
    EXPECT_FALSE(listen_unix(path)) << "took the socket of a living listener";

    ::unlink(path.c_str());
    ::rmdir(folder);
}

}  // namespace
}  // namespace flocker::posix
