// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/time.hpp"
#include "model/port.hpp"

namespace flocker::nftables {

/// Who connects where, in host byte order.
struct Connection {
    std::uint32_t source{0};
    std::uint32_t destination{0};
    std::uint16_t source_port{0};
    std::uint16_t destination_port{0};
    model::Protocol protocol{model::Protocol::tcp};

    friend auto operator<=>(const Connection&, const Connection&) = default;
};

/// A packet that the kernel keeps for us until we say what becomes of it.
struct QueuedPacket {
    std::uint32_t id{0};
    Connection connection;
    std::uint32_t sequence{0};  ///< Where the client begins to count; the same each time it asks again.
};

/// How many connections wait at once, and each for how long; the same of UDP's datagrams.
struct WaitingBounds {
    std::size_t connections{4096};
    Duration time{60s};
    std::size_t datagrams{1024};
    Duration datagram_time{10s};
};

/// The first packets of connections that wait, and since when. Of UDP each datagram waits for itself.
///
/// A client of TCP repeats its packet each second or more: that is the same connection, and only the newest packet is
/// kept. Another one that comes from the same port, for the client has given up the first, takes its place and begins to
/// wait then.
///
/// Knows no clock: `now` never goes back from one call to the next.
class WaitingRoom {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit WaitingRoom(WaitingBounds bounds) : bounds_(bounds) {}

    struct Admission {
        bool waits{false};  ///< false: there is no room; a connection is to be refused, a datagram dropped.
        /// The client no longer counts on this one: to be dropped.
        std::optional<std::uint32_t> replaced;
    };
    [[nodiscard]] Admission admit(const QueuedPacket& packet, Time now);
    /// Takes out those that wait for these ports, in the order in which they came.
    [[nodiscard]] std::vector<std::uint32_t> release(const std::set<model::ExternalPort>& ports);
    /// Takes out the connections whose time is over, in the order in which they came.
    [[nodiscard]] std::vector<std::uint32_t> overdue(Time now);
    /// The same of datagrams.
    [[nodiscard]] std::vector<std::uint32_t> overdue_datagrams(Time now);
    /// When the next one's time will be over; nullopt: nobody waits.
    [[nodiscard]] std::optional<Time> next_due() const;
    /// Forgets all.
    void clear();
    [[nodiscard]] std::size_t size() const { return waiting_.size() + datagrams_.size(); }

private:
    struct Waiting {
        QueuedPacket packet;
        Time since;
    };

    WaitingBounds bounds_;
    std::uint64_t arrivals_{0};
    std::map<std::uint64_t, Waiting> waiting_;  ///< By arrival, so the first has waited longest.
    std::map<Connection, std::uint64_t> arrival_of_;  ///< Of those.
    std::deque<Waiting> datagrams_;                   ///< By arrival.
};

}  // namespace flocker::nftables
