// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace flocker::nftables {

/// Appends a rule to a chain of a table of family `ip` that gives every packet to NFQUEUE `queue`, and
/// drops it when nobody listens there. For kernels without nft's own queue statement: the rule uses
/// the x_tables target, as iptables-nft does; nft text has no words for that.
/// Errors: unavailable (this kernel can't queue at all).
[[nodiscard]] Status add_queue_rule(const std::string& table, const std::string& chain, std::uint16_t queue);

}  // namespace flocker::nftables
