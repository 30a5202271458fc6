// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "adapters/nftables/netlink.hpp"
#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::nftables {

/// An external port, and where connections to it went.
struct OldRoute {
    std::uint16_t port{0};
    model::RouteTarget target;
    friend bool operator==(const OldRoute&, const OldRoute&) = default;
};

/// One connection as its client sees it; IPv4 addresses and ports in network byte order.
struct ClientSide {
    std::uint32_t client{0};
    std::uint16_t client_port{0};
    std::uint32_t server{0};
    std::uint16_t server_port{0};
};

/// The kernel's table of connections, of the network namespace in which it was opened.
class Conntrack {
public:
    [[nodiscard]] static Result<Conntrack> open();

    /// Makes the kernel forget where it sent connections that nobody has answered yet: a client that
    /// repeats its first packet would be sent to the old target for ever. Only translated TCP
    /// connections to these external ports that went elsewhere than to the port's target. Connections
    /// that were answered once are left alone. How many were forgotten.
    /// Takes 10 ms or more, for the kernel looks through its whole hash table.
    [[nodiscard]] Result<std::size_t> forget_unanswered(
        const std::map<std::uint16_t, std::optional<model::RouteTarget>>& targets);

    /// The kernel goes on sending the datagrams of a steady flow to where it sent the first of them: makes it forget the
    /// flows to these external UDP ports that do not go to the port's target, answered or not. How many were forgotten.
    [[nodiscard]] Result<std::size_t> forget_flows(
        const std::map<std::uint16_t, std::optional<model::RouteTarget>>& targets);

    /// Of TCP, the same for connections that were answered, went by one of these routes, and were not closed by both
    /// sides. What their clients say next goes by the port's route of then, to where nobody knows of them: it
    /// is answered with a reset. Which they were, for those that say nothing.
    [[nodiscard]] Result<std::vector<ClientSide>> forget_open(const std::vector<OldRoute>& routes);

private:
    explicit Conntrack(NetlinkSocket netlink) : netlink_(std::move(netlink)) {}

    /// Kept open: closing one waits until nftables has cleaned up after its last transaction.
    NetlinkSocket netlink_;
    std::uint32_t sequence_{0};
};

}  // namespace flocker::nftables
