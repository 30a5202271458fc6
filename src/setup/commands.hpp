// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "usage/shape.hpp"

namespace flocker::setup {

/// `flocker init` and `flocker join`: `arguments` are the words after the command's own. The exit code: 0, 1 (it
/// failed), 2 (usage, or refused before anything was touched).
[[nodiscard]] int run_init(const std::vector<std::string>& arguments);
[[nodiscard]] int run_join(const std::vector<std::string>& arguments);

/// What they take.
[[nodiscard]] usage::CommandShape init_shape();
[[nodiscard]] usage::CommandShape join_shape();

}  // namespace flocker::setup
