// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/signals.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <utility>

#include "base/check.hpp"

namespace flocker::posix {

Signals::Signals(ports::Loop& loop, std::function<void(int)> received) {
    sigset_t mask;
    sigemptyset(&mask);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&mask, signal);
    FLOCKER_CHECK(::pthread_sigmask(SIG_BLOCK, &mask, nullptr) == 0);
    std::signal(SIGPIPE, SIG_IGN);
    signals_ = Fd(::signalfd(-1, &mask, SFD_CLOEXEC));
    ending_ = Fd(::eventfd(0, EFD_CLOEXEC));
    FLOCKER_CHECK(signals_ && ending_);
    reader_ = std::thread([this, &loop, received = std::move(received)] { read_signals(loop, received); });
}

Signals::~Signals() {
    const std::uint64_t one = 1;
    FLOCKER_CHECK(::write(ending_.get(), &one, sizeof(one)) == static_cast<ssize_t>(sizeof(one)));
    reader_.join();
}

void Signals::read_signals(ports::Loop& loop, const std::function<void(int)>& received) const {
    while (true) {
        std::array<pollfd, 2> waiting{pollfd{signals_.get(), POLLIN, 0}, pollfd{ending_.get(), POLLIN, 0}};
        if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
        if (waiting[1].revents != 0) return;
        signalfd_siginfo info{};
        if (::read(signals_.get(), &info, sizeof(info)) != static_cast<ssize_t>(sizeof(info))) continue;
        const int signal = static_cast<int>(info.ssi_signo);
        loop.post([received, signal] { received(signal); });
    }
}

}  // namespace flocker::posix
