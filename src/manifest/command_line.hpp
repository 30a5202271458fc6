// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flocker::manifest {

/// A command in one text, in words as a shell would split it: at blanks, with '...', "..." and \.
/// No shell runs it, so what only a shell could do is refused unless it is quoted: variables,
/// pipes, redirections, several commands. `~`, `*` and `#` are plain characters.
/// Errors: invalid_argument; the message says what would be right and repeats no text.
[[nodiscard]] Result<std::vector<std::string>> split_command(std::string_view text);

}  // namespace flocker::manifest
