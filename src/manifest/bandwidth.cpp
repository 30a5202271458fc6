// SPDX-License-Identifier: Apache-2.0
#include "manifest/bandwidth.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace flocker::manifest {
namespace {

constexpr const char* examples = "10MB/s, 50MiB/s, unlimited or 50MB/s; 08:00-18:00 10MB/s";
constexpr double bytes_max = 1e15;

constexpr std::array<std::pair<std::string_view, double>, 11> units{{
    {"B", 1},
    {"KB", 1e3},
    {"kB", 1e3},
    {"MB", 1e6},
    {"GB", 1e9},
    {"KiB", 1024.0},
    {"MiB", 1024.0 * 1024},
    {"GiB", 1024.0 * 1024 * 1024},
    {"kbit", 1e3 / 8},
    {"Mbit", 1e6 / 8},
    {"Gbit", 1e9 / 8},
}};

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// nullopt: it is none.
std::optional<std::optional<Bytes>> parse_rate(std::string_view text) {
    if (text == "unlimited") return std::optional<Bytes>{};
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    std::string_view unit = trimmed(text.substr(static_cast<std::size_t>(end - text.data())));
    if (error != std::errc{} || !unit.ends_with("/s")) return std::nullopt;
    unit.remove_suffix(2);
    const auto found = std::ranges::find(units, unit, &std::pair<std::string_view, double>::first);
    if (found == units.end() || !(number > 0) || number * found->second > bytes_max) return std::nullopt;
    return Bytes{static_cast<std::uint64_t>(number * found->second)};
}

std::optional<std::uint32_t> parse_time(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') return std::nullopt;
    const auto number = [&](std::size_t at) -> std::uint32_t {
        const bool digits = text[at] >= '0' && text[at] <= '9' && text[at + 1] >= '0' && text[at + 1] <= '9';
        return digits ? static_cast<std::uint32_t>((text[at] - '0') * 10 + (text[at + 1] - '0')) : 99;
    };
    const std::uint32_t minute = number(0) * 60 + number(3);
    if (number(3) > 59 || minute > model::minutes_of_a_day) return std::nullopt;
    return minute;
}

/// "08:00-18:00"; nullopt: it is none.
std::optional<model::Bandwidth::Span> parse_span(std::string_view text) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto from = parse_time(text.substr(0, dash));
    const auto until = parse_time(text.substr(dash + 1));
    if (!from || !until) return std::nullopt;
    return model::Bandwidth::Span{*from, *until, {}};
}

}  // namespace

Result<model::Bandwidth> parse_bandwidth(std::string_view text) {
    const auto wrong = [&] {
        return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is no bandwidth; write it like {}", text, examples));
    };
    model::Bandwidth bandwidth;
    bool has_rest = false;
    std::string_view left = text;
    for (bool more = true; more;) {
        const auto end = left.find(';');
        more = end != std::string_view::npos;
        const std::string_view part = trimmed(left.substr(0, end));
        if (more) left.remove_prefix(end + 1);
        const auto space = part.find_first_of(" \t");
        auto span = parse_span(part.substr(0, space));
        const auto rate = parse_rate(span && space != std::string_view::npos ? trimmed(part.substr(space)) : part);
        if (!rate) return wrong();
        if (span) {
            span->rate = *rate;
            bandwidth.spans.push_back(*span);
            continue;
        }
        if (std::exchange(has_rest, true)) {
            return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" has two rates without a time of day", text));
        }
        bandwidth.rate = *rate;
    }
    if (const std::string problem = model::problem_of(bandwidth); !problem.empty()) {
        return fail(ErrorCode::invalid_argument, fmt::format("\"{}\": {}", text, problem));
    }
    return bandwidth;
}

}  // namespace flocker::manifest
