// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "adapters/nftables/conntrack.hpp"
#include "adapters/posix/fd.hpp"
#include "base/result.hpp"

namespace flocker::nftables {

/// Makes clients say something on connections that this node has forgotten.
///
/// A client that waits for an answer, or whose repetitions have become rare, would hear of it late or never. A first
/// packet from the server's address, in the middle of a connection, is answered by any TCP with an acknowledgement of
/// where it stands (RFC 5961, 4), and that by this node with a reset, since nobody here knows of such a connection.
/// No more than a try: what does not arrive, or is not answered, changes nothing.
class ClientPrompt {
public:
    /// For the network namespace of the calling thread.
    [[nodiscard]] static Result<ClientPrompt> open();
    void prompt(const std::vector<ClientSide>& clients) const;

private:
    explicit ClientPrompt(posix::Fd socket) : socket_(std::move(socket)) {}
    posix::Fd socket_;
};

}  // namespace flocker::nftables
