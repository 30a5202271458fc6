// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/six_proxy.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "adapters/nftables/netlink.hpp"
#include "base/check.hpp"

namespace flocker::nftables {
namespace {

using posix::Fd;

/// IP6T_SO_ORIGINAL_DST, whose header does not go together with netinet's.
constexpr int original_destination = 80;
constexpr std::size_t buffer_bytes = 64 * 1024;
/// What one connection may pass on before others have their turn.
constexpr int turns_max = 16;

constexpr std::uint64_t listener_key = 0;
constexpr std::uint64_t stop_key = 1;

/// The port that the client asked for; 0: it came by no redirection.
std::uint16_t port_asked_for(int client, std::uint16_t own) {
    sockaddr_in6 original{};
    socklen_t size = sizeof original;
    if (getsockopt(client, SOL_IPV6, original_destination, &original, &size) != 0) return 0;
    const std::uint16_t port = ntohs(original.sin6_port);
    return port == own ? std::uint16_t{0} : port;
}

Fd begin_to_connect(std::uint16_t port) {
    Fd made(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!made || (connect(made.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS)) return {};
    return made;
}

/// The other side gets a reset.
void abort_connection(Fd& socket) {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    socket.reset();
}

void send_small_at_once(int socket) {
    const int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/// From one side to the other.
struct Way {
    std::vector<char> buffer = std::vector<char>(buffer_bytes);
    std::size_t begin{0};
    std::size_t end{0};
    bool no_more{false};  ///< The one side has said all.
    bool told{false};     ///< The other knows.

    [[nodiscard]] bool empty() const { return begin == end; }
    [[nodiscard]] bool wants_to_read() const { return empty() && !no_more; }

    /// False: one of the two is gone.
    bool pass(int from, int to) {
        for (int turn = 0; turn < turns_max; ++turn) {
            if (wants_to_read()) {
                const auto got = recv(from, buffer.data(), buffer.size(), 0);
                if (got < 0) return errno == EAGAIN || errno == EINTR;
                begin = 0;
                end = static_cast<std::size_t>(got);
                no_more = got == 0;
            }
            if (empty()) break;
            const auto sent = send(to, buffer.data() + begin, end - begin, MSG_NOSIGNAL);
            if (sent < 0) return errno == EAGAIN || errno == EINTR;
            begin += static_cast<std::size_t>(sent);
        }
        if (no_more && empty() && !std::exchange(told, true)) return shutdown(to, SHUT_WR) == 0;
        return true;
    }
};

}  // namespace

class SixProxy::Pair {
public:
    Pair(int epoll, std::uint64_t id, Fd client, Fd server)
        : epoll_(epoll), client_(std::move(client)), server_(std::move(server)) {
        watch(EPOLL_CTL_ADD, client_.get(), id * 2, 0);
        watch(EPOLL_CTL_ADD, server_.get(), id * 2 + 1, EPOLLOUT);
    }

    /// False: it is over.
    bool go_on(std::uint64_t id, bool of_server, std::uint32_t events) {
        if (!connected_) {
            if (!of_server) return true_if((events & (EPOLLHUP | EPOLLERR)) == 0);
            int error = 0;
            socklen_t size = sizeof error;
            getsockopt(server_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
            if (error != 0) return true_if(false);
            connected_ = true;
        }
        if (!up_.pass(client_.get(), server_.get()) || !down_.pass(server_.get(), client_.get())) return true_if(false);
        if (up_.told && down_.told) return false;
        watch(EPOLL_CTL_MOD, client_.get(), id * 2, (up_.wants_to_read() ? EPOLLIN : 0U) | (down_.empty() ? 0U : EPOLLOUT));
        watch(EPOLL_CTL_MOD, server_.get(), id * 2 + 1, (down_.wants_to_read() ? EPOLLIN : 0U) | (up_.empty() ? 0U : EPOLLOUT));
        return true;
    }

private:
    bool true_if(bool alive) {
        if (alive) return true;
        abort_connection(client_);
        abort_connection(server_);
        return false;
    }
    void watch(int what, int socket, std::uint64_t key, std::uint32_t events) const {
        epoll_event event{};
        event.events = events;
        event.data.u64 = key;
        FLOCKER_CHECK(epoll_ctl(epoll_, what, socket, &event) == 0);
    }

    int epoll_;
    Fd client_;
    Fd server_;
    bool connected_{false};
    Way up_;
    Way down_;
};

Result<std::unique_ptr<SixProxy>> SixProxy::open() {
    Fd listener(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!listener) return system_failure("opening a socket of IPv6", errno);
    const int on = 1;
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    socklen_t size = sizeof at;
    if (setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0 ||
        bind(listener.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || listen(listener.get(), SOMAXCONN) != 0 ||
        getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size) != 0) {
        return system_failure("listening by IPv6", errno);
    }
    Fd epoll(epoll_create1(EPOLL_CLOEXEC));
    Fd stop(eventfd(0, EFD_CLOEXEC));
    if (!epoll || !stop) return system_failure("waiting for clients of IPv6", errno);
    for (const auto& [fd, key] : {std::pair(listener.get(), listener_key), std::pair(stop.get(), stop_key)}) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = key;
        if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) return system_failure("waiting for clients of IPv6", errno);
    }
    return std::unique_ptr<SixProxy>(
        new SixProxy(std::move(listener), ntohs(at.sin6_port), std::move(epoll), std::move(stop)));
}

SixProxy::SixProxy(Fd listener, std::uint16_t port, Fd epoll, Fd stop)
    : listener_(std::move(listener)), port_(port), epoll_(std::move(epoll)), stop_(std::move(stop)), thread_([this] { run(); }) {}

SixProxy::~SixProxy() {
    const std::uint64_t one = 1;
    FLOCKER_CHECK(write(stop_.get(), &one, sizeof one) == sizeof one);
    thread_.join();
}

void SixProxy::run() {
    std::array<epoll_event, 64> events{};
    for (;;) {
        const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events.at(static_cast<std::size_t>(i));
            const std::uint64_t key = event.data.u64;
            if (key == stop_key) return;
            if (key == listener_key) {
                accept_all();
            } else {
                go_on(key / 2, key % 2 == 1, event.events);
            }
        }
        count_ = pairs_.size();
    }
}

void SixProxy::accept_all() {
    for (;;) {
        Fd client(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!client) return;
        begin(std::move(client));
    }
}

void SixProxy::begin(Fd client) {
    const std::uint16_t port = port_asked_for(client.get(), port_);
    Fd server = port == 0 || pairs_.size() >= connections_max ? Fd() : begin_to_connect(port);
    if (!server) return abort_connection(client);
    send_small_at_once(client.get());
    send_small_at_once(server.get());
    const std::uint64_t id = ++last_;
    pairs_.emplace(id, std::make_unique<Pair>(epoll_.get(), id, std::move(client), std::move(server)));
}

void SixProxy::go_on(std::uint64_t id, bool of_server, std::uint32_t events) {
    const auto pair = pairs_.find(id);
    // It ended by an event before this one.
    if (pair == pairs_.end()) return;
    if (!pair->second->go_on(id, of_server, events)) pairs_.erase(pair);
}

}  // namespace flocker::nftables
