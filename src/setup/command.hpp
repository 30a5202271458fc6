// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace flocker::setup {

/// Runs a program and waits for it. What it wrote to stdout; on failure unavailable, with the last
/// line of its stderr.
[[nodiscard]] Result<std::string> run_command(const std::vector<std::string>& words);

}  // namespace flocker::setup
