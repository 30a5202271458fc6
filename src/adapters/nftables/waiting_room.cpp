// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/waiting_room.hpp"

#include "base/check.hpp"

namespace flocker::nftables {

std::optional<std::uint32_t> WaitingRoom::admit(const QueuedPacket& packet) {
    const auto known = arrival_of_.find(packet.connection);
    if (known != arrival_of_.end()) {
        const std::uint32_t older = packets_.at(known->second).id;
        packets_.at(known->second).id = packet.id;
        return older;
    }
    if (packets_.size() == packets_max) return packet.id;
    packets_.emplace(arrivals_, packet);
    arrival_of_.emplace(packet.connection, arrivals_);
    ++arrivals_;
    return std::nullopt;
}

std::vector<std::uint32_t> WaitingRoom::release(const std::set<std::uint16_t>& ports) {
    std::vector<std::uint32_t> released;
    for (auto at = packets_.begin(); at != packets_.end();) {
        if (!ports.contains(at->second.connection.destination_port)) {
            ++at;
            continue;
        }
        released.push_back(at->second.id);
        arrival_of_.erase(at->second.connection);
        at = packets_.erase(at);
    }
    FLOCKER_CHECK(arrival_of_.size() == packets_.size());
    return released;
}

}  // namespace flocker::nftables
