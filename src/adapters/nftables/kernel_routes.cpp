// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/kernel_routes.hpp"

#include "adapters/nftables/queue_rule.hpp"

namespace flocker::nftables {

Result<KernelRoutes> KernelRoutes::open() {
    FLOCKER_TRY(NftSession nft, NftSession::open());
    const bool bridged = nft.run(bridge_probe_text()).has_value();
    KernelRoutes routes(std::move(nft), bridged);
    FLOCKER_TRY(Listing seen, routes.read());
    if (!seen.complete) FLOCKER_CHECK_OK(routes.install(seen.table));
    routes.table_ = std::move(seen.table);
    return routes;
}

Result<Listing> KernelRoutes::read() {
    // "tables" succeeds with nothing if there is none, so a failure of the listing is one.
    FLOCKER_TRY(const std::string tables, nft_.run("list tables\n"));
    if (tables.find("table ip flocker\n") == std::string::npos) return Listing{};
    FLOCKER_TRY(const std::string text, nft_.run("list table ip flocker\n"));
    FLOCKER_TRY(Listing seen, parse_listing(text));
    if (!bridged_ || !seen.complete) return seen;
    seen.complete = tables.find("table bridge flocker\n") != std::string::npos;
    if (!seen.complete) return seen;
    FLOCKER_TRY(const std::string across, nft_.run("list table bridge flocker\n"));
    seen.complete = bridge_agrees(across, seen.table);
    return seen;
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
    FLOCKER_TRY(const Listing seen, read());
    FLOCKER_CHECK_OK(seen.complete ? change(seen.table, wanted) : install(wanted));
    table_ = wanted;
    return {};
}

Status KernelRoutes::verify() {
    FLOCKER_TRY(const Listing seen, read());
    return seen.complete ? change(seen.table, table_) : install(table_);
}

}  // namespace flocker::nftables
