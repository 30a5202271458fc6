// SPDX-License-Identifier: Apache-2.0
//
// The nft tables `ip flocker` and `bridge flocker` as text: what they are made of, how one route table
// becomes another, and how they are read back. Pure.
//
//   map routes   port : address . port    where a connection to a local address at `port` goes
//   set peers    address                  other nodes: connections sent there need our address
//   set held     port                     new connections wait in the queue, before conntrack and NAT
//   set closed   port                     in the table, with no target and not held: reset
//   udp_routes, udp_held, udp_closed      the same of UDP
//   set leased   address                  containers that get and give packets under the lease only
//   set lease    one element              there while the lease runs: the kernel takes it out by itself
//
// Of UDP every datagram to a held port waits: before conntrack, nothing tells the first of a flow from others.
//
// A new connection meets, in this order: the gate (priority raw: held or closed?), conntrack, the
// translation (before Docker's own). Held packets have no conntrack entry yet, so on release they are
// looked up as if they came in that moment.
//
// The lease is looked at where every routed packet has the container's own address: from a container when it
// comes in, before all else; to a container when it goes out, after the translation. What one bridge carries
// from port to port is not routed; the table `bridge flocker` looks at it, with sets of its own. Both tables
// are changed in one transaction. No change of routes touches the lease, and no lease touches a route.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::nftables {

/// The NFQUEUE number of this network namespace that held packets go to.
inline constexpr std::uint16_t held_queue = 4523;

/// A chain whose presence says that the table is complete and of this shape. A change to
/// shape_text() takes a new name.
inline constexpr std::string_view shape_marker = "shape_4";

/// The set of either table whose element lease_key is the lease. Keys are of lease_key's size.
inline constexpr std::string_view lease_set = "lease";
/// An IPv4 packet's own protocol number: a rule can look up nothing but what a packet has.
inline constexpr std::uint16_t lease_key = 0x0800;

/// A first packet to a held port whose whole mark is this is answered with a reset.
inline constexpr std::uint32_t refused_mark = 0x04000000;

enum class QueueStatement : std::uint8_t {
    in_text,   ///< nft's own `queue`.
    left_out,  ///< The kernel lacks it: the rule is added by add_queue_rule().
};

/// Address form and ports of every entry. Errors: invalid_argument, naming the port.
[[nodiscard]] Status validate(const model::RouteTable& table);

/// Commands that make the table anew, without elements and without the marker.
[[nodiscard]] std::string shape_text(QueueStatement queue);
[[nodiscard]] std::string marker_text();
/// Commands that remove the table, whether it is there or not.
[[nodiscard]] std::string removal_text();

/// Commands that turn the elements for `from` into those for `to`, to be run as one transaction;
/// empty if there is nothing to change. Both tables are valid.
[[nodiscard]] std::string transaction(const model::RouteTable& from, const model::RouteTable& to);

/// The same of `bridge flocker`, for a kernel that has that family; run together with those above.
[[nodiscard]] std::string bridge_shape_text();
[[nodiscard]] std::string bridge_marker_text();
[[nodiscard]] std::string bridge_removal_text();
[[nodiscard]] std::string bridge_transaction(const model::RouteTable& from, const model::RouteTable& to);
/// Succeeds where the kernel has that family, and leaves nothing.
[[nodiscard]] std::string bridge_probe_text();

/// The table `ip6 flocker`, which redirects connections to these TCP ports of this node to `proxy`.
[[nodiscard]] std::string six_shape_text(std::uint16_t proxy);
[[nodiscard]] std::string six_removal_text();
[[nodiscard]] std::string six_transaction(const std::set<std::uint16_t>& from, const std::set<std::uint16_t>& to);
/// Whether what `nft list table ip6 flocker` prints has all rules, and just these ports.
[[nodiscard]] bool six_agrees(std::string_view text, std::uint16_t proxy, const std::set<std::uint16_t>& ports);

struct Listing {
    bool complete{false};  ///< The marker is there.
    model::RouteTable table;
};
/// Reads what `nft list table ip flocker` prints. Errors: corrupt.
[[nodiscard]] Result<Listing> parse_listing(std::string_view text);
/// Whether the chains of what `nft list table` prints have as many rules, each, as in these commands that make them.
[[nodiscard]] bool has_rules_of(std::string_view listing, std::string_view shape);
/// Whether what `nft list table bridge flocker` prints is complete and stands for this table.
[[nodiscard]] bool bridge_agrees(std::string_view text, const model::RouteTable& table);

}  // namespace flocker::nftables
