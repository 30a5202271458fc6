// SPDX-License-Identifier: Apache-2.0
#include "load/tcp.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace flocker::load {
namespace {

std::string text_of(int error) { return std::generic_category().message(error); }

/// 0 or an errno.
int connect_within(int socket, const addrinfo& address, std::chrono::milliseconds patience) {
    if (connect(socket, address.ai_addr, address.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    if (!wait_for(socket, POLLOUT, patience)) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

}  // namespace

bool wait_for(int socket, short events, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    pollfd entry{socket, events, 0};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        const int ready = poll(&entry, 1, static_cast<int>(left.count()));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

Attempt while_new(int error) {
    if (error == ECONNREFUSED) return {Outcome::refused, text_of(error)};
    if (error == ECONNRESET || error == EPIPE || error == 0) {
        return {Outcome::reset, error == 0 ? "closed before the first answer" : text_of(error)};
    }
    return {Outcome::failed, text_of(error)};
}

Attempt connect_tcp(const Target& target, int& socket) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int unknown = getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &found);
    if (unknown != 0) return {Outcome::failed, target.host + ": " + gai_strerror(unknown)};
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner{found, &freeaddrinfo};

    const int made = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) return {Outcome::failed, text_of(errno)};
    if (const int error = connect_within(made, *found, target.patience); error != 0) {
        close(made);
        return while_new(error);
    }
    const int on = 1;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(made, F_SETFL, fcntl(made, F_GETFL) & ~O_NONBLOCK);
    socket = made;
    return {};
}

}  // namespace flocker::load
