// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/six_routes.hpp"

#include "adapters/nftables/ruleset.hpp"

namespace flocker::nftables {

Result<SixRoutes> SixRoutes::open() {
    FLOCKER_TRY(NftSession nft, NftSession::open());
    SixRoutes routes(std::move(nft));
    auto proxy = SixProxy::open();
    if (!proxy) return routes;
    routes.proxy_ = *std::move(proxy);
    // A kernel without this translation serves by IPv4 alone, as one without IPv6.
    if (!routes.install()) routes.proxy_.reset();
    return routes;
}

Status SixRoutes::install() {
    FLOCKER_TRY(const std::string made, nft_.run(six_removal_text() + six_shape_text(port()) + six_transaction({}, ports_)));
    return {};
}

Status SixRoutes::commit(const model::RouteTable& wanted) {
    std::set<std::uint16_t> ports;
    for (const auto& [port, entry] : wanted) {
        if (port.protocol == model::Protocol::tcp && (entry.target || entry.held)) ports.insert(port.number);
    }
    if (!proxy_ || ports == ports_) return {};
    const auto changed = nft_.run(six_transaction(ports_, ports));
    ports_ = std::move(ports);
    // Somebody else has been at it.
    return changed ? Status{} : install();
}

Result<std::string> SixRoutes::verify() {
    if (!proxy_) return std::string();
    const auto listing = nft_.run("list table ip6 flocker\n");
    if (listing && six_agrees(*listing, port(), ports_)) return std::string();
    FLOCKER_CHECK_OK(install());
    return std::string(listing ? "table ip6 flocker was not as it had been made" : "table ip6 flocker was gone");
}

}  // namespace flocker::nftables
