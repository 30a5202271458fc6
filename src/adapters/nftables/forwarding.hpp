// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.hpp"

namespace flocker::nftables {

/// What this node's kernel needs besides our table to pass translated connections on: forwarding,
/// 127.0.0.1 as a source towards containers, and leave from the FORWARD chain where Docker (or
/// anybody) made its policy DROP. Through the iptables binary: a native nft rule in Docker's chains
/// would make iptables, and with it dockerd, refuse them.
///
/// Blocks, about 20 ms where there is Docker. Repeating: changes nothing that is right already.
/// What had to be put right, in words; empty: nothing. Errors: unavailable.
[[nodiscard]] Result<std::string> ensure_forwarding();
/// Takes back the leave in the FORWARD chain. The sysctls stay: others may rely on them by now.
void withdraw_forwarding();

}  // namespace flocker::nftables
