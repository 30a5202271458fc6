// SPDX-License-Identifier: Apache-2.0
#include "manifest/image_reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "manifest/text.hpp"

namespace flocker::manifest {
namespace {

constexpr std::size_t name_bytes_max = 255;
constexpr std::size_t tag_bytes_max = 128;
constexpr std::size_t sha256_digits = 64;
constexpr std::size_t digest_digits_min = 32;

bool is_lower_or_digit(char c) {
    return is_lower(c) || is_digit(c);
}
bool is_lower_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f');
}

bool is_path_part(std::string_view part) {
    if (part.empty() || !is_lower_or_digit(part.front()) || !is_lower_or_digit(part.back())) return false;
    for (std::size_t at = 0; at < part.size();) {
        if (is_lower_or_digit(part[at])) {
            ++at;
            continue;
        }
        std::size_t end = at;
        while (!is_lower_or_digit(part[end])) ++end;
        const auto separator = part.substr(at, end - at);
        const bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
        if (separator != "." && separator != "_" && separator != "__" && !dashes) return false;
        at = end;
    }
    return true;
}

bool is_host(std::string_view text) {
    const auto colon = text.find(':');
    if (colon != std::string_view::npos) {
        const auto port = parse_plain_number(text.substr(colon + 1));
        if (!port || *port == 0 || *port > 65535) return false;
        text = text.substr(0, colon);
    }
    for (;;) {
        const auto label = text.substr(0, text.find('.'));
        if (label.empty() || !is_alphanumeric(label.front()) || !is_alphanumeric(label.back())) return false;
        if (!std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-'; }))
            return false;
        if (label.size() == text.size()) return true;
        text.remove_prefix(label.size() + 1);
    }
}

bool names_a_host(std::string_view part) {
    return part == "localhost" || part.find_first_of(".:") != std::string_view::npos;
}

std::optional<std::string_view> wrong_with_name(std::string_view name) {
    if (name.size() > name_bytes_max) return "its name is longer than 255 characters";
    if (name.size() == sha256_digits && std::all_of(name.begin(), name.end(), is_lower_hex)) {
        return "it is an image id, which other nodes can't look up";
    }
    const auto slash = name.find('/');
    if (slash != std::string_view::npos && names_a_host(name.substr(0, slash))) {
        if (!is_host(name.substr(0, slash))) return "what is before the first '/' is no host name";
        name.remove_prefix(slash + 1);
    }
    for (;;) {
        const auto part = name.substr(0, name.find('/'));
        if (std::any_of(part.begin(), part.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
            return "its name must be in lower case";
        }
        if (!is_path_part(part)) {
            return "its name is made of lower case letters and digits, joined by single '/', '.', '_' or by '-'";
        }
        if (part.size() == name.size()) return std::nullopt;
        name.remove_prefix(part.size() + 1);
    }
}

bool is_tag(std::string_view tag) {
    const auto is_word = [](char c) { return is_alphanumeric(c) || c == '_'; };
    return !tag.empty() && tag.size() <= tag_bytes_max && is_word(tag.front()) &&
           std::all_of(tag.begin(), tag.end(), [&](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool is_digest(std::string_view digest) {
    const auto colon = digest.find(':');
    if (colon == std::string_view::npos || colon == 0) return false;
    const auto algorithm = digest.substr(0, colon);
    const auto digits = digest.substr(colon + 1);
    if (algorithm == "sha256") {
        return digits.size() == sha256_digits && std::all_of(digits.begin(), digits.end(), is_lower_hex);
    }
    for (std::size_t at = 0; at < algorithm.size(); ++at) {
        const bool begins = at == 0 || !is_alphanumeric(algorithm[at - 1]);
        const bool joins = std::string_view("+._-").find(algorithm[at]) != std::string_view::npos;
        if (begins ? !is_letter(algorithm[at]) : !is_alphanumeric(algorithm[at]) && !joins) return false;
    }
    return is_alphanumeric(algorithm.back()) && digits.size() >= digest_digits_min &&
           std::all_of(digits.begin(), digits.end(), is_hex_digit);
}

}  // namespace

Result<std::string> parse_image_reference(std::string_view text) {
    const auto refuse = [&](std::string_view wrong) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{} is not an image, {}; write one like redis:7 or registry:5000/team/app:1.2",
                                shown(text), wrong));
    };
    if (text.empty()) return refuse("it is empty");
    const auto at_sign = text.find('@');
    auto name = text.substr(0, at_sign);
    const auto last_slash = name.rfind('/');
    const auto colon = name.find(':', last_slash == std::string_view::npos ? 0 : last_slash);
    const bool tagged = colon != std::string_view::npos;
    const auto tag = tagged ? name.substr(colon + 1) : std::string_view{};
    name = name.substr(0, colon);

    if (const auto wrong = wrong_with_name(name)) return refuse(*wrong);
    if (tagged && !is_tag(tag)) return refuse("its tag is made of letters, digits, '_', '.' and '-', at most 128");
    if (at_sign != std::string_view::npos) {
        if (!is_digest(text.substr(at_sign + 1))) return refuse("its digest must be sha256: and 64 digits from 0-9a-f");
        return std::string(text);
    }
    return tagged ? std::string(text) : std::string(text) + ":latest";
}

}  // namespace flocker::manifest
