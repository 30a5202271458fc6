// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "adapters/nftables/nft_session.hpp"
#include "adapters/nftables/six_proxy.hpp"
#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::nftables {

/// The nft table `ip6 flocker`: who connects to one of our TCP ports by IPv6 is redirected to our proxy. It is made anew
/// by each process, and redirects to nobody once that has ended: its clients are refused then.
///
/// On a node without IPv6 all of this does nothing. Blocking; one thread at a time, but for port().
class SixRoutes {
public:
    [[nodiscard]] static Result<SixRoutes> open();

    /// All TCP ports of the table that lead somewhere, or will.
    [[nodiscard]] Status commit(const model::RouteTable& wanted);
    /// Makes anew what somebody else did to it. What was found, in words; empty: nothing.
    [[nodiscard]] Result<std::string> verify();
    /// The proxy's; 0: there is none.
    [[nodiscard]] std::uint16_t port() const { return proxy_ ? proxy_->port() : std::uint16_t{0}; }

private:
    explicit SixRoutes(NftSession nft) : nft_(std::move(nft)) {}
    [[nodiscard]] Status install();

    NftSession nft_;
    std::unique_ptr<SixProxy> proxy_;
    std::set<std::uint16_t> ports_;
};

}  // namespace flocker::nftables
