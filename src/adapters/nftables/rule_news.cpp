// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/rule_news.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/nftables/ruleset.hpp"

namespace flocker::nftables {
namespace {

/// Of thousands of routes that change at once.
constexpr int news_bytes_max = 4 * 1024 * 1024;
constexpr std::uint32_t group = 1U << (NFNLGRP_NFTABLES - 1);

/// The same numbers in messages of every kind.
constexpr std::uint16_t table_attribute = NFTA_TABLE_NAME;
static_assert(table_attribute == std::uint16_t{NFTA_CHAIN_TABLE} && table_attribute == std::uint16_t{NFTA_RULE_TABLE} &&
              table_attribute == std::uint16_t{NFTA_SET_TABLE} && table_attribute == std::uint16_t{NFTA_SET_ELEM_LIST_TABLE});

std::string text_of(const nlmsghdr& message, std::uint16_t type) {
    std::string text;
    each_attribute(message, [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == type && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0) {
            text = mnl_attr_get_str(attribute);
        }
    });
    return text;
}

std::string chain_of(const nlmsghdr& message, unsigned what) {
    const bool chain = what == NFT_MSG_NEWCHAIN || what == NFT_MSG_DELCHAIN;
    const bool rule = what == NFT_MSG_NEWRULE || what == NFT_MSG_DELRULE;
    if (!chain && !rule) return {};
    return text_of(message, chain ? std::uint16_t{NFTA_CHAIN_NAME} : std::uint16_t{NFTA_RULE_CHAIN});
}

/// The process that made a generation of the rules, as the kernel numbers it.
std::uint32_t maker_of(const nlmsghdr& message) {
    std::uint32_t process = 0;
    each_attribute(message, [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == NFTA_GEN_PROC_PID) process = ntohl(mnl_attr_get_u32(attribute));
    });
    return process;
}

bool is_own_thread(std::uint32_t number) {
    return access(("/proc/self/task/" + std::to_string(number)).c_str(), F_OK) == 0;
}

}  // namespace

Result<RuleNews> RuleNews::open() {
    FLOCKER_TRY(NetlinkSocket netlink, NetlinkSocket::open(NETLINK_NETFILTER, group));
    if (setsockopt(netlink.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &news_bytes_max, sizeof news_bytes_max) != 0) {
        return system_failure("making room for news of rules", errno);
    }
    return RuleNews(std::move(netlink));
}

RuleNews::News RuleNews::read() {
    News news;
    std::vector<char> buffer(64 * 1024);
    for (;;) {
        const auto got = recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        // There was more news than room for it.
        if (got < 0 && errno == ENOBUFS) {
            news.tables = news.forwarding = true;
            continue;
        }
        if (got < 0) return news;
        int left = static_cast<int>(got);
        for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left)) {
            take_in(*message, news);
        }
    }
}

void RuleNews::take_in(const nlmsghdr& message, News& news) {
    if (message.nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || mnl_nlmsg_get_payload_len(&message) < sizeof(nfgenmsg)) return;
    const unsigned what = message.nlmsg_type & 0xffU;
    if (what == NFT_MSG_NEWGEN) {
        const News done = std::exchange(begun_, {});
        if ((!done.tables && !done.forwarding) || is_own_thread(maker_of(message))) return;
        news.tables = news.tables || done.tables;
        news.forwarding = news.forwarding || done.forwarding;
        news.by = text_of(message, NFTA_GEN_PROC_NAME);
        return;
    }
    const std::string table = text_of(message, table_attribute);
    if (table == "flocker") begun_.tables = true;
    const std::string chain = chain_of(message, what);
    const bool gone = what == NFT_MSG_DELTABLE && table == "filter";
    if (gone || (table == "filter" && (chain == "FORWARD" || chain == "DOCKER-USER"))) begun_.forwarding = true;
}

}  // namespace flocker::nftables
