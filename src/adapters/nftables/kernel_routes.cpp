// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/kernel_routes.hpp"

#include "adapters/nftables/queue_rule.hpp"

namespace flocker::nftables {

Result<KernelRoutes> KernelRoutes::open() {
    FLOCKER_TRY(NftSession nft, NftSession::open());
    const bool bridged = nft.run(bridge_probe_text()).has_value();
    KernelRoutes routes(std::move(nft), bridged);
    FLOCKER_TRY(Seen seen, routes.read());
    if (!seen.listing.complete) FLOCKER_CHECK_OK(routes.install(seen.listing.table));
    routes.table_ = std::move(seen.listing.table);
    return routes;
}

Result<KernelRoutes::Seen> KernelRoutes::read() {
    // "tables" succeeds with nothing if there is none, so a failure of the listing is one.
    FLOCKER_TRY(const std::string tables, nft_.run("list tables\n"));
    Seen seen;
    const auto lacks = [&seen](bool complete, const char* why) {
        seen.listing.complete = complete;
        if (!complete) seen.lacking = why;
        return seen;
    };
    if (tables.find("table ip flocker\n") == std::string::npos) return lacks(false, "table ip flocker was gone");
    FLOCKER_TRY(const std::string text, nft_.run("list table ip flocker\n"));
    FLOCKER_TRY(seen.listing, parse_listing(text));
    if (!seen.listing.complete || !has_rules_of(text, shape_text(QueueStatement::in_text))) {
        return lacks(false, "rules of table ip flocker were not as they had been made");
    }
    if (!bridged_) return lacks(true, "");
    if (tables.find("table bridge flocker\n") == std::string::npos) return lacks(false, "table bridge flocker was gone");
    FLOCKER_TRY(const std::string across, nft_.run("list table bridge flocker\n"));
    const bool agrees = bridge_agrees(across, seen.listing.table) && has_rules_of(across, bridge_shape_text());
    return lacks(agrees, "table bridge flocker was not as it had been made");
}

std::string KernelRoutes::elements(const model::RouteTable& from, const model::RouteTable& to) const {
    return transaction(from, to) + (bridged_ ? bridge_transaction(from, to) : "");
}

Status KernelRoutes::install(const model::RouteTable& table) {
    const std::string removal = removal_text() + (bridged_ ? bridge_removal_text() + bridge_shape_text() : "");
    const std::string content = elements({}, table) + (bridged_ ? bridge_marker_text() : "");
    const auto at_once = nft_.run(removal + shape_text(QueueStatement::in_text) + content + marker_text());
    if (at_once) return {};
    // Held ports are dropped, not let through, until the rule is there; the marker comes last.
    FLOCKER_TRY(const std::string made, nft_.run(removal + shape_text(QueueStatement::left_out) + content));
    FLOCKER_CHECK_OK(add_queue_rule("flocker", "wait", held_queue));
    FLOCKER_TRY(const std::string marked, nft_.run(marker_text()));
    return {};
}

Status KernelRoutes::change(const model::RouteTable& from, const model::RouteTable& to) {
    const std::string commands = elements(from, to);
    if (commands.empty()) return {};
    FLOCKER_TRY(const std::string printed, nft_.run(commands));
    ++transactions_;
    return {};
}

Status KernelRoutes::commit(const model::RouteTable& wanted) {
    if (change(table_, wanted)) {
        table_ = wanted;
        return {};
    }
    FLOCKER_CHECK_OK(verify());
    FLOCKER_CHECK_OK(change(table_, wanted));
    table_ = wanted;
    return {};
}

Status KernelRoutes::verify() {
    FLOCKER_TRY(const Seen seen, read());
    if (!seen.listing.complete) {
        FLOCKER_CHECK_OK(install(table_));
        found_ = seen.lacking;
    } else if (!elements(seen.listing.table, table_).empty()) {
        FLOCKER_CHECK_OK(change(seen.listing.table, table_));
        found_ = "routes in table ip flocker were not as they had been made";
    }
    return {};
}

}  // namespace flocker::nftables
