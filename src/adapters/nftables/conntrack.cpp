// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/conntrack.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>

namespace flocker::nftables {
namespace {

using Targets = std::map<std::uint16_t, std::optional<model::RouteTarget>>;

constexpr std::uint16_t message_type(std::uint16_t what) {
    return static_cast<std::uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | what);
}

/// One direction of a connection, network byte order.
struct Tuple {
    std::uint32_t source{0};
    std::uint32_t destination{0};
    std::uint16_t source_port{0};
    std::uint16_t destination_port{0};
    std::uint8_t protocol{0};
};

struct Entry {
    Tuple original;
    Tuple reply;
    std::uint32_t status{0};
    std::uint32_t id{0};  ///< Network byte order, as the kernel gave it.
    std::uint8_t tcp_state{TCP_CONNTRACK_NONE};
};

Tuple read_tuple(const nlattr* nest) {
    Tuple tuple;
    each_nested(nest, [&](const nlattr* part) {
        const std::uint16_t kind = mnl_attr_get_type(part);
        if (kind != CTA_TUPLE_IP && kind != CTA_TUPLE_PROTO) return;
        each_nested(part, [&](const nlattr* field) {
            const std::uint16_t type = mnl_attr_get_type(field);
            if (kind == CTA_TUPLE_IP && type == CTA_IP_V4_SRC) tuple.source = mnl_attr_get_u32(field);
            if (kind == CTA_TUPLE_IP && type == CTA_IP_V4_DST) tuple.destination = mnl_attr_get_u32(field);
            if (kind == CTA_TUPLE_PROTO && type == CTA_PROTO_NUM) tuple.protocol = mnl_attr_get_u8(field);
            if (kind == CTA_TUPLE_PROTO && type == CTA_PROTO_SRC_PORT) tuple.source_port = mnl_attr_get_u16(field);
            if (kind == CTA_TUPLE_PROTO && type == CTA_PROTO_DST_PORT) tuple.destination_port = mnl_attr_get_u16(field);
        });
    });
    return tuple;
}

std::uint8_t read_tcp_state(const nlattr* protocol) {
    std::uint8_t state = TCP_CONNTRACK_NONE;
    each_nested(protocol, [&](const nlattr* part) {
        if (mnl_attr_get_type(part) != CTA_PROTOINFO_TCP) return;
        each_nested(part, [&](const nlattr* field) {
            if (mnl_attr_get_type(field) == CTA_PROTOINFO_TCP_STATE) state = mnl_attr_get_u8(field);
        });
    });
    return state;
}

Entry read_entry(const nlmsghdr& message) {
    Entry entry;
    each_attribute(message, [&](const nlattr* attribute) {
        const std::uint16_t type = mnl_attr_get_type(attribute);
        if (type == CTA_TUPLE_ORIG) entry.original = read_tuple(attribute);
        if (type == CTA_TUPLE_REPLY) entry.reply = read_tuple(attribute);
        if (type == CTA_STATUS) entry.status = ntohl(mnl_attr_get_u32(attribute));
        if (type == CTA_ID) entry.id = mnl_attr_get_u32(attribute);
        if (type == CTA_PROTOINFO) entry.tcp_state = read_tcp_state(attribute);
    });
    return entry;
}

bool is_translated_tcp(const Entry& entry) {
    return entry.original.protocol == IPPROTO_TCP && (entry.status & IPS_DST_NAT) != 0;
}

bool went_to(const Entry& entry, const model::RouteTarget& target) {
    in_addr address{};
    inet_pton(AF_INET, target.address.c_str(), &address);
    return entry.reply.source == address.s_addr && entry.reply.source_port == htons(target.port);
}

bool is_stale(const Entry& entry, const Targets& targets) {
    if (!is_translated_tcp(entry) || (entry.status & IPS_SEEN_REPLY) != 0) return false;
    const auto found = targets.find(ntohs(entry.original.destination_port));
    return found != targets.end() && !(found->second && went_to(entry, *found->second));
}

/// Addresses of this network namespace, network byte order.
std::set<std::uint32_t> own_addresses() {
    std::set<std::uint32_t> own;
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return own;
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, freeifaddrs);
    for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET) continue;
        own.insert(reinterpret_cast<const sockaddr_in*>(at->ifa_addr)->sin_addr.s_addr);
    }
    return own;
}

/// One that passes through this node to the same port elsewhere is none of ours.
bool is_astray(const Entry& entry, const Targets& targets, const std::set<std::uint32_t>& own) {
    if (entry.original.protocol != IPPROTO_UDP) return false;
    const auto found = targets.find(ntohs(entry.original.destination_port));
    if (found == targets.end() || (found->second && went_to(entry, *found->second))) return false;
    const bool loopback = ntohl(entry.original.destination) >> 24U == IN_LOOPBACKNET;
    return loopback || own.contains(entry.original.destination);
}

bool is_open(const Entry& entry, const std::vector<OldRoute>& routes) {
    if (!is_translated_tcp(entry) || (entry.status & IPS_SEEN_REPLY) == 0) return false;
    if (entry.tcp_state == TCP_CONNTRACK_TIME_WAIT || entry.tcp_state == TCP_CONNTRACK_CLOSE) return false;
    return std::ranges::any_of(routes, [&](const OldRoute& route) {
        return entry.original.destination_port == htons(route.port) && went_to(entry, route.target);
    });
}

ClientSide client_side(const Entry& entry) {
    return {entry.original.source, entry.original.source_port, entry.original.destination,
            entry.original.destination_port};
}

Status remove(const NetlinkSocket& netlink, const Entry& entry, std::uint32_t sequence) {
    alignas(nlmsghdr) std::array<char, 512> buffer{};
    nlmsghdr* message =
        begin_message(buffer.data(), message_type(IPCTNL_MSG_CT_DELETE), NLM_F_ACK, sequence, AF_INET, 0);
    nlattr* tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
    nlattr* addresses = mnl_attr_nest_start(message, CTA_TUPLE_IP);
    mnl_attr_put_u32(message, CTA_IP_V4_SRC, entry.original.source);
    mnl_attr_put_u32(message, CTA_IP_V4_DST, entry.original.destination);
    mnl_attr_nest_end(message, addresses);
    nlattr* protocol = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
    mnl_attr_put_u8(message, CTA_PROTO_NUM, entry.original.protocol);
    mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, entry.original.source_port);
    mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, entry.original.destination_port);
    mnl_attr_nest_end(message, protocol);
    mnl_attr_nest_end(message, tuple);
    // With the id only this very entry is removed, not one that took its place since.
    mnl_attr_put_u32(message, CTA_ID, entry.id);
    return netlink.ask({buffer.data(), message->nlmsg_len}, sequence);
}

/// Those of this status that `chosen` takes; nullopt: of any. The kernel leaves out all others by itself, so a busy
/// node's table is not copied.
template <class Chosen>
Result<std::vector<Entry>> read_entries(const NetlinkSocket& netlink, std::uint32_t sequence,
                                        std::optional<std::uint32_t> status, Chosen chosen) {
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* dump = begin_message(buffer.data(), message_type(IPCTNL_MSG_CT_GET), NLM_F_DUMP, sequence, AF_INET, 0);
    if (status) {
        mnl_attr_put_u32(dump, CTA_STATUS, htonl(*status));
        mnl_attr_put_u32(dump, CTA_STATUS_MASK, htonl(IPS_DST_NAT | IPS_SEEN_REPLY));
    }
    std::vector<Entry> entries;
    FLOCKER_CHECK_OK(netlink.ask({buffer.data(), dump->nlmsg_len}, sequence, [&](const nlmsghdr& message) {
        const Entry entry = read_entry(message);
        if (chosen(entry)) entries.push_back(entry);
    }));
    return entries;
}

}  // namespace

Result<Conntrack> Conntrack::open() {
    FLOCKER_TRY(NetlinkSocket netlink, NetlinkSocket::open());
    return Conntrack(std::move(netlink));
}

Result<std::size_t> Conntrack::forget_unanswered(const Targets& targets) {
    if (targets.empty()) return std::size_t{0};
    FLOCKER_TRY(const std::vector<Entry> stale,
                read_entries(netlink_, ++sequence_, IPS_DST_NAT,
                             [&](const Entry& entry) { return is_stale(entry, targets); }));
    std::size_t forgotten = 0;
    for (const Entry& entry : stale) {
        // An entry that is gone already is as good as removed.
        if (remove(netlink_, entry, ++sequence_)) ++forgotten;
    }
    return forgotten;
}

Result<std::size_t> Conntrack::forget_flows(const Targets& targets) {
    if (targets.empty()) return std::size_t{0};
    const std::set<std::uint32_t> own = own_addresses();
    FLOCKER_TRY(const std::vector<Entry> astray,
                read_entries(netlink_, ++sequence_, std::nullopt,
                             [&](const Entry& entry) { return is_astray(entry, targets, own); }));
    std::size_t forgotten = 0;
    for (const Entry& entry : astray) {
        if (remove(netlink_, entry, ++sequence_)) ++forgotten;
    }
    return forgotten;
}

Result<std::vector<ClientSide>> Conntrack::forget_open(const std::vector<OldRoute>& routes) {
    std::vector<ClientSide> clients;
    if (routes.empty()) return clients;
    FLOCKER_TRY(const std::vector<Entry> open,
                read_entries(netlink_, ++sequence_, IPS_DST_NAT | IPS_SEEN_REPLY,
                             [&](const Entry& entry) { return is_open(entry, routes); }));
    for (const Entry& entry : open) {
        if (remove(netlink_, entry, ++sequence_)) clients.push_back(client_side(entry));
    }
    return clients;
}

}  // namespace flocker::nftables
