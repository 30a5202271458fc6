// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "protocol/agent.hpp"
#include "protocol/control.hpp"

namespace flocker::driver {

/// One line for each thing that a machine does or learns: the daemon logs it, the simulator hashes it
/// and tells its story by it. Never holds the value of an environment variable.
using Trace = std::function<void(const std::string& line)>;

[[nodiscard]] std::string describe(const model::DatasetAction& action);
[[nodiscard]] std::string describe(const model::ContainerAction& action);
[[nodiscard]] std::string describe(const model::RouteTable& table);
[[nodiscard]] std::string describe(const model::Change& change);
/// Empty: not worth a line (reports, looks).
[[nodiscard]] std::string describe(const protocol::Agent::Effect& effect);
[[nodiscard]] std::string describe(const protocol::Control::Effect& effect);

}  // namespace flocker::driver
