// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::docker {

/// What is known of a port's protocol: some servers accept connections before they serve.
enum class Protocol : std::uint8_t { postgres, redis, unknown };
[[nodiscard]] Protocol protocol_of(std::uint16_t port);

/// Whether a server that answered so serves. `answer` is the beginning of what it said; empty: it closed
/// the connection in good order, as one does that speaks TLS only, and none that is starting up.
[[nodiscard]] bool postgres_serves(std::string_view answer);
[[nodiscard]] bool redis_serves(std::string_view answer);

/// Whether the kernel's table of UDP sockets (/proc/<pid>/net/udp, udp6) has one that is bound to this port.
[[nodiscard]] bool has_socket_at(std::istream& table, std::uint16_t port);
/// Whether in the network of this process somebody listens for datagrams at the port. Nothing is sent there: what
/// listens for datagrams answers only to what it understands.
[[nodiscard]] bool listens_for_datagrams(int pid, std::uint16_t port);

/// Asks once. Errors: unavailable (with what it said or did), timed_out (`limit` is for each step).
[[nodiscard]] Status ask_whether_ready(const std::string& address, std::uint16_t port, Protocol protocol,
                                       Duration limit);

}  // namespace flocker::docker
