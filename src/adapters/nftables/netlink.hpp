// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"

namespace flocker::nftables {

/// unavailable, with the operating system's reason.
[[nodiscard]] tl::unexpected<Error> system_failure(const std::string& what, int code);

/// A netlink socket, in the network namespace of the thread that opens it.
class NetlinkSocket {
public:
    /// `groups`: bits of what it is told without asking.
    [[nodiscard]] static Result<NetlinkSocket> open(int bus = NETLINK_NETFILTER, std::uint32_t groups = 0);

    [[nodiscard]] int fd() const { return mnl_socket_get_fd(socket_.get()); }
    [[nodiscard]] Status send(std::span<const char> messages) const;
    /// Sends, then reads until the message `sequence` is acknowledged or its dump has ended; `each`
    /// sees what it is answered before. Messages of other sequences are passed over.
    [[nodiscard]] Status ask(std::span<const char> messages, std::uint32_t sequence,
                             const std::function<void(const nlmsghdr&)>& each = {}) const;

private:
    struct Close {
        void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
    };
    explicit NetlinkSocket(mnl_socket* socket) : socket_(socket) {}
    std::unique_ptr<mnl_socket, Close> socket_;
};

/// Puts header and netfilter header of a message at the begin of `buffer`.
[[nodiscard]] nlmsghdr* begin_message(char* buffer, std::uint16_t type, std::uint16_t flags, std::uint32_t sequence,
                                      std::uint8_t family, std::uint16_t resource);

/// Calls `visit(const nlattr*)` for each attribute in the `bytes` from `first` on.
template <class Visit>
void each_attribute(const nlattr* first, std::size_t bytes, Visit visit) {
    const char* const end = reinterpret_cast<const char*>(first) + bytes;
    for (const nlattr* at = first; mnl_attr_ok(at, static_cast<int>(end - reinterpret_cast<const char*>(at)));
         at = mnl_attr_next(at)) {
        visit(at);
    }
}
/// The attributes of a message, behind its family's header: nfgenmsg, or what is said.
template <class Header = nfgenmsg, class Visit>
void each_attribute(const nlmsghdr& message, Visit visit) {
    constexpr std::size_t header = sizeof(Header);
    const auto* first = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, header));
    each_attribute(first, mnl_nlmsg_get_payload_len(&message) - header, visit);
}
/// The attributes inside of one.
template <class Visit>
void each_nested(const nlattr* nest, Visit visit) {
    each_attribute(static_cast<const nlattr*>(mnl_attr_get_payload(nest)), mnl_attr_get_payload_len(nest), visit);
}

}  // namespace flocker::nftables
