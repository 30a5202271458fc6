// SPDX-License-Identifier: Apache-2.0
//
// Small files, whole. Blocking: call from an adapter's thread, or before the loop runs.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace flocker::posix {

/// Errors: not_found, corrupt (longer than `limit` bytes), unavailable (everything else, with the
/// system's reason).
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t limit);

/// The file has the old text or the new one, whole, at any instant, and the new one for good once
/// this has returned. `path` becomes a file of its own with exactly `mode`, even if it was a link. One writer at a
/// time for a path: "<path>.new" is where the text is prepared.
///
/// Errors: unavailable (no such folder, disk full; the old text is untouched), timed_out (the new
///         text is there, but may not survive a power loss).
[[nodiscard]] Status write_file_atomically(const std::string& path, std::string_view text, mode_t mode);

/// Makes what was created, renamed and removed in the folder that holds `path` survive a power loss.
[[nodiscard]] Status sync_folder_of(const std::string& path);

}  // namespace flocker::posix
