// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/mountinfo.hpp"

#include <charconv>

namespace flocker::btrfs {
namespace {

std::string_view take_word(std::string_view& line) {
    const auto end = line.find(' ');
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    return word;
}

bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

/// The kernel writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
    std::string plain;
    plain.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
            is_octal(text[i + 3])) {
            plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

}  // namespace

std::optional<MountLine> parse_mount_line(std::string_view line) {
    MountLine mount;
    const std::string_view id = take_word(line);
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), mount.id);
    if (error != std::errc{} || end != id.data() + id.size()) return std::nullopt;
    take_word(line);
    mount.device = take_word(line);
    mount.root = unescape(take_word(line));
    mount.point = unescape(take_word(line));
    take_word(line);
    if (mount.root.empty() || mount.point.empty()) return std::nullopt;
    for (std::string_view word = take_word(line); word != "-"; word = take_word(line)) {
        if (word.empty()) return std::nullopt;
        if (word.starts_with("shared:")) mount.shared = true;
    }
    return mount;
}

bool shows(std::string_view root, std::string_view path) {
    return root.starts_with(path) && (root.size() == path.size() || root[path.size()] == '/');
}

}  // namespace flocker::btrfs
