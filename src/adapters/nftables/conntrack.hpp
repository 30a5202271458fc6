// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "adapters/nftables/netlink.hpp"
#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::nftables {

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

private:
    explicit Conntrack(NetlinkSocket netlink) : netlink_(std::move(netlink)) {}

    /// Kept open: closing one waits until nftables has cleaned up after its last transaction.
    NetlinkSocket netlink_;
    std::uint32_t sequence_{0};
};

}  // namespace flocker::nftables
