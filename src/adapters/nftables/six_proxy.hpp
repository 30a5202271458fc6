// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>

#include "adapters/posix/fd.hpp"
#include "base/result.hpp"

namespace flocker::nftables {

/// Clients that come by IPv6. Containers have IPv4 addresses only, and no translation of addresses leads from one family
/// to the other: their connections are redirected to this, which makes one by IPv4 to the same port of this node, and
/// passes on what either side says. That other connection is held, led, leased and refused like any client's.
///
/// The application sees this node for its client. Connections end with this process.
///
/// Threads: one of its own.
class SixProxy {
public:
    static constexpr std::size_t connections_max = 2048;

    /// In the network namespace of the calling thread. Errors: unavailable (a node without IPv6).
    [[nodiscard]] static Result<std::unique_ptr<SixProxy>> open();
    ~SixProxy();
    SixProxy(const SixProxy&) = delete;
    SixProxy& operator=(const SixProxy&) = delete;

    /// Where connections are to be redirected to. Who connects to it otherwise is sent away.
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::size_t connections() const { return count_.load(); }

private:
    class Pair;
    SixProxy(posix::Fd listener, std::uint16_t port, posix::Fd epoll, posix::Fd stop);
    void run();
    void accept_all();
    void begin(posix::Fd client);
    void go_on(std::uint64_t id, bool of_server, std::uint32_t events);

    posix::Fd listener_;
    std::uint16_t port_;
    posix::Fd epoll_;
    posix::Fd stop_;
    std::uint64_t last_{1};
    std::map<std::uint64_t, std::unique_ptr<Pair>> pairs_;
    std::atomic<std::size_t> count_{0};
    std::thread thread_;
};

}  // namespace flocker::nftables
