// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "adapters/nftables/netlink.hpp"
#include "adapters/nftables/waiting_room.hpp"
#include "base/result.hpp"

namespace flocker::nftables {

enum class Verdict : std::uint8_t {
    accept,  ///< Goes on behind the rule that queued it.
    again,   ///< Meets the rules of that hook once more, as they are now.
    refuse,  ///< Meets them once more with the mark `refused_mark`, and with no other.
    drop,
};

/// The listener of an NFQUEUE: the only one; while there is none the kernel drops what is queued.
/// The kernel drops what it still holds when this goes.
class PacketQueue {
public:
    /// In the network namespace of the thread that calls. `kept_max`: how many packets without a verdict
    /// the caller keeps; the kernel drops what arrives when it holds a good many more.
    /// Errors: unavailable (another process listens, no right to).
    [[nodiscard]] static Result<PacketQueue> open(std::uint16_t number, std::size_t kept_max);

    /// Readable when packets have arrived.
    [[nodiscard]] int fd() const { return netlink_.fd(); }
    /// Those that have arrived; does not wait.
    [[nodiscard]] Result<std::vector<QueuedPacket>> arrived();
    /// When it returns, the packets have gone their way.
    [[nodiscard]] Status decide(std::span<const std::uint32_t> packets, Verdict verdict);

private:
    PacketQueue(NetlinkSocket netlink, std::uint16_t number) : netlink_(std::move(netlink)), number_(number) {}
    NetlinkSocket netlink_;
    std::uint16_t number_;
};

}  // namespace flocker::nftables
