// SPDX-License-Identifier: Apache-2.0
//
// The nft table `ip flocker` as text: what it is made of, how one route table becomes another, and
// how it is read back. Pure.
//
//   map routes   port : address . port    where a connection to a local address at `port` goes
//   set peers    address                  other nodes: connections sent there need our address
//   set held     port                     new connections wait in the queue, before conntrack and NAT
//   set closed   port                     in the table, with no target and not held: reset
//
// A new connection meets, in this order: the gate (priority raw: held or closed?), conntrack, the
// translation (before Docker's own). Held packets have no conntrack entry yet, so on release they are
// looked up as if they came in that moment.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::nftables {

/// The NFQUEUE number of this network namespace that held packets go to.
inline constexpr std::uint16_t held_queue = 4523;

/// A chain whose presence says that the table is complete and of this shape. A change to
/// shape_text() takes a new name.
inline constexpr std::string_view shape_marker = "shape_2";

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

struct Listing {
    bool complete{false};  ///< The marker is there.
    model::RouteTable table;
};
/// Reads what `nft list table ip flocker` prints. Errors: corrupt.
[[nodiscard]] Result<Listing> parse_listing(std::string_view text);

}  // namespace flocker::nftables
