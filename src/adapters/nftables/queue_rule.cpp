// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/queue_rule.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>

#include <array>

#include "adapters/nftables/netlink.hpp"

namespace flocker::nftables {

Status add_queue_rule(const std::string& table, const std::string& chain, std::uint16_t queue) {
    FLOCKER_TRY(const NetlinkSocket netlink, NetlinkSocket::open());
    alignas(nlmsghdr) std::array<char, 1024> buffer{};
    char* at = buffer.data();
    // One number for all three: a failure is told of the message that caused it.
    constexpr std::uint32_t sequence = 1;

    at = static_cast<char*>(mnl_nlmsg_get_payload_tail(
        begin_message(at, NFNL_MSG_BATCH_BEGIN, 0, sequence, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)));

    nlmsghdr* rule = begin_message(at, (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWRULE,
                                   NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND, sequence, NFPROTO_IPV4, 0);
    mnl_attr_put_strz(rule, NFTA_RULE_TABLE, table.c_str());
    mnl_attr_put_strz(rule, NFTA_RULE_CHAIN, chain.c_str());
    nlattr* expressions = mnl_attr_nest_start(rule, NFTA_RULE_EXPRESSIONS);
    nlattr* expression = mnl_attr_nest_start(rule, NFTA_LIST_ELEM);
    mnl_attr_put_strz(rule, NFTA_EXPR_NAME, "target");
    nlattr* target = mnl_attr_nest_start(rule, NFTA_EXPR_DATA);
    mnl_attr_put_strz(rule, NFTA_TARGET_NAME, "NFQUEUE");
    mnl_attr_put_u32(rule, NFTA_TARGET_REV, htonl(0));
    // The kernel wants the size rounded up as x_tables does: to eight bytes.
    alignas(8) std::array<char, 8> options{};
    new (options.data()) xt_NFQ_info{queue};
    mnl_attr_put(rule, NFTA_TARGET_INFO, options.size(), options.data());
    mnl_attr_nest_end(rule, target);
    mnl_attr_nest_end(rule, expression);
    mnl_attr_nest_end(rule, expressions);
    at = static_cast<char*>(mnl_nlmsg_get_payload_tail(rule));

    at = static_cast<char*>(mnl_nlmsg_get_payload_tail(
        begin_message(at, NFNL_MSG_BATCH_END, 0, sequence, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)));
    auto added = netlink.ask({buffer.data(), static_cast<std::size_t>(at - buffer.data())}, sequence);
    if (!added)
        return fail_in("holding connections needs nft_queue or xt_NFQUEUE in the kernel", std::move(added).error());
    return {};
}

}  // namespace flocker::nftables
