// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/tree_walk.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "adapters/btrfs/dataset_folder.hpp"
#include "adapters/btrfs/os_error.hpp"

namespace flocker::btrfs {
namespace {

/// A folder on the way from the root to where the walk is.
struct Level {
    std::vector<std::string> names;  ///< Still to be shown, the next one last.
    std::size_t path_size{0};        ///< Of the folder itself.
};

Result<Level> level_of(const posix::Fd& folder, const std::string& path) {
    auto names = names_in(folder);
    if (!names) return fail_in(shown_path(path), names.error());
    std::sort(names->begin(), names->end(), std::greater<>());
    return Level{*std::move(names), path.size()};
}

Result<posix::Fd> open_folder(const posix::Fd& from, const std::string& name, const std::string& path) {
    posix::Fd folder(::openat(from.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return fail_os(errno, "open " + shown_path(path));
    return folder;
}

}  // namespace

std::string shown_path(const std::string& path) {
    if (path.empty()) return "/";
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char letter : path) {
        const auto byte = static_cast<unsigned char>(letter);
        if (byte > 0x20 - 1 && byte < 0x7f && letter != '\\') {
            text += letter;
        } else {
            text += std::string("\\x") + digits[byte >> 4U] + digits[byte & 15U];
        }
    }
    return text;
}

Status walk_tree(const posix::Fd& root, const std::function<Status(const TreeEntry&)>& show) {
    std::string path;
    FLOCKER_TRY(posix::Fd folder, open_folder(root, ".", path));
    struct stat seen {};
    if (::fstat(folder.get(), &seen) != 0) return fail_os(errno, "look at /");
    const dev_t device = seen.st_dev;
    FLOCKER_CHECK_OK(show({folder, ".", path, seen}));
    std::vector<Level> levels;
    FLOCKER_TRY(Level first, level_of(folder, path));
    levels.push_back(std::move(first));
    while (!levels.empty()) {
        Level& level = levels.back();
        path.resize(level.path_size);
        if (level.names.empty()) {
            levels.pop_back();
            // Up by its name: one descriptor is enough, since nobody renames anything here.
            if (levels.empty()) break;
            FLOCKER_TRY(folder, open_folder(folder, "..", path));
            continue;
        }
        const std::string name = std::move(level.names.back());
        level.names.pop_back();
        path += (path.empty() ? "" : "/") + name;
        if (::fstatat(folder.get(), name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0)
            return fail_os(errno, "look at " + shown_path(path));
        FLOCKER_CHECK_OK(show({folder, name, path, seen}));
        if (!S_ISDIR(seen.st_mode) || seen.st_dev != device) continue;
        FLOCKER_TRY(folder, open_folder(folder, name, path));
        FLOCKER_TRY(Level below, level_of(folder, path));
        levels.push_back(std::move(below));
    }
    return {};
}

}  // namespace flocker::btrfs
