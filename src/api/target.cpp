// SPDX-License-Identifier: Apache-2.0
#include "api/target.hpp"

#include <fmt/format.h>

#include <charconv>

namespace flocker::api {
namespace {

enum class Plus : bool { is_itself, is_space };

Result<std::string> decoded(std::string_view text, Plus plus) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '+' && plus == Plus::is_space) {
            plain += ' ';
        } else if (text[at] != '%') {
            plain += text[at];
        } else {
            unsigned byte = 0;
            const std::string_view digits = text.substr(at + 1, 2);
            const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
            if (digits.size() != 2 || error != std::errc{} || end != digits.data() + 2) {
                return fail(ErrorCode::invalid_argument,
                            "the request's target has a % without two hexadecimal digits after it");
            }
            plain += static_cast<char>(byte);
            at += 2;
        }
    }
    return plain;
}

/// Calls `each` with every part of `text` between separators, empty ones left out.
template <class Each>
Status split(std::string_view text, char separator, const Each& each) {
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        if (end > 0) FLOCKER_CHECK_OK(each(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return {};
}

}  // namespace

Result<Target> parse_target(std::string_view text) {
    if (!text.starts_with('/')) return fail(ErrorCode::invalid_argument, "the request's target is not a path");
    Target target;
    const auto question = std::min(text.find('?'), text.size());
    FLOCKER_CHECK_OK(split(text.substr(0, question), '/', [&](std::string_view part) -> Status {
        FLOCKER_TRY(std::string segment, decoded(part, Plus::is_itself));
        target.segments.push_back(std::move(segment));
        return {};
    }));
    if (question == text.size()) return target;
    FLOCKER_CHECK_OK(split(text.substr(question + 1), '&', [&](std::string_view part) -> Status {
        const auto equals = std::min(part.find('='), part.size());
        FLOCKER_TRY(std::string name, decoded(part.substr(0, equals), Plus::is_space));
        FLOCKER_TRY(std::string value, decoded(part.substr(std::min(equals + 1, part.size())), Plus::is_space));
        const auto [at, fresh] = target.parameters.emplace(std::move(name), std::move(value));
        if (!fresh) return fail(ErrorCode::invalid_argument, fmt::format("parameter {} is there twice", at->first));
        return {};
    }));
    return target;
}

Result<std::uint64_t> number(const Target& target, std::string_view name, std::uint64_t otherwise, std::uint64_t least,
                             std::uint64_t most) {
    const auto found = target.parameters.find(name);
    if (found == target.parameters.end()) return otherwise;
    const std::string& text = found->second;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("parameter {} must be a whole number from {} to {}", name, least, most));
    }
    return value;
}

Result<bool> truth(const Target& target, std::string_view name) {
    const auto found = target.parameters.find(name);
    if (found == target.parameters.end()) return false;
    if (found->second == "1" || found->second == "true") return true;
    if (found->second == "0" || found->second == "false") return false;
    return fail(ErrorCode::invalid_argument, fmt::format("parameter {} must be 1 or 0", name));
}

}  // namespace flocker::api
