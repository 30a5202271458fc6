// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.hpp"
#include "setup/layout.hpp"

namespace flocker::setup {

/// The systemd unit that runs flockerd from `program` with this node's configuration. Stopping or restarting it
/// leaves containers alone: they are Docker's children, not ours.
[[nodiscard]] std::string service_unit(const std::string& program, const ConfigFolder& config);

/// Whether systemd runs this machine.
[[nodiscard]] bool systemd_runs();

/// Writes the unit, enables and starts it.
[[nodiscard]] Status install_service(const std::string& program, const ConfigFolder& config);

}  // namespace flocker::setup
