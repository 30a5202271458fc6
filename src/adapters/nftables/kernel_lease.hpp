// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "adapters/nftables/netlink.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::nftables {

/// The element that is the lease, in our tables (ruleset.hpp). The kernel takes it out when its time is
/// over, at most a tick early and never late. That clock stands still while the machine itself does.
/// Blocking, some 50 µs; one thread at a time, any.
class KernelLease {
public:
    /// In the network namespace of the thread that calls. `bridged`: there is a table `bridge flocker`.
    [[nodiscard]] static Result<KernelLease> open(bool bridged);

    /// So long from the moment at which the kernel takes it, whether it runs or not and however long;
    /// in one step, without a gap. Less than 20 ms: it has run out. Errors: unavailable (no such tables),
    /// and all is as it was.
    [[nodiscard]] Status run_for(Duration duration);

private:
    KernelLease(NetlinkSocket netlink, bool bridged) : netlink_(std::move(netlink)), bridged_(bridged) {}
    [[nodiscard]] Status replace(std::uint64_t milliseconds);

    /// Kept open: closing one waits until nftables has cleaned up after its last transaction.
    NetlinkSocket netlink_;
    bool bridged_;
    std::uint32_t sequence_{0};
};

}  // namespace flocker::nftables
