// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "load/database.hpp"

namespace flocker::load {

/// Waits until the socket is ready for `events` (POLLIN, POLLOUT); false: not in this time.
[[nodiscard]] bool wait_for(int socket, short events, std::chrono::milliseconds patience);

/// A TCP connection, made within `target.patience`, without delay of small packets. When done,
/// `socket` is open, blocking, and the caller's to close.
[[nodiscard]] Attempt connect_tcp(const Target& target, int& socket);

/// What an errno means while a connection is new (before its first answer).
[[nodiscard]] Attempt while_new(int error);

}  // namespace flocker::load
