// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/bridge_ports.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <vector>

namespace flocker::nftables {
namespace {

std::uint32_t ipv4_of(const sockaddr* address) {
    return reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr;
}

/// Interfaces whose own network has one of the addresses in it.
Result<std::set<std::uint32_t>> interfaces_of(const std::set<std::string>& addresses) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return system_failure("listing this node's addresses", errno);
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, freeifaddrs);
    std::set<std::uint32_t> interfaces;
    for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_netmask == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
        const std::uint32_t mask = ipv4_of(at->ifa_netmask);
        for (const std::string& text : addresses) {
            in_addr address{};
            inet_pton(AF_INET, text.c_str(), &address);
            if ((address.s_addr & mask) == (ipv4_of(at->ifa_addr) & mask))
                interfaces.insert(if_nametoindex(at->ifa_name));
        }
    }
    return interfaces;
}

struct Port {
    std::int32_t index{0};
    std::uint32_t bridge{0};
    bool hairpin{false};
};

Port read_port(const nlmsghdr& message) {
    Port port;
    port.index = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message))->ifi_index;
    each_attribute<ifinfomsg>(message, [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == IFLA_MASTER) port.bridge = mnl_attr_get_u32(attribute);
        if (mnl_attr_get_type(attribute) != IFLA_PROTINFO) return;
        each_nested(attribute, [&](const nlattr* field) {
            if (mnl_attr_get_type(field) == IFLA_BRPORT_MODE) port.hairpin = mnl_attr_get_u8(field) != 0;
        });
    });
    return port;
}

nlmsghdr* begin_link_message(char* buffer, std::uint16_t type, std::uint16_t flags, std::uint32_t sequence,
                             std::int32_t index) {
    nlmsghdr* message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = type;
    message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    message->nlmsg_seq = sequence;
    auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
    link->ifi_family = AF_BRIDGE;
    link->ifi_index = index;
    return message;
}

}  // namespace

Result<BridgePorts> BridgePorts::open() {
    FLOCKER_TRY(NetlinkSocket news, NetlinkSocket::open(NETLINK_ROUTE, RTMGRP_LINK));
    FLOCKER_TRY(NetlinkSocket asking, NetlinkSocket::open(NETLINK_ROUTE));
    return BridgePorts(std::move(news), std::move(asking));
}

void BridgePorts::forget_news() {
    std::array<char, 8192> buffer;  // NOLINT: filled by recv
    // ENOBUFS only says that there was more news than room.
    while (recv(news_.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT) >= 0 || errno == ENOBUFS || errno == EINTR) {
    }
}

Status BridgePorts::let_turn_back(const std::set<std::string>& containers) {
    if (containers.empty()) return {};
    FLOCKER_TRY(const std::set<std::uint32_t> bridges, interfaces_of(containers));
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    std::vector<std::int32_t> lacking;
    const nlmsghdr* dump = begin_link_message(buffer.data(), RTM_GETLINK, NLM_F_DUMP, ++sequence_, 0);
    FLOCKER_CHECK_OK(asking_.ask({buffer.data(), dump->nlmsg_len}, sequence_, [&](const nlmsghdr& message) {
        const Port port = read_port(message);
        const bool is_bridge_itself = port.bridge == static_cast<std::uint32_t>(port.index);
        if (!port.hairpin && !is_bridge_itself && bridges.contains(port.bridge)) lacking.push_back(port.index);
    }));
    for (const std::int32_t index : lacking) {
        nlmsghdr* change = begin_link_message(buffer.data(), RTM_SETLINK, NLM_F_ACK, ++sequence_, index);
        nlattr* port = mnl_attr_nest_start(change, IFLA_PROTINFO);
        mnl_attr_put_u8(change, IFLA_BRPORT_MODE, 1);
        mnl_attr_nest_end(change, port);
        // One that went away in the meantime needs nothing.
        static_cast<void>(asking_.ask({buffer.data(), change->nlmsg_len}, sequence_));
    }
    return {};
}

}  // namespace flocker::nftables
