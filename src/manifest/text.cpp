// SPDX-License-Identifier: Apache-2.0
#include "manifest/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <vector>

#include "manifest/limits.hpp"

namespace flocker::manifest {
namespace {

/// Letters to insert, drop, change or swap with the next to make one word of the other.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::vector<std::size_t> next(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        next[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            next[j + 1] = std::min({row[j + 1] + 1, next[j] + 1, row[j] + (a[i] == b[j] ? 0u : 1u)});
            if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) {
                next[j + 1] = std::min(next[j + 1], before[j - 1] + 1);
            }
        }
        std::swap(before, row);
        std::swap(row, next);
    }
    return row[b.size()];
}

}  // namespace

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (auto& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

std::optional<std::uint64_t> parse_plain_number(std::string_view text) {
    if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string shown(std::string_view text) {
    std::string_view kept = text;
    if (kept.size() > limits::shown_bytes) {
        std::size_t size = limits::shown_bytes;
        const auto is_continuation = [&](std::size_t at) {
            return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
        };
        while (size > 0 && is_continuation(size)) --size;
        kept = text.substr(0, size);
    }
    std::string out = "'";
    for (std::size_t at = 0; at < kept.size(); ++at) {
        const auto byte = static_cast<unsigned char>(kept[at]);
        // U+0080 to U+009F: a terminal obeys them too.
        const bool c1 = byte == 0xC2 && at + 1 < kept.size() && static_cast<unsigned char>(kept[at + 1]) < 0xA0;
        if (is_control(kept[at])) {
            out += fmt::format("\\x{:02x}", byte);
        } else if (c1) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(kept[++at]));
        } else {
            out += kept[at];
        }
    }
    return out + (kept.size() < text.size() ? "...'" : "'");
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
    if (word.size() > limits::suggestion_bytes || candidates.size() > limits::suggestions) return std::nullopt;
    const auto lower = to_lower(word);
    std::optional<std::string_view> best;
    std::size_t best_distance = word.size() < 4 ? 2 : 3;
    for (const auto candidate : candidates) {
        const auto found = distance(lower, to_lower(candidate));
        if (found < best_distance && found < candidate.size()) {
            best = candidate;
            best_distance = found;
        }
    }
    return best;
}

std::string enumerated(std::span<const std::string_view> words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) out += i + 1 == words.size() ? " and " : ", ";
        out += words[i];
    }
    return out;
}

}  // namespace flocker::manifest
