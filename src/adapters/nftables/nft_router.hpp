// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "adapters/nftables/kernel_lease.hpp"
#include "adapters/nftables/lease_thread.hpp"
#include "adapters/nftables/listeners_thread.hpp"
#include "adapters/nftables/waiting_room.hpp"
#include "base/result.hpp"
#include "ports/loop.hpp"
#include "ports/router.hpp"

namespace flocker::nftables {

/// Routes in the kernel (nftables), held connections in its packet queue. Data does not pass through
/// this process, but for clients that come by IPv6.
///
/// Of a held connection the kernel keeps the first packet until the release; it then meets the routes
/// as if it came in that moment, with its client's address. One that finds too many waiting before it,
/// or has waited too long (WaitingBounds), is refused: a TCP reset, which its client sees as ECONNREFUSED.
/// A client that asks again while it waits is the same connection; one that was refused and comes again
/// is a new one. Of a port that stays held without us (the process died) the kernel drops first packets:
/// clients ask again each second or more, and the time begins when we are back.
///
/// Of UDP each datagram to a held port waits, and goes on in the order in which they came; beyond the bounds it is
/// dropped. The datagrams of a steady flow go to the new target from then on: the kernel forgets where it sent them.
///
/// An open connection whose target is gone is forgotten: what its client says next meets the new route, and is
/// answered with a reset there. So that it says something, it gets a packet that belongs to nothing (ClientPrompt).
///
/// By IPv6, where the node has it, TCP ports answer as well, through a proxy in this process (SixProxy).
///
/// Kept: the client's address, towards a container of this node. Replaced by this node's: towards
/// another node; when client and container are on one bridge; when the client used 127.0.0.1, or IPv6.
///
/// The lease is an element with a timeout in the kernel's table. Without it, packets from and to the address
/// of a leased container are dropped, and nobody is told: on whatever way they are routed (from outside, from
/// another node, from this node itself, from another container through this node's address), and from one
/// container to another across their bridge. It does not depend on a process. One that opens takes it over as
/// it is; a table made anew (at boot, or because somebody removed it) has none until the next extend_lease().
/// Not cut off: IPv6, which our network does not have; who shares the container's own network namespace;
/// what somebody else offloads past the kernel's hooks (flowtables, XDP). On a kernel without nftables for
/// bridges, packets from container to container across a bridge, unless br_netfilter shows them to us.
/// A container stays cut off only as long as the table names it as a leased target: who takes it out of the
/// table has stopped it before. An agent's own questions to a leased container need the lease as well.
///
/// Threads: open() blocks, in the network namespace that the router is for. It owns three threads: what
///          changes routes may wait for others (iptables' lock), the lease must not wait with it, and neither of
///          them for a look at all processes.
/// Limits:  the bounds count all held ports together. Beyond them the kernel keeps a thousand first
///          packets that are not looked at yet, and drops more; their clients ask again.
class NftRouter final : public ports::Router {
public:
    /// Takes over the routes that an earlier process left, held ports included. `loop` outlives it.
    /// Errors: unavailable (rights, kernel, or another router in this network namespace).
    [[nodiscard]] static Result<std::unique_ptr<NftRouter>> open(ports::Loop& loop, WaitingBounds bounds = {});
    /// Ends what was asked for; the routes stay.
    ~NftRouter() override;
    NftRouter(const NftRouter&) = delete;
    NftRouter& operator=(const NftRouter&) = delete;

    /// In the order of the calls. Errors: invalid_argument (an address or port), unavailable. After
    /// an error connections wait as before; apply again.
    void apply(const model::RouteTable& table, Done<void> done) override;
    /// In the order of the calls, each replaces the one before; one small transaction. Errors: timed_out (it was
    /// over before the kernel had it), unavailable (the lease is as before. If our tables were gone, they are made
    /// anew, without the lease: extend again).
    void extend_lease(Instant until, Done<void> done) override;
    /// Puts right what others changed: our tables, sysctls, Docker's FORWARD policy after a restart of
    /// Docker. Also happens by itself when the kernel tells of such a change, and every half a minute.
    void ensure(Done<void> done);
    void watch(std::function<void(const std::string& found)> told) override;
    /// Sockets in this network namespace, with the names of their processes as far as /proc shows them.
    void find_taken(Done<std::vector<model::TakenPort>> done) override;

    struct Counters {
        std::uint64_t transactions{0};  ///< Changes of the kernel's table since open().
        std::uint64_t waiting{0};       ///< Connections that wait now.
        std::uint64_t released{0};      ///< Connections that waited and were let go, since open().
        std::uint64_t refused{0};       ///< Connections for which there was no room or no time left, since open().
        std::uint64_t dropped{0};       ///< The same of datagrams.
    };
    /// From any thread.
    [[nodiscard]] Counters counters() const;

    /// Removes all routes and rules from the network namespace of the calling thread; blocks. For a node
    /// that leaves its cluster. No router may be open there. Done again it succeeds.
    [[nodiscard]] static Status remove_everything();

private:
    class Worker;
    NftRouter(std::unique_ptr<Worker> worker, ports::Loop& loop, KernelLease lease, Listeners listeners);
    ports::Loop& loop_;
    std::unique_ptr<Worker> worker_;
    LeaseThread lease_;  ///< Asks the worker.
    ListenersThread listeners_;
};

}  // namespace flocker::nftables
