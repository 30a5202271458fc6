// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/message.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace flocker::http {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_word(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::optional<std::string_view> Headers::find(std::string_view name) const {
    const auto found = std::ranges::find_if(lines_, [&](const Header& line) { return same_word(line.name, name); });
    if (found == lines_.end()) return std::nullopt;
    return found->value;
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
    for (const Header& line : lines_) {
        if (!same_word(line.name, name)) continue;
        std::string_view rest = line.value;
        while (!rest.empty()) {
            const auto comma = rest.find(',');
            if (same_word(trimmed(rest.substr(0, comma)), token)) return true;
            rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
        }
    }
    return false;
}

void Headers::add(std::string name, std::string value) {
    lines_.push_back({std::move(name), std::move(value)});
}

void Headers::set(std::string_view name, std::string value) {
    const auto first = std::ranges::find_if(lines_, [&](const Header& line) { return same_word(line.name, name); });
    if (first == lines_.end()) return add(std::string(name), std::move(value));
    first->value = std::move(value);
    lines_.erase(
        std::remove_if(first + 1, lines_.end(), [&](const Header& line) { return same_word(line.name, name); }),
        lines_.end());
}

void Headers::erase(std::string_view name) {
    std::erase_if(lines_, [&](const Header& line) { return same_word(line.name, name); });
}

std::string_view reason(unsigned status) {
    static constexpr std::array<std::pair<unsigned, std::string_view>, 30> reasons{{
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Payload Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Entity"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    }};
    const auto found = std::ranges::find(reasons, status, &std::pair<unsigned, std::string_view>::first);
    return found == reasons.end() ? std::string_view{} : found->second;
}

std::string percent_encode(std::string_view text) {
    static constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += digits[byte >> 4U];
        encoded += digits[byte & 15U];
    }
    return encoded;
}

}  // namespace flocker::http
