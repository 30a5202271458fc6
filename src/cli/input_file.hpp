// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/result.hpp"

namespace flocker::cli {

/// A file that a person names, whole.
/// Errors: not_found, invalid_argument (a folder, too large, a loop of links, a pipe that nobody writes into),
/// unavailable (may not be read); all name the path.
[[nodiscard]] Result<std::string> read_input_file(const std::string& path, std::size_t limit);

}  // namespace flocker::cli
