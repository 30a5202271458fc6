// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "adapters/nftables/netlink.hpp"
#include "base/result.hpp"
#include "model/port.hpp"

namespace flocker::nftables {

/// Who listens on ports of the network namespace in which it was opened, on whatever address. Sockets in other
/// namespaces, as those in containers, are not among them.
///
/// Blocking: some 100 µs, and 50 ms or more when somebody new listens, to find out who. One thread at a time.
class Listeners {
public:
    [[nodiscard]] static Result<Listeners> open();
    /// By number; at most `listeners_max`. A UDP socket on a number that the kernel gives to clients counts when it has
    /// been there for a while: before that it is taken for a client's. Errors: unavailable.
    [[nodiscard]] Result<std::vector<model::TakenPort>> find();

    static constexpr std::size_t listeners_max = 512;

private:
    struct Socket {
        std::uint16_t number{0};
        model::Protocol protocol{model::Protocol::tcp};
        std::uint32_t inode{0};
        friend auto operator<=>(const Socket&, const Socket&) = default;
    };
    struct Known {
        std::string by;
        std::chrono::steady_clock::time_point since;
    };

    explicit Listeners(NetlinkSocket netlink) : netlink_(std::move(netlink)) {}
    [[nodiscard]] Status list(std::uint8_t family, model::Protocol protocol, std::vector<Socket>& sockets);
    void find_out(const std::vector<Socket>& sockets);

    NetlinkSocket netlink_;
    std::uint32_t sequence_{0};
    std::map<Socket, Known> known_;
};

}  // namespace flocker::nftables
