// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/netlink.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <system_error>
#include <vector>

namespace flocker::nftables {
namespace {

/// The kernel answers at once or not at all.
constexpr time_t answer_seconds_max = 5;

}  // namespace

tl::unexpected<Error> system_failure(const std::string& what, int code) {
    return fail(ErrorCode::unavailable, what + ": " + std::generic_category().message(code));
}

Result<NetlinkSocket> NetlinkSocket::open(int bus, std::uint32_t groups) {
    NetlinkSocket opened(mnl_socket_open2(bus, SOCK_CLOEXEC));
    if (!opened.socket_) return system_failure("opening a netlink socket", errno);
    if (mnl_socket_bind(opened.socket_.get(), groups, MNL_SOCKET_AUTOPID) < 0) {
        return system_failure("binding a netlink socket", errno);
    }
    const timeval limit{.tv_sec = answer_seconds_max, .tv_usec = 0};
    if (setsockopt(opened.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0) {
        return system_failure("limiting a netlink socket", errno);
    }
    return opened;
}

Status NetlinkSocket::send(std::span<const char> messages) const {
    if (mnl_socket_sendto(socket_.get(), messages.data(), messages.size()) < 0) {
        return system_failure("sending to the kernel", errno);
    }
    return {};
}

Status NetlinkSocket::ask(std::span<const char> messages, std::uint32_t sequence,
                          const std::function<void(const nlmsghdr&)>& each) const {
    FLOCKER_CHECK_OK(send(messages));
    std::vector<char> buffer(64 * 1024);
    for (;;) {
        const auto got = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_failure("reading from the kernel", errno);
        int left = static_cast<int>(got);
        for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left)) {
            if (message->nlmsg_seq != sequence) continue;
            if (message->nlmsg_type == NLMSG_ERROR) {
                const auto* answer = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
                if (answer->error != 0) return system_failure("the kernel refused", -answer->error);
                return {};
            } else if (message->nlmsg_type == NLMSG_DONE) {
                return {};
            } else if (each) {
                each(*message);
            }
        }
    }
}

nlmsghdr* begin_message(char* buffer, std::uint16_t type, std::uint16_t flags, std::uint32_t sequence,
                        std::uint8_t family, std::uint16_t resource) {
    nlmsghdr* message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = type;
    message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    message->nlmsg_seq = sequence;
    auto* netfilter = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
    netfilter->nfgen_family = family;
    netfilter->version = NFNETLINK_V0;
    netfilter->res_id = htons(resource);
    return message;
}

}  // namespace flocker::nftables
