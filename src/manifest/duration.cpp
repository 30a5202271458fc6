// SPDX-License-Identifier: Apache-2.0
#include "manifest/duration.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace flocker::manifest {
namespace {

constexpr std::array<std::pair<std::string_view, Duration>, 5> units{{
    {"ms", 1ms},
    {"s", 1s},
    {"m", 1min},
    {"h", std::chrono::hours{1}},
    {"d", std::chrono::hours{24}},
}};

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    const auto wrong = [&] {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("\"{}\" is no duration; write it like 90s, 10m or 1h30m", text));
    };
    Duration sum{};
    std::string_view rest = text;
    while (!rest.empty()) {
        std::int64_t count = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
        if (error != std::errc{} || count < 0) return wrong();
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        const std::size_t length = std::min(rest.find_first_of("0123456789"), rest.size());
        const std::string_view unit = rest.substr(0, length);
        const bool bare = unit.empty() && end == text.data() + text.size() && sum == Duration{};
        const auto found = std::ranges::find(units, bare ? "s" : unit, &std::pair<std::string_view, Duration>::first);
        if (found == units.end()) return wrong();
        if (count > (Duration::max() - sum) / found->second) return wrong();
        sum += found->second * count;
        rest.remove_prefix(length);
    }
    if (text.empty() || sum == Duration{}) return wrong();
    return sum;
}

std::string duration_text(Duration duration) {
    std::string text;
    Duration rest = std::max(duration, Duration{});
    for (auto unit = units.rbegin(); unit != units.rend(); ++unit) {
        const auto count = rest / unit->second;
        if (count > 0) text += fmt::format("{}{}", count, unit->first);
        rest -= count * unit->second;
    }
    return text.empty() ? "0s" : text;
}

}  // namespace flocker::manifest
