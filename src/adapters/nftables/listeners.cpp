// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/listeners.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>
#include <system_error>

namespace flocker::nftables {
namespace {

using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr auto client_time = std::chrono::seconds(10);

/// The numbers that clients get who ask for none.
std::pair<unsigned, unsigned> client_numbers() {
    unsigned first = 32768;
    unsigned last = 60999;
    std::ifstream("/proc/sys/net/ipv4/ip_local_port_range") >> first >> last;
    return {first, last};
}

/// "socket:[4711]" -> 4711; 0: no socket.
std::uint32_t inode_of(const std::string& link) {
    constexpr std::string_view opening = "socket:[";
    std::uint32_t inode = 0;
    if (link.starts_with(opening)) std::from_chars(link.data() + opening.size(), link.data() + link.size(), inode);
    return inode;
}

/// Which processes have these sockets. Who ends meanwhile has none.
std::map<std::uint32_t, std::string> owners_of(const std::set<std::uint32_t>& inodes) {
    std::map<std::uint32_t, std::string> owners;
    std::error_code error;
    for (const auto& process : fs::directory_iterator("/proc", error)) {
        if (owners.size() == inodes.size()) break;
        const std::string number = process.path().filename().string();
        if (number.find_first_not_of("0123456789") != std::string::npos) continue;
        fs::directory_iterator files(process.path() / "fd", error);
        for (; !error && files != fs::directory_iterator(); files.increment(error)) {
            std::error_code gone;
            const std::uint32_t inode = inode_of(fs::read_symlink(files->path(), gone).string());
            if (inode == 0 || !inodes.contains(inode) || owners.contains(inode)) continue;
            std::getline(std::ifstream(process.path() / "comm"), owners[inode]);
        }
        error.clear();
    }
    return owners;
}

}  // namespace

Result<Listeners> Listeners::open() {
    FLOCKER_TRY(NetlinkSocket netlink, NetlinkSocket::open(NETLINK_SOCK_DIAG));
    return Listeners(std::move(netlink));
}

Status Listeners::list(std::uint8_t family, model::Protocol protocol, std::vector<Socket>& sockets) {
    const bool tcp = protocol == model::Protocol::tcp;
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* dump = mnl_nlmsg_put_header(buffer.data());
    dump->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    dump->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    dump->nlmsg_seq = ++sequence_;
    auto* request = static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(dump, sizeof(inet_diag_req_v2)));
    request->sdiag_family = family;
    request->sdiag_protocol = tcp ? IPPROTO_TCP : IPPROTO_UDP;
    // A UDP socket that is connected to one peer is a client's.
    request->idiag_states = 1U << (tcp ? TCP_LISTEN : TCP_CLOSE);
    return netlink_.ask({buffer.data(), dump->nlmsg_len}, sequence_, [&](const nlmsghdr& message) {
        if (mnl_nlmsg_get_payload_len(&message) < sizeof(inet_diag_msg)) return;
        const auto* socket = static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(&message));
        const std::uint16_t number = ntohs(socket->id.idiag_sport);
        if (number != 0) sockets.push_back({number, protocol, socket->idiag_inode});
    });
}

void Listeners::find_out(const std::vector<Socket>& sockets) {
    std::set<std::uint32_t> unknown;
    for (const Socket& socket : sockets) {
        if (!known_.contains(socket) && socket.inode != 0) unknown.insert(socket.inode);
    }
    const auto owners = unknown.empty() ? std::map<std::uint32_t, std::string>{} : owners_of(unknown);
    std::map<Socket, Known> known;
    for (const Socket& socket : sockets) {
        const auto before = known_.find(socket);
        const auto owner = owners.find(socket.inode);
        known.emplace(socket, before != known_.end() ? before->second
                                                     : Known{owner == owners.end() ? "" : owner->second, Clock::now()});
    }
    known_ = std::move(known);
}

Result<std::vector<model::TakenPort>> Listeners::find() {
    std::vector<Socket> sockets;
    for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
        for (const model::Protocol protocol : {model::Protocol::tcp, model::Protocol::udp}) {
            const Status listed = list(family, protocol, sockets);
            // A kernel without IPv6, or without this way to ask about a protocol, has nothing to tell of it.
            if (!listed && family == AF_INET && protocol == model::Protocol::tcp) return tl::unexpected(listed.error());
        }
    }
    find_out(sockets);
    const auto [first, last] = client_numbers();
    const auto now = Clock::now();
    std::vector<model::TakenPort> taken;
    for (const auto& [socket, known] : known_) {
        const bool clients = socket.protocol == model::Protocol::udp && socket.number >= first && socket.number <= last;
        if (clients && now - known.since < client_time) continue;
        taken.push_back({socket.number, socket.protocol, known.by});
    }
    std::ranges::sort(taken);
    const auto same = std::ranges::unique(taken, [](const auto& a, const auto& b) {
        return a.number == b.number && a.protocol == b.protocol;
    });
    taken.erase(same.begin(), same.end());
    if (taken.size() > listeners_max) taken.resize(listeners_max);
    return taken;
}

}  // namespace flocker::nftables
