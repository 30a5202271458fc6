// SPDX-License-Identifier: Apache-2.0
//
// Characters of ASCII, whatever the locale, and text for messages.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace flocker::manifest {

[[nodiscard]] constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
[[nodiscard]] constexpr bool is_letter(char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}
[[nodiscard]] constexpr bool is_alphanumeric(char c) {
    return is_letter(c) || is_digit(c);
}
[[nodiscard]] constexpr bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
[[nodiscard]] constexpr bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

[[nodiscard]] std::string to_lower(std::string_view text);

/// A whole number in its one plain form: digits, no sign, no leading zero.
[[nodiscard]] std::optional<std::uint64_t> parse_plain_number(std::string_view text);

/// Text from a file for a message: in single quotes, control characters escaped, long text cut.
[[nodiscard]] std::string shown(std::string_view text);

/// The candidate that `word` is probably a slip of; nullopt if none is near.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

/// "a, b and c"
[[nodiscard]] std::string enumerated(std::span<const std::string_view> words);

}  // namespace flocker::manifest
