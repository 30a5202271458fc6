// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include "adapters/posix/fd.hpp"
#include "base/result.hpp"

namespace flocker::btrfs {

/// One name of a tree.
struct TreeEntry {
    const posix::Fd& folder;  ///< That it lies in; of the root: itself.
    const std::string& name;  ///< In there; of the root ".".
    const std::string& path;  ///< From the root on, without a slash before; of the root empty.
    const struct stat& seen;
};

/// Shows every entry of a tree that nobody changes: the root first, each folder before what is in it, names in the
/// order of their bytes. Follows no symbolic link and leaves the file system nowhere. Takes two descriptors, however
/// deep it goes. Errors: unavailable, with the path; whatever `show` returned.
[[nodiscard]] Status walk_tree(const posix::Fd& root, const std::function<Status(const TreeEntry&)>& show);

/// What is not printable ASCII, or a backslash, as \xNN; the root as "/".
[[nodiscard]] std::string shown_path(const std::string& path);

}  // namespace flocker::btrfs
