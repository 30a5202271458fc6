// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/posix/fd.hpp"
#include "base/result.hpp"

namespace flocker::btrfs {

/// A small file in a dataset's folder. nullopt: there is none.
/// Errors: corrupt (longer than `most`), unavailable.
[[nodiscard]] Result<std::optional<std::string>> read_whole(const posix::Fd& folder, const std::string& name,
                                                            std::size_t most);
/// Crashing: the old or the new one is there, whole; after success the new one, also after a power loss.
[[nodiscard]] Status replace_whole(const posix::Fd& folder, const std::string& name, std::string_view text);

}  // namespace flocker::btrfs
