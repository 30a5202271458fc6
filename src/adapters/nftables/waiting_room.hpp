// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

namespace flocker::nftables {

/// Who connects where, in host byte order.
struct Connection {
    std::uint32_t source{0};
    std::uint32_t destination{0};
    std::uint16_t source_port{0};
    std::uint16_t destination_port{0};

    friend auto operator<=>(const Connection&, const Connection&) = default;
};

/// A packet that the kernel keeps for us until we say what becomes of it.
struct QueuedPacket {
    std::uint32_t id{0};
    Connection connection;
};

/// The first packets of connections that wait. A client repeats its packet each second or more; only
/// the newest is kept, for it is the one that the client would still know the answer to.
class WaitingRoom {
public:
    /// Beyond these, packets are dropped; their clients ask again.
    static constexpr std::size_t packets_max = 4096;

    /// The packet to drop for it: an older one of the same connection, or itself if there is no room.
    [[nodiscard]] std::optional<std::uint32_t> admit(const QueuedPacket& packet);
    /// Takes out those that wait for these ports, in the order in which they came.
    [[nodiscard]] std::vector<std::uint32_t> release(const std::set<std::uint16_t>& ports);
    [[nodiscard]] std::size_t size() const { return packets_.size(); }

private:
    std::uint64_t arrivals_{0};
    std::map<std::uint64_t, QueuedPacket> packets_;  ///< By arrival.
    std::map<Connection, std::uint64_t> arrival_of_;
};

}  // namespace flocker::nftables
