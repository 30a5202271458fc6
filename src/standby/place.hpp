// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "manifest/daemon_config.hpp"
#include "model/control.hpp"

namespace flocker::standby {

/// Where the control service is: as this node's configuration says, or by what it has learned since.
/// Errors: corrupt (the file; with its path).
[[nodiscard]] Result<model::ControlPlace> read_place(const manifest::DaemonConfig& config);
/// Durable.
[[nodiscard]] Status write_place(const manifest::DaemonConfig& config, const model::ControlPlace& place);

/// Whether that is this node.
[[nodiscard]] bool is_here(const manifest::DaemonConfig& config, const model::ControlPlace& place);

}  // namespace flocker::standby
