// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/conntrack.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <array>
#include <vector>

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

Entry read_entry(const nlmsghdr& message) {
    Entry entry;
    each_attribute(message, [&](const nlattr* attribute) {
        const std::uint16_t type = mnl_attr_get_type(attribute);
        if (type == CTA_TUPLE_ORIG) entry.original = read_tuple(attribute);
        if (type == CTA_TUPLE_REPLY) entry.reply = read_tuple(attribute);
        if (type == CTA_STATUS) entry.status = ntohl(mnl_attr_get_u32(attribute));
        if (type == CTA_ID) entry.id = mnl_attr_get_u32(attribute);
    });
    return entry;
}

bool is_stale(const Entry& entry, const Targets& targets) {
    if (entry.original.protocol != IPPROTO_TCP || (entry.status & IPS_SEEN_REPLY) != 0 ||
        (entry.status & IPS_DST_NAT) == 0) {
        return false;
    }
    const auto found = targets.find(ntohs(entry.original.destination_port));
    if (found == targets.end()) return false;
    if (!found->second) return true;
    in_addr address{};
    inet_pton(AF_INET, found->second->address.c_str(), &address);
    return entry.reply.source != address.s_addr || entry.reply.source_port != htons(found->second->port);
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

}  // namespace

Result<Conntrack> Conntrack::open() {
    FLOCKER_TRY(NetlinkSocket netlink, NetlinkSocket::open());
    return Conntrack(std::move(netlink));
}

Result<std::size_t> Conntrack::forget_unanswered(const Targets& targets) {
    if (targets.empty()) return std::size_t{0};
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* dump = begin_message(buffer.data(), message_type(IPCTNL_MSG_CT_GET), NLM_F_DUMP, ++sequence_, AF_INET, 0);
    // The kernel leaves out answered connections by itself, so a busy node's table is not copied.
    mnl_attr_put_u32(dump, CTA_STATUS, htonl(IPS_DST_NAT));
    mnl_attr_put_u32(dump, CTA_STATUS_MASK, htonl(IPS_DST_NAT | IPS_SEEN_REPLY));
    std::vector<Entry> stale;
    FLOCKER_CHECK_OK(netlink_.ask({buffer.data(), dump->nlmsg_len}, sequence_, [&](const nlmsghdr& message) {
        const Entry entry = read_entry(message);
        if (is_stale(entry, targets)) stale.push_back(entry);
    }));
    std::size_t forgotten = 0;
    for (const Entry& entry : stale) {
        // An entry that is gone already is as good as removed.
        if (remove(netlink_, entry, ++sequence_)) ++forgotten;
    }
    return forgotten;
}

}  // namespace flocker::nftables
