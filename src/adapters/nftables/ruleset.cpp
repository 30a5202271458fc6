// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/ruleset.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <vector>

namespace flocker::nftables {
namespace {

using model::Protocol;
using model::RouteEntry;
using model::RouteTable;
using model::RouteTarget;

/// The elements that stand for one protocol's part of a route table.
struct PortElements {
    std::map<std::uint16_t, std::string> routes;
    std::set<std::uint16_t> held;
    std::set<std::uint16_t> closed;
};
/// Those that stand for all of it.
struct Elements {
    PortElements tcp;
    PortElements udp;
    std::set<std::string> peers;
    std::set<std::string> leased;
};

constexpr std::string_view routed = "ip flocker";
constexpr std::string_view bridged = "bridge flocker";
constexpr std::string_view sixed = "ip6 flocker";

Elements elements_of(const RouteTable& table) {
    Elements elements;
    for (const auto& [port, entry] : table) {
        PortElements& ports = port.protocol == model::Protocol::udp ? elements.udp : elements.tcp;
        if (entry.held) ports.held.insert(port.number);
        if (!entry.target) {
            if (!entry.held) ports.closed.insert(port.number);
            continue;
        }
        ports.routes.emplace(port.number, fmt::format("{} . {}", entry.target->address, entry.target->port));
        if (!entry.target->local) elements.peers.insert(entry.target->address);
        if (entry.target->local && entry.leased) elements.leased.insert(entry.target->address);
    }
    return elements;
}

/// "<verb> element <table> <set> { a, b }\n", or nothing.
void put_command(std::string& text, std::string_view verb, std::string_view table, std::string_view set,
                 const std::vector<std::string>& items) {
    if (items.empty()) return;
    text += fmt::format("{} element {} {} {{ {} }}\n", verb, table, set, fmt::join(items, ", "));
}

template <class Item>
void put_set_change(std::string& text, std::string_view table, std::string_view set, const std::set<Item>& from,
                    const std::set<Item>& to) {
    std::vector<std::string> gone;
    std::vector<std::string> added;
    for (const Item& item : from) {
        if (!to.contains(item)) gone.push_back(fmt::format("{}", item));
    }
    for (const Item& item : to) {
        if (!from.contains(item)) added.push_back(fmt::format("{}", item));
    }
    put_command(text, "delete", table, set, gone);
    put_command(text, "add", table, set, added);
}

void put_route_change(std::string& text, std::string_view map, const std::map<std::uint16_t, std::string>& from,
                      const std::map<std::uint16_t, std::string>& to) {
    std::vector<std::string> gone;
    std::vector<std::string> added;
    for (const auto& [port, target] : from) {
        const auto there = to.find(port);
        if (there == to.end() || there->second != target) gone.push_back(fmt::format("{}", port));
    }
    for (const auto& [port, target] : to) {
        const auto there = from.find(port);
        if (there == from.end() || there->second != target) added.push_back(fmt::format("{} : {}", port, target));
    }
    put_command(text, "delete", routed, map, gone);
    put_command(text, "add", routed, map, added);
}

bool is_ipv4(const std::string& address) {
    in_addr parsed{};
    return inet_pton(AF_INET, address.c_str(), &parsed) == 1;
}

/// What stands between "elements = {" and "}" of one map or set, as words without commas.
std::vector<std::string_view> words_of(std::string_view text, std::string_view block) {
    std::vector<std::string_view> words;
    const auto begin = text.find(block);
    if (begin == std::string_view::npos) return words;
    const auto end = text.find("\n\t}", begin);
    std::string_view body = text.substr(begin, end == std::string_view::npos ? end : end - begin);
    constexpr std::string_view opening = "elements = {";
    const auto open = body.find(opening);
    if (open == std::string_view::npos) return words;
    body = body.substr(open + opening.size());
    body = body.substr(0, body.find('}'));
    constexpr std::string_view gaps = " \t\n,";
    for (auto at = body.find_first_not_of(gaps); at != std::string_view::npos; at = body.find_first_not_of(gaps, at)) {
        const auto stop = std::min(body.find_first_of(gaps, at), body.size());
        words.push_back(body.substr(at, stop - at));
        at = stop;
    }
    return words;
}

bool has_marker(std::string_view text) {
    return text.find(fmt::format("chain {} {{", shape_marker)) != std::string_view::npos;
}

Result<std::uint16_t> parse_port(std::string_view word) {
    std::uint16_t port = 0;
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), port);
    if (code != std::errc{} || end != word.data() + word.size() || port == 0) {
        return fail(ErrorCode::corrupt, fmt::format("nft table flocker: '{}' is not a port", word));
    }
    return port;
}

/// How many rules each chain has that has any.
std::map<std::string_view, std::size_t> count_rules(std::string_view text) {
    std::map<std::string_view, std::size_t> counts;
    std::string_view chain;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto begin = line.find_first_not_of(" \t");
        // nft prints nothing for a rule that it has no words for.
        const bool wordless = begin == std::string_view::npos && line.starts_with("\t\t");
        line = begin == std::string_view::npos ? std::string_view() : line.substr(begin);
        constexpr std::string_view opening = "chain ";
        if (line.starts_with(opening)) {
            chain = line.substr(opening.size(), line.find(" {") - opening.size());
        } else if (line.starts_with("}")) {
            chain = {};
        } else if (!chain.empty() && (wordless || (!line.empty() && !line.starts_with("type ")))) {
            ++counts[chain];
        }
    }
    return counts;
}

}  // namespace

bool has_rules_of(std::string_view listing, std::string_view shape) {
    return count_rules(listing) == count_rules(shape);
}

Status validate(const RouteTable& table) {
    for (const auto& [external, entry] : table) {
        const std::string port = to_text(external);
        if (external.number == 0) return fail(ErrorCode::invalid_argument, "route: 0 is not a port");
        if (!entry.target) continue;
        if (!is_ipv4(entry.target->address)) {
            return fail(ErrorCode::invalid_argument,
                        fmt::format("route of port {}: '{}' is not an IPv4 address", port, entry.target->address));
        }
        if (entry.target->port == 0) {
            return fail(ErrorCode::invalid_argument, fmt::format("route of port {}: its target has port 0", port));
        }
    }
    return {};
}

// Bits of the packet mark, on the first packet of a connection only:
//   0x01000000  translated by us
//   0x02000000  on its way back out of the interface it came in by: client and container are on one
//               bridge and would answer each other directly, past our translation
// and refused_mark, on its second way through the gate.
//
// What comes from outside for 127.0.0.0/8 is dropped: route_localnet would let it in.
//
// Filter chains see each packet of each connection, so what tells first packets from others comes first
// in their rules, and what is dear (fib looks up the route) after it. Of a packet that is not leased, the
// chains lease_in and lease_out cost one look into a set each.
std::string shape_text(QueueStatement queue) {
    constexpr std::string_view shape = R"(table ip flocker {{
    map routes {{ type inet_service : ipv4_addr . inet_service; }}
    set peers {{ type ipv4_addr; }}
    set held {{ type inet_service; }}
    set closed {{ type inet_service; }}
    map udp_routes {{ type inet_service : ipv4_addr . inet_service; }}
    set udp_held {{ type inet_service; }}
    set udp_closed {{ type inet_service; }}
    set leased {{ type ipv4_addr; }}
    set {} {{ type ether_type; flags timeout; }}
    chain lease_in {{
        type filter hook prerouting priority -310; policy accept;
        ip saddr @leased meta protocol != @{} drop
    }}
    chain lease_out {{
        type filter hook postrouting priority -310; policy accept;
        ip daddr @leased meta protocol != @{} drop
    }}
    chain wait {{
        {}
    }}
    chain gate {{
        tcp dport @held meta mark {:#010x} reject with tcp reset
        tcp dport @held jump wait
        tcp dport @held drop
        tcp dport @closed reject with tcp reset
    }}
    chain udp_gate {{
        udp dport @udp_held fib daddr type local jump wait
        udp dport @udp_held fib daddr type local drop
        udp dport @udp_closed fib daddr type local reject with icmp type port-unreachable
    }}
    chain gate_in {{
        type filter hook prerouting priority -300; policy accept;
        iif != "lo" ip daddr 127.0.0.0/8 drop
        tcp flags & (fin|syn|rst|ack) == syn fib daddr type local jump gate
        meta l4proto udp jump udp_gate
    }}
    chain gate_out {{
        type filter hook output priority -300; policy accept;
        tcp flags & (fin|syn|rst|ack) == syn fib daddr type local jump gate
        meta l4proto udp jump udp_gate
    }}
    chain translate {{
        meta mark set meta mark | 0x01000000
        dnat ip to tcp dport map @routes
        meta mark set meta mark & 0xfeffffff
    }}
    chain udp_translate {{
        meta mark set meta mark | 0x01000000
        dnat ip to udp dport map @udp_routes
        meta mark set meta mark & 0xfeffffff
    }}
    chain translate_in {{
        type nat hook prerouting priority -105; policy accept;
        fib daddr type local meta l4proto tcp jump translate
        fib daddr type local meta l4proto udp jump udp_translate
    }}
    chain translate_out {{
        type nat hook output priority -105; policy accept;
        fib daddr type local meta l4proto tcp jump translate
        fib daddr type local meta l4proto udp jump udp_translate
    }}
    chain turn_back {{
        type filter hook forward priority 0; policy accept;
        meta mark & 0x01000000 != 0 fib daddr . iif oif exists meta mark set meta mark | 0x02000000
    }}
    chain source {{
        type nat hook postrouting priority 95; policy accept;
        meta mark & 0x01000000 == 0 return
        ip daddr @peers masquerade
        ip saddr 127.0.0.0/8 masquerade
        meta mark & 0x02000000 != 0 masquerade
    }}
}}
)";
    return fmt::format(shape, lease_set, lease_set, lease_set,
                       queue == QueueStatement::in_text ? fmt::format("queue num {}", held_queue) : "", refused_mark);
}

std::string bridge_shape_text() {
    constexpr std::string_view shape = R"(table bridge flocker {{
    set leased {{ type ipv4_addr; }}
    set {} {{ type ether_type; flags timeout; }}
    chain lease_across {{
        type filter hook forward priority -310; policy accept;
        ip saddr @leased meta protocol != @{} drop
        ip daddr @leased meta protocol != @{} drop
    }}
}}
)";
    return fmt::format(shape, lease_set, lease_set, lease_set);
}

std::string marker_text() {
    return fmt::format("add chain {} {}\n", routed, shape_marker);
}
std::string bridge_marker_text() {
    return fmt::format("add chain {} {}\n", bridged, shape_marker);
}

std::string removal_text() {
    return fmt::format("add table {}\ndelete table {}\n", routed, routed);
}
std::string bridge_removal_text() {
    return fmt::format("add table {}\ndelete table {}\n", bridged, bridged);
}

std::string bridge_probe_text() {
    return "add table bridge flocker_probe\n"
           "add chain bridge flocker_probe probe { type filter hook forward priority 0; }\n"
           "delete table bridge flocker_probe\n";
}

std::string six_shape_text(std::uint16_t proxy) {
    constexpr std::string_view shape = R"(table ip6 flocker {{
    set ports {{ type inet_service; }}
    chain redirect_in {{
        type nat hook prerouting priority -105; policy accept;
        fib daddr type local tcp dport @ports redirect to :{}
    }}
    chain redirect_out {{
        type nat hook output priority -105; policy accept;
        fib daddr type local tcp dport @ports redirect to :{}
    }}
}}
)";
    return fmt::format(shape, proxy, proxy);
}

std::string six_removal_text() {
    return fmt::format("add table {}\ndelete table {}\n", sixed, sixed);
}

std::string six_transaction(const std::set<std::uint16_t>& from, const std::set<std::uint16_t>& to) {
    std::string text;
    put_set_change(text, sixed, "ports", from, to);
    return text;
}

bool six_agrees(std::string_view text, std::uint16_t proxy, const std::set<std::uint16_t>& ports) {
    std::set<std::uint16_t> seen;
    for (const std::string_view word : words_of(text, "set ports {")) {
        const auto port = parse_port(word);
        if (!port) return false;
        seen.insert(*port);
    }
    return seen == ports && has_rules_of(text, six_shape_text(proxy));
}

std::string transaction(const RouteTable& from, const RouteTable& to) {
    const Elements before = elements_of(from);
    const Elements after = elements_of(to);
    std::string text;
    put_route_change(text, "routes", before.tcp.routes, after.tcp.routes);
    put_route_change(text, "udp_routes", before.udp.routes, after.udp.routes);
    put_set_change(text, routed, "peers", before.peers, after.peers);
    put_set_change(text, routed, "held", before.tcp.held, after.tcp.held);
    put_set_change(text, routed, "closed", before.tcp.closed, after.tcp.closed);
    put_set_change(text, routed, "udp_held", before.udp.held, after.udp.held);
    put_set_change(text, routed, "udp_closed", before.udp.closed, after.udp.closed);
    put_set_change(text, routed, "leased", before.leased, after.leased);
    return text;
}

std::string bridge_transaction(const RouteTable& from, const RouteTable& to) {
    std::string text;
    put_set_change(text, bridged, "leased", elements_of(from).leased, elements_of(to).leased);
    return text;
}

Result<Listing> parse_listing(std::string_view text) {
    Listing listing;
    listing.complete = has_marker(text);
    const std::vector<std::string_view> peers = words_of(text, "set peers {");
    const std::set<std::string_view> remote(peers.begin(), peers.end());
    const std::vector<std::string_view> containers = words_of(text, "set leased {");
    const std::set<std::string_view> leased(containers.begin(), containers.end());

    for (const Protocol protocol : {Protocol::tcp, Protocol::udp}) {
        const std::string prefix = protocol == Protocol::udp ? "udp_" : "";
        const std::vector<std::string_view> routes = words_of(text, "map " + prefix + "routes {");
        // port : address . port
        constexpr std::size_t words_of_a_route = 5;
        if (routes.size() % words_of_a_route != 0)
            return fail(ErrorCode::corrupt, "nft table flocker: its routes can't be read");
        for (std::size_t at = 0; at < routes.size(); at += words_of_a_route) {
            FLOCKER_TRY(const std::uint16_t port, parse_port(routes[at]));
            FLOCKER_TRY(const std::uint16_t target_port, parse_port(routes[at + 4]));
            RouteTarget target{std::string(routes[at + 2]), target_port, !remote.contains(routes[at + 2])};
            RouteEntry& entry = listing.table[{port, protocol}];
            entry.leased = target.local && leased.contains(target.address);
            entry.target = std::move(target);
        }
        for (const std::string_view word : words_of(text, "set " + prefix + "held {")) {
            FLOCKER_TRY(const std::uint16_t port, parse_port(word));
            listing.table[{port, protocol}].held = true;
        }
        for (const std::string_view word : words_of(text, "set " + prefix + "closed {")) {
            FLOCKER_TRY(const std::uint16_t port, parse_port(word));
            listing.table[{port, protocol}];
        }
    }
    return listing;
}

bool bridge_agrees(std::string_view text, const RouteTable& table) {
    const std::vector<std::string_view> words = words_of(text, "set leased {");
    const std::set<std::string> leased(words.begin(), words.end());
    return has_marker(text) && leased == elements_of(table).leased;
}

}  // namespace flocker::nftables
