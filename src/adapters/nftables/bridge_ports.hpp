// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "adapters/nftables/netlink.hpp"
#include "base/result.hpp"

namespace flocker::nftables {

/// The ports of this node's bridges. Where the kernel shows bridged packets to the translation
/// (br_netfilter, as under Docker), a container that connects to its own external port gets its packet
/// back through the port by which it came, and a bridge does that only for ports in hairpin mode.
class BridgePorts {
public:
    /// In the network namespace of the thread that calls.
    [[nodiscard]] static Result<BridgePorts> open();

    /// Readable when links have changed; a container that started is such a change.
    [[nodiscard]] int fd() const { return news_.fd(); }
    /// Until the next change.
    void forget_news();
    /// Sets hairpin mode on all ports of the bridges on which these IPv4 addresses are.
    [[nodiscard]] Status let_turn_back(const std::set<std::string>& containers);

private:
    BridgePorts(NetlinkSocket news, NetlinkSocket asking) : news_(std::move(news)), asking_(std::move(asking)) {}
    NetlinkSocket news_;
    NetlinkSocket asking_;
    std::uint32_t sequence_{0};
};

}  // namespace flocker::nftables
