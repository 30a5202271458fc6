// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/client_prompt.hpp"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "adapters/nftables/netlink.hpp"

namespace flocker::nftables {
namespace {

struct FirstPacket {
    iphdr ip{};
    tcphdr tcp{};
};

/// What TCP's checksum covers beside the segment.
struct PseudoHeader {
    std::uint32_t source;
    std::uint32_t destination;
    std::uint16_t protocol;
    std::uint16_t length;
};

template <class Part>
std::uint32_t sum_of(const Part& part) {
    static_assert(sizeof part % sizeof(std::uint16_t) == 0);
    std::uint16_t words[sizeof part / sizeof(std::uint16_t)];
    std::memcpy(words, &part, sizeof part);
    std::uint32_t sum = 0;
    for (const std::uint16_t word : words) sum += word;
    return sum;
}

std::uint16_t folded(std::uint32_t sum) {
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

/// The kernel fills in the rest of the IP header.
FirstPacket first_packet(const ClientSide& connection) {
    FirstPacket packet;
    packet.ip.version = 4;
    packet.ip.ihl = sizeof packet.ip / 4;
    packet.ip.ttl = IPDEFTTL;
    packet.ip.protocol = IPPROTO_TCP;
    packet.ip.saddr = connection.server;
    packet.ip.daddr = connection.client;
    packet.tcp.source = connection.server_port;
    packet.tcp.dest = connection.client_port;
    packet.tcp.doff = sizeof packet.tcp / 4;
    packet.tcp.syn = 1;
    const PseudoHeader pseudo{connection.server, connection.client, htons(IPPROTO_TCP), htons(sizeof packet.tcp)};
    packet.tcp.check = folded(sum_of(pseudo) + sum_of(packet.tcp));
    return packet;
}

}  // namespace

Result<ClientPrompt> ClientPrompt::open() {
    posix::Fd made(socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW));
    if (!made) return system_failure("opening a raw socket", errno);
    return ClientPrompt(std::move(made));
}

void ClientPrompt::prompt(const std::vector<ClientSide>& clients) const {
    for (const ClientSide& connection : clients) {
        const FirstPacket packet = first_packet(connection);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = connection.client;
        static_cast<void>(sendto(socket_.get(), &packet, sizeof packet, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to));
    }
}

}  // namespace flocker::nftables
