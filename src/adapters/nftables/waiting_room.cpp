// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/waiting_room.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace flocker::nftables {
namespace {

model::ExternalPort port_of(const Connection& connection) {
    return {connection.destination_port, connection.protocol};
}

}  // namespace

WaitingRoom::Admission WaitingRoom::admit(const QueuedPacket& packet, Time now) {
    if (packet.connection.protocol == model::Protocol::udp) {
        if (datagrams_.size() >= bounds_.datagrams) return {};
        datagrams_.push_back({packet, now});
        return {.waits = true, .replaced = std::nullopt};
    }
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

std::vector<std::uint32_t> WaitingRoom::release(const std::set<model::ExternalPort>& ports) {
    std::vector<std::uint32_t> released;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        const QueuedPacket& packet = at->second.packet;
        if (!ports.contains(port_of(packet.connection))) {
            ++at;
            continue;
        }
        released.push_back(packet.id);
        arrival_of_.erase(packet.connection);
        at = waiting_.erase(at);
    }
    FLOCKER_CHECK(arrival_of_.size() == waiting_.size());
    std::erase_if(datagrams_, [&](const Waiting& datagram) {
        const bool goes = ports.contains(port_of(datagram.packet.connection));
        if (goes) released.push_back(datagram.packet.id);
        return goes;
    });
    return released;
}

std::vector<std::uint32_t> WaitingRoom::overdue(Time now) {
    std::vector<std::uint32_t> refused;
    while (!waiting_.empty() && waiting_.begin()->second.since + bounds_.time <= now) {
        const QueuedPacket& packet = waiting_.begin()->second.packet;
        refused.push_back(packet.id);
        arrival_of_.erase(packet.connection);
        waiting_.erase(waiting_.begin());
    }
    FLOCKER_CHECK(arrival_of_.size() == waiting_.size());
    return refused;
}

std::vector<std::uint32_t> WaitingRoom::overdue_datagrams(Time now) {
    std::vector<std::uint32_t> dropped;
    while (!datagrams_.empty() && datagrams_.front().since + bounds_.datagram_time <= now) {
        dropped.push_back(datagrams_.front().packet.id);
        datagrams_.pop_front();
    }
    return dropped;
}

std::optional<WaitingRoom::Time> WaitingRoom::next_due() const {
    std::optional<Time> due;
    if (!waiting_.empty()) due = waiting_.begin()->second.since + bounds_.time;
    if (datagrams_.empty()) return due;
    const Time datagram_due = datagrams_.front().since + bounds_.datagram_time;
    return due ? std::min(*due, datagram_due) : datagram_due;
}

void WaitingRoom::clear() {
    waiting_.clear();
    arrival_of_.clear();
    datagrams_.clear();
}

}  // namespace flocker::nftables
