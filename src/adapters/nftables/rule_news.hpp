// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "adapters/nftables/netlink.hpp"
#include "base/result.hpp"

namespace flocker::nftables {

/// What the kernel tells of changes to its rules, of the network namespace in which it was opened. Rules that are kept
/// elsewhere than in nftables (iptables-legacy) are not told of.
class RuleNews {
public:
    [[nodiscard]] static Result<RuleNews> open();

    /// Readable when rules have changed; our own changes are among them.
    [[nodiscard]] int fd() const { return netlink_.fd(); }

    /// What others have changed since the last call. No more than a hint: look whether it matters.
    struct News {
        bool tables{false};      ///< Something in our tables.
        bool forwarding{false};  ///< Something in a chain that lets our packets pass.
        std::string by;          ///< The program that did it last; empty: not known.
    };
    [[nodiscard]] News read();

private:
    explicit RuleNews(NetlinkSocket netlink) : netlink_(std::move(netlink)) {}
    void take_in(const nlmsghdr& message, News& news);

    NetlinkSocket netlink_;
    News begun_;  ///< Of a transaction whose end has not been told yet.
};

}  // namespace flocker::nftables
