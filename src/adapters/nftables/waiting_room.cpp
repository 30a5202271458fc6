// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/waiting_room.hpp"

#include "base/check.hpp"

namespace flocker::nftables {

WaitingRoom::Admission WaitingRoom::admit(const QueuedPacket& packet, Time now) {
    Admission admission{.waits = true, .replaced = std::nullopt};
    const auto known = arrival_of_.find(packet.connection);
    if (known != arrival_of_.end()) {
        QueuedPacket& kept = waiting_.at(known->second).packet;
        admission.replaced = kept.id;
        if (kept.sequence == packet.sequence) {
            kept.id = packet.id;
            return admission;
        }
        waiting_.erase(known->second);
        arrival_of_.erase(known);
    }
    if (waiting_.size() >= bounds_.connections) return {};
    waiting_.emplace(arrivals_, Waiting{packet, now});
    arrival_of_.emplace(packet.connection, arrivals_);
    ++arrivals_;
    return admission;
}

std::vector<std::uint32_t> WaitingRoom::release(const std::set<std::uint16_t>& ports) {
    std::vector<std::uint32_t> released;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        const QueuedPacket& packet = at->second.packet;
        if (!ports.contains(packet.connection.destination_port)) {
            ++at;
            continue;
        }
        released.push_back(packet.id);
        arrival_of_.erase(packet.connection);
        at = waiting_.erase(at);
    }
    FLOCKER_CHECK(arrival_of_.size() == waiting_.size());
    return released;
}

std::vector<std::uint32_t> WaitingRoom::overdue(Time now) {
    std::vector<std::uint32_t> refused;
    while (!waiting_.empty() && *next_due() <= now) {
        const QueuedPacket& packet = waiting_.begin()->second.packet;
        refused.push_back(packet.id);
        arrival_of_.erase(packet.connection);
        waiting_.erase(waiting_.begin());
    }
    FLOCKER_CHECK(arrival_of_.size() == waiting_.size());
    return refused;
}

std::optional<WaitingRoom::Time> WaitingRoom::next_due() const {
    if (waiting_.empty()) return std::nullopt;
    return waiting_.begin()->second.since + bounds_.time;
}

void WaitingRoom::clear() {
    waiting_.clear();
    arrival_of_.clear();
}

}  // namespace flocker::nftables
