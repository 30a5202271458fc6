// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/readiness.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <future>
#include <memory>
#include <span>
#include <sstream>
#include <string>
#include <thread>

#include "adapters/posix/fd_stream.hpp"

namespace flocker::docker {
namespace {

using namespace std::string_view_literals;

const std::string starting_up("E\0\0\0\x45SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"sv);
const std::string no_such_role("E\0\0\0\x43SFATAL\0VFATAL\0C28000\0Mrole \"flocker\" does not exist\0\0\0\0"sv);
const std::string wants_password("R\0\0\0\x0c\0\0\0\x05salt"sv);

TEST(HasSocketAt, FindsAPortInTheKernelsTableAndNoOther) {
    std::istringstream table(
        "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "  12: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 4711 2\n"
        " 113: 00000000000000000000000000000000:14E9 00000000:0035 07 00000000:00000000 00:00000000 00000000\n"
        "\n");
    const std::string text = table.str();
    const auto has = [&](std::uint16_t port) {
        std::istringstream again(text);
        return has_socket_at(again, port);
    };
    EXPECT_TRUE(has(53));
    EXPECT_TRUE(has(5353));
    EXPECT_FALSE(has(0));
    EXPECT_FALSE(has(54));
    EXPECT_FALSE(listens_for_datagrams(0, 53));
}

/// Accepts one connection and answers the first bytes it gets.
class OneAnswer {
public:
    explicit OneAnswer(std::string answer)
        : listener_(posix::listen_tcp("127.0.0.1", 0).value()),
          asked_(std::async(std::launch::async, [this, answer = std::move(answer)]() -> std::string {
              const auto stream = listener_->accept().value();
              std::array<char, 128> buffer{};
              const std::size_t got = stream->read_some(std::as_writable_bytes(std::span(buffer))).value();
              static_cast<void>(stream->write_all(std::as_bytes(std::span(answer))));
              return {buffer.data(), got};
          })) {}

    Status ask(Protocol protocol) { return ask_whether_ready("127.0.0.1", listener_->port(), protocol, 2s); }
    std::string asked() { return asked_.get(); }

private:
    std::unique_ptr<posix::FdListener> listener_;
    std::future<std::string> asked_;
};

TEST(PostgresServes, UnlessItSaysThatItIsStartingUp) {
    EXPECT_FALSE(postgres_serves(starting_up));
    EXPECT_TRUE(postgres_serves(no_such_role));
    EXPECT_TRUE(postgres_serves(wants_password));
    EXPECT_TRUE(postgres_serves(""));
}

TEST(RedisServes, UnlessItIsLoading) {
    EXPECT_FALSE(redis_serves("-LOADING Redis is loading the dataset in memory\r\n"));
    EXPECT_TRUE(redis_serves("+PONG\r\n"));
    EXPECT_TRUE(redis_serves("-NOAUTH Authentication required.\r\n"));
    EXPECT_TRUE(redis_serves(""));
}

TEST(AskWhetherReady, SpeaksPostgresAndUnderstandsTheAnswer) {
    OneAnswer starting(starting_up);
    const Status early = starting.ask(Protocol::postgres);
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().code, ErrorCode::unavailable);
    EXPECT_EQ(starting.asked(), "\0\0\0\x27\0\3\0\0user\0flocker\0database\0flocker\0\0"sv);

    OneAnswer serving(no_such_role);
    EXPECT_TRUE(serving.ask(Protocol::postgres));
}

TEST(AskWhetherReady, SpeaksRedisAndUnderstandsTheAnswer) {
    OneAnswer loading("-LOADING Redis is loading the dataset in memory\r\n");
    EXPECT_FALSE(loading.ask(Protocol::redis));
    EXPECT_EQ(loading.asked(), "PING\r\n");

    OneAnswer serving("+PONG\r\n");
    EXPECT_TRUE(serving.ask(Protocol::redis));
}

TEST(AskWhetherReady, IsNotReadyWithoutAListenerOrAnAnswer) {
    const std::uint16_t free_port = posix::listen_tcp("127.0.0.1", 0).value()->port();
    EXPECT_FALSE(ask_whether_ready("127.0.0.1", free_port, Protocol::unknown, 1s));

    const auto silent = posix::listen_tcp("127.0.0.1", 0).value();
    EXPECT_TRUE(ask_whether_ready("127.0.0.1", silent->port(), Protocol::unknown, 1s));
    const Status unanswered = ask_whether_ready("127.0.0.1", silent->port(), Protocol::postgres, 20ms);
    ASSERT_FALSE(unanswered);
    EXPECT_EQ(unanswered.error().code, ErrorCode::timed_out);
}

}  // namespace
}  // namespace flocker::docker
