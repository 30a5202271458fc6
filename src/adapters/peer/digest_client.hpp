// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "adapters/posix/stream.hpp"
#include "ports/snapshot_digests.hpp"

namespace flocker::peer {

/// A snapshot of another node as a tree, for the control service. It is held there as long as this lives, or until
/// nothing was asked of it for five minutes. While a digest is made the listener is told at least every few seconds, so
/// that it can end this.
///
/// `connector` makes streams to that node and nobody else, with the certificate of the control service.
/// Errors: not_found, denied, unavailable (away, or a tree is held there for somebody already), timed_out;
/// invalid_argument
///         (an agent that is older and knows no digests).
[[nodiscard]] Result<std::unique_ptr<ports::HeldTree>> hold_tree(const posix::Connector& connector,
                                                                 const std::string& address, std::uint16_t port,
                                                                 const model::DatasetId& dataset,
                                                                 const model::SnapshotId& snapshot);

}  // namespace flocker::peer
