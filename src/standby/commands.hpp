// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace flocker::standby {

/// `flocker control status|takeover`, on a node, as root: `arguments` are the words after "control". The exit code: 0,
/// 1 (it failed), 2 (usage, or refused before anything was touched).
[[nodiscard]] int run_control(const std::vector<std::string>& arguments);

}  // namespace flocker::standby
