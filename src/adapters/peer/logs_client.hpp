// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "adapters/posix/stream.hpp"
#include "model/ids.hpp"
#include "ports/byte_stream.hpp"

namespace flocker::peer {

/// The output of an application on the node that runs it, for the control service. Blocks until all
/// has come, and with `follow` until the sink fails. While there is nothing new the sink is called
/// with no bytes every few seconds, so that it can end this.
///
/// `connector` makes streams to that node and nobody else, with the certificate of the control service.
/// Errors: not_found (no container of the application there), denied, unavailable, timed_out;
///         whatever the sink returned.
[[nodiscard]] Status fetch_logs(const posix::Connector& connector, const std::string& address, std::uint16_t port,
                                const model::ApplicationName& application, std::uint32_t tail_lines, bool follow,
                                const ports::Sink& sink);

}  // namespace flocker::peer
