// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "doctor/facts.hpp"

namespace flocker::doctor {

/// Looks at this machine and, if it is a node, asks the others; changes nothing. Takes a few seconds at most for what
/// does not answer. What can't be looked at is left out, or is a fault among the facts.
[[nodiscard]] Facts gather(const std::string& config_folder);

}  // namespace flocker::doctor
