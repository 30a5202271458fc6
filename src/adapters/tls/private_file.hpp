// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace flocker::tls {

/// Writes a file that its owner alone may read (0600). Whoever opens `path` sees the old text or the
/// new one, whole; on success the new one survives a power loss. The folder must exist.
///
/// Repeating: replaces what was there.
/// Errors:    as posix::write_file_atomically.
[[nodiscard]] Status write_private(const std::string& path, std::string_view text);

}  // namespace flocker::tls
