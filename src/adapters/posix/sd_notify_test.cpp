// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/sd_notify.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "adapters/posix/event_loop.hpp"
#include "adapters/posix/fd.hpp"
#include "adapters/posix/signals.hpp"

namespace flocker::posix {
namespace {

/// What systemd does: a datagram socket whose name is in the environment.
class Systemd : public ::testing::Test {
protected:
    Systemd() {
        const std::string name = "@flkt-notify-" + std::to_string(::getpid());
        ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
        socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
    }
    ~Systemd() override {
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(name);
    }
    std::string heard() const {
        std::array<char, 1000> buffer{};
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        return got < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(got));
    }

    Fd socket_;
};

/// Runs one piece of work when it is told to.
struct StepwiseLoop final : ports::Loop {
    Instant now() const override { return {}; }
    void post(std::function<void()> posted) override { work = std::move(posted); }
    void after(Duration delay, std::function<void()> delayed) override {
        last_delay = delay;
        work = std::move(delayed);
    }
    void step() { std::exchange(work, nullptr)(); }

    std::function<void()> work;
    Duration last_delay{};
};

TEST_F(Systemd, HearsWhatItIsTold) {
    ASSERT_TRUE(notify_systemd("READY=1\nSTATUS=serving").has_value());
    EXPECT_EQ(heard(), "READY=1\nSTATUS=serving");
}

TEST_F(Systemd, ThatIsGoneIsAnErrorAndNoHang) {
    socket_.reset();
    EXPECT_EQ(notify_systemd("READY=1").error().code, ErrorCode::unavailable);
}

TEST_F(Systemd, IsNotToldAnythingWhenItIsNotThere) {
    ::unsetenv("NOTIFY_SOCKET");
    EXPECT_TRUE(notify_systemd("READY=1").has_value());
}

TEST_F(Systemd, HearsTheWatchdogFromTheLoop) {
    ::setenv("WATCHDOG_USEC", "2000", 1);
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    StepwiseLoop loop;
    keep_watchdog(loop);
    for (int i = 0; i < 3; ++i) {
        loop.step();
        EXPECT_EQ(heard(), "WATCHDOG=1");
        EXPECT_EQ(loop.last_delay, 1ms);
    }
}

TEST_F(Systemd, WantsNoWatchdogOfAnotherProcess) {
    ::setenv("WATCHDOG_USEC", "2000000", 1);
    EXPECT_EQ(watchdog_limit(), 2s);
    ::setenv("WATCHDOG_PID", "1", 1);
    EXPECT_EQ(watchdog_limit(), std::nullopt);
    ::unsetenv("WATCHDOG_PID");
    ::setenv("WATCHDOG_USEC", "soon", 1);
    EXPECT_EQ(watchdog_limit(), std::nullopt);
}

[[noreturn]] void live_through_signals() {
    EventLoop loop;
    std::vector<int> received;
    {
        const Signals signals(loop, [&](int signal) {
            received.push_back(signal);
            if (received.size() == 3) loop.stop();
        });
        // One after another: equal signals that are pending at once are one.
        loop.post([] { ::kill(::getpid(), SIGHUP); });
        loop.after(5ms, [] { ::kill(::getpid(), SIGINT); });
        loop.after(10ms, [] { ::kill(::getpid(), SIGTERM); });
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0) std::_Exit(1);
        ::close(ends[0]);
        if (::write(ends[1], "x", 1) != -1) std::_Exit(2);
        loop.run();
    }
    ::kill(::getpid(), SIGTERM);
    std::_Exit(received == std::vector<int>{SIGHUP, SIGINT, SIGTERM} ? 0 : 3);
}

TEST(Signals, BecomeWorkOnTheLoopAndEndNothing) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(live_through_signals(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace flocker::posix
