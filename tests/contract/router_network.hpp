// SPDX-License-Identifier: Apache-2.0
//
// The network that the router's contract is tried on: real namespaces, joined by real cables.
//
//   flkt-out 10.231.0.9 ─┐                  ┌ flkt-a1 172.31.1.2
//   flkt-a   10.231.0.1 ─┼ flkt-lan    flkt-a ┤
//   flkt-b   10.231.0.2 ─┘                  └ flkt-a2 172.31.1.3     flkt-b ─ flkt-b1 172.31.2.2
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/posix/fd.hpp"
#include "model/port.hpp"

namespace flocker::router_contract {

using posix::Fd;
using Clock = std::chrono::steady_clock;

/// Runs `work` in a thread that lives in the namespace; sockets that it makes stay there.
template <class Work>
auto in_namespace(const std::string& name, Work work) {
    return std::async(std::launch::async,
                      [&] {
                          const Fd space(open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
                          if (!space || setns(space.get(), CLONE_NEWNET) != 0)
                              throw std::runtime_error("no namespace " + name);
                          return work();
                      })
        .get();
}

inline void shell(const std::string& commands) {
    // NOLINTNEXTLINE: the commands are constants of the tests.
    if (std::system(("set -e\n" + commands).c_str()) != 0) throw std::runtime_error("failed: " + commands);
}

class Network {
public:
    Network() {
        if (!lock_ || flock(lock_.get(), LOCK_EX) != 0) throw std::runtime_error("no lock");
        remove();
        shell(R"(
            for n in lan out a b a1 a2 b1; do ip netns add flkt-$n; ip -n flkt-$n link set lo up; done
            ip -n flkt-lan link add lan type bridge; ip -n flkt-lan link set lan up
            cable() { ip link add c0 netns flkt-$1 type veth peer name $4 netns flkt-$2
                      ip -n flkt-$1 link set c0 name to-$2
                      ip -n flkt-$1 link set to-$2 master $3 up; ip -n flkt-$2 link set $4 up; }
            cable lan out lan eth0; ip -n flkt-out addr add 10.231.0.9/24 dev eth0
            cable lan a lan eth0;   ip -n flkt-a addr add 10.231.0.1/24 dev eth0
            cable lan b lan eth0;   ip -n flkt-b addr add 10.231.0.2/24 dev eth0
            for n in a b; do ip -n flkt-$n link add flocker0 type bridge; ip -n flkt-$n link set flocker0 up; done
            ip -n flkt-a addr add 172.31.1.1/24 dev flocker0; ip -n flkt-b addr add 172.31.2.1/24 dev flocker0
            cable a a1 flocker0 eth0; ip -n flkt-a1 addr add 172.31.1.2/24 dev eth0
            ip -n flkt-a1 route add default via 172.31.1.1
            cable a a2 flocker0 eth0; ip -n flkt-a2 addr add 172.31.1.3/24 dev eth0
            ip -n flkt-a2 route add default via 172.31.1.1
            cable b b1 flocker0 eth0; ip -n flkt-b1 addr add 172.31.2.2/24 dev eth0
            ip -n flkt-b1 route add default via 172.31.2.1
            for n in 9:out 1:a 2:b; do
                ip netns exec flkt-${n#*:} sysctl -qw net.ipv6.conf.all.disable_ipv6=0 2>/dev/null || true
                ip -n flkt-${n#*:} -6 addr add fd31::${n%:*}/64 dev eth0 nodad; done
            # As Docker does for what its containers send out; not on B, where our own translation is to do it.
            ip netns exec flkt-a nft 'table ip nat { chain POSTROUTING { type nat hook postrouting priority 100;
                iifname flocker0 oifname != flocker0 masquerade; }; }'
        )");
    }
    ~Network() { remove(); }
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;

private:
    /// Two runs at once would remove each other's namespaces.
    Fd lock_{open("/var/tmp/flkt-router.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600)};

    static void remove() {
        shell("for n in lan out a b a1 a2 b1; do [ ! -e /run/netns/flkt-$n ] || ip netns del flkt-$n; done");
    }
};

inline sockaddr_in socket_address(const std::string& address, std::uint16_t port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(port);
    inet_pton(AF_INET, address.c_str(), &result.sin_addr);
    return result;
}

/// A server that greets with "<name> <address of its client>\n" and then repeats what it is told.
class EchoServer {
public:
    EchoServer(std::string name_space, std::uint16_t port) : name_(std::move(name_space)) {
        listener_ = in_namespace(name_, [port] {
            Fd made(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
            const int on = 1;
            setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            const sockaddr_in at = socket_address("0.0.0.0", port);
            if (bind(made.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
                listen(made.get(), 1024) != 0) {
                throw std::runtime_error("can't listen");
            }
            return made;
        });
        thread_ = std::jthread([this] { run(); });
    }
    ~EchoServer() {
        const std::uint64_t one = 1;
        if (write(stop_.get(), &one, sizeof one) != sizeof one) std::abort();
    }
    EchoServer(const EchoServer&) = delete;
    EchoServer& operator=(const EchoServer&) = delete;

    [[nodiscard]] std::size_t accepted() const {
        const std::lock_guard lock(mutex_);
        return accepted_;
    }

private:
    void run() {
        std::vector<Fd> clients;
        for (;;) {
            std::vector<pollfd> watched{{stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
            for (const Fd& client : clients) watched.push_back({client.get(), POLLIN, 0});
            poll(watched.data(), watched.size(), -1);
            if (watched[0].revents != 0) return;
            for (std::size_t i = 2; i < watched.size(); ++i) {
                char buffer[256];
                if (watched[i].revents == 0) continue;
                const auto got = recv(watched[i].fd, buffer, sizeof buffer, MSG_DONTWAIT);
                if (got <= 0 || send(watched[i].fd, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) < 0)
                    clients[i - 2].reset();
            }
            std::erase_if(clients, [](const Fd& client) { return !client; });
            for (;;) {
                sockaddr_in from{};
                socklen_t size = sizeof from;
                Fd client(accept4(listener_.get(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC));
                if (!client) break;
                {
                    const std::lock_guard lock(mutex_);
                    ++accepted_;
                }
                const std::string greeting = name_ + " " + inet_ntoa(from.sin_addr) + "\n";
                send(client.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL);
                clients.push_back(std::move(client));
            }
        }
    }

    std::string name_;
    Fd listener_;
    Fd stop_{eventfd(0, EFD_CLOEXEC)};
    mutable std::mutex mutex_;
    std::size_t accepted_{0};
    std::jthread thread_;
};

/// The same of UDP: "hello" is answered with the greeting, each other line with itself.
class DatagramServer {
public:
    DatagramServer(std::string name_space, std::uint16_t port) : name_(std::move(name_space)) {
        socket_ = in_namespace(name_, [port] {
            Fd made(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            const sockaddr_in at = socket_address("0.0.0.0", port);
            if (bind(made.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
                throw std::runtime_error("can't bind");
            }
            return made;
        });
        thread_ = std::jthread([this] { run(); });
    }
    ~DatagramServer() {
        const std::uint64_t one = 1;
        if (write(stop_.get(), &one, sizeof one) != sizeof one) std::abort();
    }
    DatagramServer(const DatagramServer&) = delete;
    DatagramServer& operator=(const DatagramServer&) = delete;

    /// What was received, in its order.
    [[nodiscard]] std::vector<std::string> heard() const {
        const std::lock_guard lock(mutex_);
        return heard_;
    }

private:
    void run() {
        for (;;) {
            pollfd watched[2] = {{stop_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}};
            poll(watched, 2, -1);
            if (watched[0].revents != 0) return;
            char buffer[256];
            sockaddr_in from{};
            socklen_t size = sizeof from;
            const auto got =
                recvfrom(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &size);
            if (got <= 0) continue;
            std::string text(buffer, static_cast<std::size_t>(got));
            {
                const std::lock_guard lock(mutex_);
                heard_.push_back(text);
            }
            if (text == "hello\n") text = name_ + " " + inet_ntoa(from.sin_addr) + "\n";
            sendto(socket_.get(), text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&from), size);
        }
    }

    std::string name_;
    Fd socket_;
    Fd stop_{eventfd(0, EFD_CLOEXEC)};
    mutable std::mutex mutex_;
    std::vector<std::string> heard_;
    std::jthread thread_;
};

/// A client that began to connect; one of UDP has said "hello".
class Client {
public:
    Client(const std::string& name_space, const std::string& address, const model::ExternalPort& port,
           std::uint16_t source_port = 0) {
        in_namespace(name_space, [&] { begin(address, port, source_port); });
    }
    /// In the namespace of the thread that calls.
    Client(const std::string& address, const model::ExternalPort& port) { begin(address, port, 0); }

    /// The next line that the server says; "refused", "reset", "closed" or "nothing" (within `limit`).
    std::string line(std::chrono::milliseconds limit = std::chrono::seconds(5)) {
        if (error_ != 0) return error_ == ECONNREFUSED ? "refused" : std::strerror(error_);
        const auto end = Clock::now() + limit;
        for (;;) {
            if (const auto at = heard_.find('\n'); at != std::string::npos) {
                const std::string text = heard_.substr(0, at);
                heard_.erase(0, at + 1);
                return text;
            }
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
            pollfd watched{socket_.get(), POLLIN, 0};
            if (left.count() < 0 || poll(&watched, 1, static_cast<int>(left.count())) == 0) return "nothing";
            char buffer[512];
            const auto got = recv(socket_.get(), buffer, sizeof buffer, 0);
            if (got == 0) return "closed";
            if (got < 0)
                return errno == ECONNREFUSED ? "refused" : errno == ECONNRESET ? "reset" : std::strerror(errno);
            heard_.append(buffer, static_cast<std::size_t>(got));
        }
    }
    /// What the server answers to `text`.
    std::string say(const std::string& text, std::chrono::milliseconds limit = std::chrono::seconds(5)) {
        const std::string sent = text + "\n";
        if (send(socket_.get(), sent.data(), sent.size(), MSG_NOSIGNAL) < 0) return std::strerror(errno);
        return line(limit);
    }
    /// Whether the server answers what is said now; answers to what was said before are passed over.
    bool hears_itself(std::chrono::milliseconds limit) {
        const std::string text = std::to_string(++said_);
        const std::string sent = text + "\n";
        if (send(socket_.get(), sent.data(), sent.size(), MSG_NOSIGNAL) < 0) return false;
        const auto end = Clock::now() + limit;
        for (;;) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
            const std::string heard = line(std::max(left, std::chrono::milliseconds(0)));
            if (heard == text) return true;
            if (heard.empty() || heard.find_first_not_of("0123456789") != std::string::npos) return false;
        }
    }
    /// Ends the connection with a reset, so that no TIME_WAIT is left.
    void abort() {
        const linger now{.l_onoff = 1, .l_linger = 0};
        setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
        socket_.reset();
    }

private:
    void begin(const std::string& address, const model::ExternalPort& port, std::uint16_t source_port) {
        const bool udp = port.protocol == model::Protocol::udp;
        if (address.find(':') != std::string::npos) return begin_by_six(address, port.number);
        socket_ = Fd(socket(AF_INET, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (source_port != 0) {
            const int on = 1;
            setsockopt(socket_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            const sockaddr_in from = socket_address("0.0.0.0", source_port);
            if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) {
                throw std::runtime_error("can't bind the source port");
            }
        }
        const sockaddr_in to = socket_address(address, port.number);
        if (connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) {
            error_ = errno;
        }
        constexpr std::string_view greeting = "hello\n";
        if (udp && send(socket_.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL) < 0) error_ = errno;
    }

    void begin_by_six(const std::string& address, std::uint16_t port) {
        socket_ = Fd(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_in6 to{};
        to.sin6_family = AF_INET6;
        to.sin6_port = htons(port);
        inet_pton(AF_INET6, address.c_str(), &to.sin6_addr);
        if (connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS) {
            error_ = errno;
        }
    }

    Fd socket_;
    int error_{0};
    std::string heard_;  ///< Not given as a line yet.
    std::uint64_t said_{0};
};

/// A connection on which something is said and answered all the time, until the end.
class Talk {
public:
    struct Outcome {
        std::size_t answers{0};
        Clock::duration longest{};
        bool broken{false};
    };
    Talk(const std::string& name_space, const std::string& address, std::uint16_t port) : client_(name_space, address, port) {
        broken_ = client_.line().empty();
        thread_ = std::jthread([this](const std::stop_token& stop) {
            while (!stop.stop_requested() && !outcome_.broken) {
                const auto begin = Clock::now();
                outcome_.broken = client_.say("on") != "on";
                outcome_.longest = std::max(outcome_.longest, Clock::now() - begin);
                ++outcome_.answers;
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        });
    }
    Outcome end() {
        thread_.request_stop();
        thread_.join();
        outcome_.broken = outcome_.broken || broken_;
        return outcome_;
    }

private:
    Client client_;
    bool broken_{false};
    Outcome outcome_;
    std::jthread thread_;
};

}  // namespace flocker::router_contract
