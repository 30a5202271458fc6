// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/fd_stream.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <utility>

namespace flocker::posix {
namespace {

/// accept() is tried again after this when the process or the kernel has nothing left for one more
/// connection: waiting for the descriptor to be readable would spin.
constexpr int accept_pause_ms = 50;
constexpr int accept_backlog = 1024;

std::string error_text(int error) {
    std::string text = std::generic_category().message(error);
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

using Clock = std::chrono::steady_clock;

/// poll() with EINTR hidden. The number of ready descriptors, 0 after `limit` (zero: never), or -1.
int poll_for(std::span<pollfd> descriptors, Duration limit) {
    const bool forever = limit <= Duration::zero();
    // Beyond a day the limit is as good as none, and the sum below can't overflow.
    const auto deadline = Clock::now() + std::min<Duration>(limit, std::chrono::hours(24));
    while (true) {
        timespec left{};
        if (!forever) {
            const auto ns =
                std::max<std::int64_t>(0, std::chrono::duration_cast<Duration>(deadline - Clock::now()).count());
            left.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
            left.tv_nsec = static_cast<long>(ns % 1'000'000'000);
        }
        const int ready = ::ppoll(descriptors.data(), descriptors.size(), forever ? nullptr : &left, nullptr);
        if (ready >= 0 || errno != EINTR) return ready;
    }
}

std::string place_of(const std::string& address, std::uint16_t port) {
    return (address.find(':') == std::string::npos ? address : "[" + address + "]") + ":" + std::to_string(port);
}

struct FreeAddresses {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

Result<Addresses> addresses_of(const std::string& address, std::uint16_t port, int flags, ErrorCode code) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | flags;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (error != 0) return fail(code, "address \"" + address + "\": " + ::gai_strerror(error));
    return Addresses(found);
}

/// The errno with which connecting ended; 0: connected.
int connect_within(int socket, const sockaddr* address, socklen_t size, Duration limit) {
    if (::connect(socket, address, size) == 0) return 0;
    // A Unix socket whose queue is full says EAGAIN, and poll can't wait for it: as good as refused.
    if (errno != EINPROGRESS && errno != EINTR) return errno;
    pollfd waiting{socket, POLLOUT, 0};
    const int ready = poll_for({&waiting, 1}, limit);
    if (ready <= 0) return ready == 0 ? ETIMEDOUT : errno;
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
    return error;
}

tl::unexpected<Error> connect_failed(const std::string& place, int error) {
    const ErrorCode code = error == ETIMEDOUT ? ErrorCode::timed_out : ErrorCode::unavailable;
    return fail(code, "cannot connect to " + place + ": " + error_text(error));
}

void set_option(int socket, int level, int option) {
    const int on = 1;
    // Without these a connection is slower or a port is free later; it works all the same.
    static_cast<void>(::setsockopt(socket, level, option, &on, sizeof on));
}

Result<sockaddr_un> unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return fail(ErrorCode::invalid_argument, "socket path " + path + " is longer than " +
                                                     std::to_string(sizeof address.sun_path - 1) + " characters");
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

/// Whether a Unix socket file is left behind by a process that is gone.
bool is_abandoned(const sockaddr_un& address) {
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
           errno == ECONNREFUSED;
}

Result<std::unique_ptr<FdListener>> listener_over(Fd socket, const std::string& place, std::uint16_t port) {
    Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake || ::listen(socket.get(), accept_backlog) != 0) {
        return fail(ErrorCode::unavailable, "cannot listen on " + place + ": " + error_text(errno));
    }
    return std::make_unique<FdListener>(std::move(socket), std::move(wake), place, port);
}

}  // namespace

FdStream::FdStream(Fd socket, std::string place) : socket_(std::move(socket)), place_(std::move(place)) {}

void FdStream::set_idle_limit(Duration limit) {
    idle_limit_ns_ = limit.count();
}

Status FdStream::closed_or(const char* purpose, int error) const {
    if (closed_) return fail(ErrorCode::unavailable, "connection to " + place_ + " was closed");
    return fail(ErrorCode::unavailable, std::string("cannot ") + purpose + " " + place_ + ": " + error_text(error));
}

Status FdStream::await(short events, const char* purpose) const {
    pollfd waiting{socket_.get(), events, 0};
    const Duration limit{idle_limit_ns_.load()};
    const int ready = poll_for({&waiting, 1}, limit);
    if (ready < 0) return closed_or(purpose, errno);
    if (ready == 0) return fail(ErrorCode::timed_out, place_ + " was silent for " + to_text(limit));
    return {};
}

Result<std::size_t> FdStream::read_some(std::span<std::byte> buffer) {
    while (true) {
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (closed_) return tl::unexpected(closed_or("read from", 0).error());
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return tl::unexpected(closed_or("read from", errno).error());
        FLOCKER_CHECK_OK(await(POLLIN, "read from"));
    }
}

Status FdStream::write_all(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(sent));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return closed_or("write to", errno);
        FLOCKER_CHECK_OK(await(POLLOUT, "write to"));
    }
    return {};
}

void FdStream::finish_writing() {
    ::shutdown(socket_.get(), SHUT_WR);
}

void FdStream::close() {
    closed_ = true;
    ::shutdown(socket_.get(), SHUT_RDWR);
}

Result<Fd> connect_tcp_fd(const std::string& address, std::uint16_t port, Duration limit) {
    const std::string place = place_of(address, port);
    FLOCKER_TRY(const Addresses found, addresses_of(address, port, 0, ErrorCode::unavailable));
    int error = EADDRNOTAVAIL;
    for (const addrinfo* one = found.get(); one != nullptr; one = one->ai_next) {
        Fd socket(::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, one->ai_protocol));
        error = socket ? connect_within(socket.get(), one->ai_addr, one->ai_addrlen, limit) : errno;
        if (error != 0) continue;
        set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY);
        return socket;
    }
    return connect_failed(place, error);
}

Result<std::unique_ptr<Stream>> connect_tcp(const std::string& address, std::uint16_t port, Duration limit) {
    FLOCKER_TRY(Fd socket, connect_tcp_fd(address, port, limit));
    return std::make_unique<FdStream>(std::move(socket), place_of(address, port));
}

Result<std::unique_ptr<Stream>> connect_unix(const std::string& path, Duration limit) {
    FLOCKER_TRY(const sockaddr_un address, unix_address(path));
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int error =
        socket ? connect_within(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address, limit)
               : errno;
    if (error != 0) return connect_failed(path, error);
    return std::make_unique<FdStream>(std::move(socket), path);
}

FdListener::FdListener(Fd socket, Fd wake, std::string place, std::uint16_t port)
    : socket_(std::move(socket)), wake_(std::move(wake)), place_(std::move(place)), port_(port) {}

Result<Fd> FdListener::accept_fd() {
    while (true) {
        std::array<pollfd, 2> waiting{{{wake_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}}};
        if (poll_for(waiting, Duration::zero()) < 0)
            return fail(ErrorCode::unavailable, "cannot accept on " + place_ + ": " + error_text(errno));
        if (waiting[0].revents != 0) return fail(ErrorCode::unavailable, place_ + " was closed");
        Fd accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (accepted) {
            if (port_ != 0) set_option(accepted.get(), IPPROTO_TCP, TCP_NODELAY);
            return accepted;
        }
        // All other errors are about the one connection, which is gone, and not about the listener.
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            poll_for({waiting.data(), 1}, std::chrono::milliseconds(accept_pause_ms));
        } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK) {
            return fail(ErrorCode::unavailable, "cannot accept on " + place_ + ": " + error_text(errno));
        }
    }
}

Result<std::unique_ptr<Stream>> FdListener::accept() {
    FLOCKER_TRY(Fd accepted, accept_fd());
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    std::array<char, NI_MAXHOST> host{};
    std::string place = "client of " + place_;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (port_ != 0 && ::getpeername(accepted.get(), raw, &size) == 0 &&
        ::getnameinfo(raw, size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) == 0) {
        place = std::string("client ") + host.data();
    }
    return std::make_unique<FdStream>(std::move(accepted), std::move(place));
}

void FdListener::close() {
    const std::uint64_t one = 1;
    // It can't fail: the counter does not overflow in a process's life.
    static_cast<void>(::write(wake_.get(), &one, sizeof one));
}

Result<std::unique_ptr<FdListener>> listen_tcp(const std::string& address, std::uint16_t port) {
    const std::string place = place_of(address, port);
    FLOCKER_TRY(const Addresses found,
                addresses_of(address, port, AI_NUMERICHOST | AI_PASSIVE, ErrorCode::invalid_argument));
    Fd socket(::socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, found->ai_protocol));
    if (!socket) return fail(ErrorCode::unavailable, "cannot listen on " + place + ": " + error_text(errno));
    set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR);
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 ||
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
        return fail(ErrorCode::unavailable, "cannot listen on " + place + ": " + error_text(errno));
    }
    const in_port_t bound_port = bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                                             : reinterpret_cast<const sockaddr_in&>(bound).sin_port;
    return listener_over(std::move(socket), place_of(address, ntohs(bound_port)), ntohs(bound_port));
}

Result<std::unique_ptr<FdListener>> listen_unix(const std::string& path) {
    FLOCKER_TRY(const sockaddr_un address, unix_address(path));
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail(ErrorCode::unavailable, "cannot listen on " + path + ": " + error_text(errno));
    if (is_abandoned(address)) ::unlink(path.c_str());
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::chmod(path.c_str(), 0600) != 0) {
        return fail(ErrorCode::unavailable, "cannot listen on " + path + ": " + error_text(errno));
    }
    return listener_over(std::move(socket), path, 0);
}

}  // namespace flocker::posix
