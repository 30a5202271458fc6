// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/kernel_lease.hpp"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <string>

#include "adapters/nftables/ruleset.hpp"

namespace flocker::nftables {
namespace {

/// The kernel counts in ticks, of 10 ms at most; to some kernels an element of less than one has no end.
constexpr Duration shortest = 20ms;

/// Messages of one transaction, one behind the other.
class Batch {
public:
    explicit Batch(std::uint32_t sequence) : sequence_(sequence) {
        end_of(begin_message(at_, NFNL_MSG_BATCH_BEGIN, 0, sequence_, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
    }

    void add(std::uint8_t family, std::uint64_t milliseconds) {
        put(NFT_MSG_NEWSETELEM, NLM_F_CREATE, family, milliseconds);
    }
    void remove(std::uint8_t family) { put(NFT_MSG_DELSETELEM, 0, family, 0); }

    /// To be sent once. The kernel acknowledges the last message, or refuses one and so all of them.
    [[nodiscard]] std::span<const char> close() {
        last_->nlmsg_flags |= NLM_F_ACK;
        end_of(begin_message(at_, NFNL_MSG_BATCH_END, 0, sequence_, AF_UNSPEC, NFNL_SUBSYS_NFTABLES));
        return {buffer_.data(), static_cast<std::size_t>(at_ - buffer_.data())};
    }

private:
    void put(std::uint16_t type, std::uint16_t flags, std::uint8_t family, std::uint64_t milliseconds) {
        // One number for all: a failure is told of the message that caused it.
        last_ = begin_message(at_, static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type), flags, sequence_,
                              family, 0);
        mnl_attr_put_strz(last_, NFTA_SET_ELEM_LIST_TABLE, "flocker");
        mnl_attr_put_strz(last_, NFTA_SET_ELEM_LIST_SET, std::string(lease_set).c_str());
        nlattr* elements = mnl_attr_nest_start(last_, NFTA_SET_ELEM_LIST_ELEMENTS);
        nlattr* element = mnl_attr_nest_start(last_, NFTA_LIST_ELEM);
        nlattr* key = mnl_attr_nest_start(last_, NFTA_SET_ELEM_KEY);
        mnl_attr_put_u16(last_, NFTA_DATA_VALUE, htons(lease_key));
        mnl_attr_nest_end(last_, key);
        if (milliseconds != 0) mnl_attr_put_u64(last_, NFTA_SET_ELEM_TIMEOUT, htobe64(milliseconds));
        mnl_attr_nest_end(last_, element);
        mnl_attr_nest_end(last_, elements);
        end_of(last_);
    }
    void end_of(nlmsghdr* message) { at_ = static_cast<char*>(mnl_nlmsg_get_payload_tail(message)); }

    std::uint32_t sequence_;
    alignas(nlmsghdr) std::array<char, 2048> buffer_{};
    char* at_{buffer_.data()};
    nlmsghdr* last_{nullptr};
};

}  // namespace

Result<KernelLease> KernelLease::open(bool bridged) {
    FLOCKER_TRY(NetlinkSocket netlink, NetlinkSocket::open());
    return KernelLease(std::move(netlink), bridged);
}

Status KernelLease::run_for(Duration duration) {
    const std::uint64_t milliseconds = duration < shortest ? 0 : static_cast<std::uint64_t>(to_ms(duration));
    if (replace(milliseconds)) return {};
    // The old element may have run out between the two steps of its replacement.
    return replace(milliseconds);
}

/// To add what is there already would not touch its time, and to remove what is not there would fail.
Status KernelLease::replace(std::uint64_t milliseconds) {
    constexpr std::uint64_t until_removed = 1000;
    Batch batch(++sequence_);
    for (const std::uint8_t family : {std::uint8_t{NFPROTO_IPV4}, std::uint8_t{NFPROTO_BRIDGE}}) {
        if (family == NFPROTO_BRIDGE && !bridged_) continue;
        batch.add(family, until_removed);
        batch.remove(family);
        if (milliseconds != 0) batch.add(family, milliseconds);
    }
    if (auto done = netlink_.ask(batch.close(), sequence_); !done) return fail_in("the lease", std::move(done).error());
    return {};
}

}  // namespace flocker::nftables
