// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "usage/shape.hpp"

namespace flocker::standby {

/// `flocker control status|takeover`, on a node, as root: `arguments` are the words after "control". The exit code: 0,
/// 1 (it failed), 2 (usage, or refused before anything was touched).
[[nodiscard]] int run_control(const std::vector<std::string>& arguments);

/// `flocker backup FILE|-` and `flocker restore FILE`, in the same way.
[[nodiscard]] int run_backup(const std::vector<std::string>& arguments);
[[nodiscard]] int run_restore(const std::vector<std::string>& arguments);

/// What they take.
[[nodiscard]] usage::CommandShape control_shape();
[[nodiscard]] usage::CommandShape backup_shape();
[[nodiscard]] usage::CommandShape restore_shape();

}  // namespace flocker::standby
