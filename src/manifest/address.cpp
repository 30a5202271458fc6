// SPDX-License-Identifier: Apache-2.0
#include "manifest/address.hpp"

#include <algorithm>

#include "manifest/limits.hpp"
#include "manifest/text.hpp"

namespace flocker::manifest {
namespace {

constexpr std::size_t hostname_bytes_max = 253;

bool is_label(std::string_view label, bool (*accepts)(char)) {
    return !label.empty() && label.size() <= limits::name_bytes && is_alphanumeric(label.front()) &&
           is_alphanumeric(label.back()) && std::all_of(label.begin(), label.end(), accepts);
}

bool is_numeric(std::string_view text) {
    return std::all_of(text.begin(), text.end(), is_digit);
}

}  // namespace

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
    std::uint32_t address = 0;
    for (int part = 0; part < 4; ++part) {
        const auto end = part < 3 ? text.find('.') : text.size();
        if (end == std::string_view::npos) return std::nullopt;
        const auto number = parse_plain_number(text.substr(0, end));
        if (!number || *number > 255) return std::nullopt;
        address = address << 8 | static_cast<std::uint32_t>(*number);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return address;
}

bool is_hostname(std::string_view text) {
    if (text.size() > hostname_bytes_max) return false;
    for (;;) {
        const auto label = text.substr(0, text.find('.'));
        if (!is_label(label, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; })) return false;
        if (label.size() == text.size()) return !is_numeric(label);
        text.remove_prefix(label.size() + 1);
    }
}

bool is_dns_label(std::string_view text) {
    return is_label(text, [](char c) { return is_alphanumeric(c) || c == '-'; }) && !is_numeric(text);
}

}  // namespace flocker::manifest
