// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/packet_queue.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "adapters/nftables/ruleset.hpp"

namespace flocker::nftables {
namespace {

/// An IPv4 header with all options, and what is read of the header behind it: the ports and TCP's sequence number.
constexpr std::uint32_t copied_bytes = 60 + 8;
/// Room for the messages of a full waiting room, as the kernel counts them.
constexpr int receive_buffer_bytes = 8 * 1024 * 1024;
/// For packets that have not been read yet, or whose verdict is on its way.
constexpr std::size_t kernel_packets_more = 1024;

constexpr std::uint16_t message_type(std::uint16_t what) {
    return static_cast<std::uint16_t>((NFNL_SUBSYS_QUEUE << 8) | what);
}

std::uint16_t read_u16(const std::uint8_t* at) {
    return static_cast<std::uint16_t>((at[0] << 8) | at[1]);
}
std::uint32_t read_u32(const std::uint8_t* at) {
    return (static_cast<std::uint32_t>(read_u16(at)) << 16) | read_u16(at + 2);
}

/// A first packet: whose, and where its client begins to count.
struct FirstPacket {
    Connection connection;
    std::uint32_t sequence{0};
};

std::optional<FirstPacket> read_first_packet(std::span<const std::uint8_t> packet) {
    constexpr std::size_t header_min = 20;
    if (packet.size() < header_min || packet[0] >> 4 != 4) return std::nullopt;
    const bool udp = packet[9] == IPPROTO_UDP;
    if (!udp && packet[9] != IPPROTO_TCP) return std::nullopt;
    const std::size_t header = static_cast<std::size_t>(packet[0] & 0x0f) * 4;
    if (header < header_min || packet.size() < header + 8) return std::nullopt;
    return FirstPacket{.connection = {.source = read_u32(&packet[12]),
                                      .destination = read_u32(&packet[16]),
                                      .source_port = read_u16(&packet[header]),
                                      .destination_port = read_u16(&packet[header + 2]),
                                      .protocol = udp ? model::Protocol::udp : model::Protocol::tcp},
                       .sequence = read_u32(&packet[header + 4])};
}

struct Arrival {
    std::uint32_t id{0};
    std::optional<FirstPacket> packet;
};

std::optional<Arrival> read_arrival(const nlmsghdr& message) {
    if (message.nlmsg_type != message_type(NFQNL_MSG_PACKET)) return std::nullopt;
    std::optional<Arrival> arrival;
    std::optional<FirstPacket> packet;
    each_attribute(message, [&](const nlattr* attribute) {
        if (mnl_attr_get_type(attribute) == NFQA_PACKET_HDR) {
            nfqnl_msg_packet_hdr header{};
            std::memcpy(&header, mnl_attr_get_payload(attribute), sizeof header);
            arrival = Arrival{ntohl(header.packet_id), std::nullopt};
        } else if (mnl_attr_get_type(attribute) == NFQA_PAYLOAD) {
            packet = read_first_packet({static_cast<const std::uint8_t*>(mnl_attr_get_payload(attribute)),
                                        mnl_attr_get_payload_len(attribute)});
        }
    });
    if (arrival) arrival->packet = packet;
    return arrival;
}

std::uint32_t kernel_verdict(Verdict verdict) {
    switch (verdict) {
        case Verdict::accept: return NF_ACCEPT;
        case Verdict::again:
        case Verdict::refuse: return NF_REPEAT;
        case Verdict::drop: return NF_DROP;
    }
    return NF_DROP;
}

}  // namespace

Result<PacketQueue> PacketQueue::open(std::uint16_t number, std::size_t kept_max) {
    FLOCKER_TRY(NetlinkSocket netlink, NetlinkSocket::open());
    const auto configure = [&](std::uint32_t sequence, std::uint16_t flags, const auto& put) {
        alignas(nlmsghdr) std::array<char, 256> buffer{};
        nlmsghdr* message =
            begin_message(buffer.data(), message_type(NFQNL_MSG_CONFIG), flags, sequence, AF_UNSPEC, number);
        put(message);
        const std::span<const char> bytes(buffer.data(), message->nlmsg_len);
        return (flags & NLM_F_ACK) != 0 ? netlink.ask(bytes, sequence) : netlink.send(bytes);
    };
    auto bound = configure(1, NLM_F_ACK, [](nlmsghdr* message) {
        const nfqnl_msg_config_cmd command{.command = NFQNL_CFG_CMD_BIND, ._pad = 0, .pf = htons(AF_INET)};
        mnl_attr_put(message, NFQA_CFG_CMD, sizeof command, &command);
    });
    if (!bound) {
        return fail_in(fmt::format("listening on packet queue {} (does another flockerd run here?)", number),
                       std::move(bound).error());
    }
    const auto kernel_packets_max = static_cast<std::uint32_t>(kept_max + kernel_packets_more);
    FLOCKER_CHECK_OK(configure(2, NLM_F_ACK, [&](nlmsghdr* message) {
        mnl_attr_put_u32(message, NFQA_CFG_QUEUE_MAXLEN, htonl(kernel_packets_max));
    }));
    const int fd = netlink.fd();
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_buffer_bytes, sizeof receive_buffer_bytes) != 0) {
        return system_failure("making room for held packets", errno);
    }
    // A full buffer drops the packet, which its client sends again; reading must not fail for it.
    const int on = 1;
    if (setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on) != 0) {
        return system_failure("making room for held packets", errno);
    }
    // From here on packets arrive, perhaps before an acknowledgement would: none is asked for.
    FLOCKER_CHECK_OK(configure(3, 0, [](nlmsghdr* message) {
        const nfqnl_msg_config_params params{.copy_range = htonl(copied_bytes), .copy_mode = NFQNL_COPY_PACKET};
        mnl_attr_put(message, NFQA_CFG_PARAMS, sizeof params, &params);
    }));
    return PacketQueue(std::move(netlink), number);
}

Result<std::vector<QueuedPacket>> PacketQueue::arrived() {
    std::vector<QueuedPacket> packets;
    std::vector<std::uint32_t> unreadable;
    std::array<char, 16 * 1024> buffer;  // NOLINT: filled by recv
    for (;;) {
        const auto got = recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) break;
        if (got < 0) return system_failure("reading held packets", errno);
        int left = static_cast<int>(got);
        for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left);
             message = mnl_nlmsg_next(message, &left)) {
            const auto arrival = read_arrival(*message);
            if (!arrival) continue;
            if (arrival->packet) {
                packets.push_back({arrival->id, arrival->packet->connection, arrival->packet->sequence});
            } else {
                unreadable.push_back(arrival->id);
            }
        }
    }
    FLOCKER_CHECK_OK(decide(unreadable, Verdict::drop));
    return packets;
}

Status PacketQueue::decide(std::span<const std::uint32_t> packets, Verdict verdict) {
    constexpr std::size_t at_once = 256;
    constexpr std::size_t message_bytes_max = 64;
    while (!packets.empty()) {
        const auto some = packets.first(std::min(packets.size(), at_once));
        packets = packets.subspan(some.size());
        alignas(nlmsghdr) std::array<char, at_once * message_bytes_max> buffer{};
        char* at = buffer.data();
        for (const std::uint32_t id : some) {
            nlmsghdr* message = begin_message(at, message_type(NFQNL_MSG_VERDICT), 0, 0, AF_UNSPEC, number_);
            const nfqnl_msg_verdict_hdr header{.verdict = htonl(kernel_verdict(verdict)), .id = htonl(id)};
            mnl_attr_put(message, NFQA_VERDICT_HDR, sizeof header, &header);
            if (verdict == Verdict::refuse) mnl_attr_put_u32(message, NFQA_MARK, htonl(refused_mark));
            at = static_cast<char*>(mnl_nlmsg_get_payload_tail(message));
        }
        FLOCKER_CHECK_OK(netlink_.send({buffer.data(), static_cast<std::size_t>(at - buffer.data())}));
    }
    return {};
}

}  // namespace flocker::nftables
