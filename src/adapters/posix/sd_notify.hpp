// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/loop.hpp"

namespace flocker::posix {

/// Tells systemd: "READY=1", "STOPPING=1", "RELOADING=1", "WATCHDOG=1", "STATUS=…"; several lines at
/// once are allowed. Does nothing when it is not systemd that runs this process. Does not block.
/// Errors: unavailable.
[[nodiscard]] Status notify_systemd(std::string_view state);

/// How often systemd wants to hear "WATCHDOG=1" from this process at least; nullopt: it does not.
[[nodiscard]] std::optional<Duration> watchdog_limit();

/// From now on says "WATCHDOG=1" on the loop, twice as often as wanted: a loop that hangs is
/// restarted. Does nothing without a limit.
void keep_watchdog(ports::Loop& loop);

}  // namespace flocker::posix
