// SPDX-License-Identifier: Apache-2.0
#include "cli/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flocker::cli {
namespace {

bool begins_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
}

}  // namespace

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string cut(std::string_view text, std::size_t width) {
    if (columns(text) <= width) return std::string(text);
    if (width == 0) return {};
    std::size_t end = 0;
    for (std::size_t left = width; end < text.size(); ++end) {
        if (begins_character(text[end]) && left-- == 1) break;
    }
    return std::string(text.substr(0, end)) + "…";
}

std::string padded(std::string_view text, std::size_t width) {
    const std::size_t used = columns(text);
    return std::string(text) + std::string(width > used ? width - used : 0, ' ');
}

std::string printable(std::string_view text) {
    std::string clean(text);
    std::ranges::replace_if(
        clean, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return clean;
}

std::string age_text(Duration age) {
    const auto seconds = std::max<std::int64_t>(to_ms(age), 0) / 1000;
    if (seconds < 1) return "now";
    if (seconds < 120) return fmt::format("{} s", seconds);
    if (seconds < 120 * 60) return fmt::format("{} min", seconds / 60);
    if (seconds < 48 * 3600) return fmt::format("{} h", seconds / 3600);
    return fmt::format("{} d", seconds / (24 * 3600));
}

std::string ports_text(const std::vector<model::Port>& ports) {
    std::string text;
    for (const auto& [internal, external, protocol] : ports) {
        text += text.empty() ? "" : ", ";
        if (internal != external) text += fmt::format("{}->", internal);
        text += to_text(model::ExternalPort(external, protocol));
    }
    return text;
}

std::string counted(std::size_t count, std::string_view noun) {
    return count == 1 ? fmt::format("one {}", noun) : fmt::format("{} {}s", count, noun);
}

}  // namespace flocker::cli
