// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace flocker::contract {

/// A tree in words, one line an entry: type, mode, owner, times, size, device, attributes, which
/// entries are the same file, targets and content. Equal texts: equal trees.
[[nodiscard]] std::string tree_text(const std::filesystem::path& root);

}  // namespace flocker::contract
