// SPDX-License-Identifier: Apache-2.0
#include "model/bandwidth.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace flocker::model {
namespace {

constexpr std::array<std::pair<std::uint64_t, std::string_view>, 7> units{{
    {1ULL << 30U, "GiB"},
    {1'000'000'000, "GB"},
    {1ULL << 20U, "MiB"},
    {1'000'000, "MB"},
    {1ULL << 10U, "KiB"},
    {1'000, "KB"},
    {1, "B"},
}};

std::string rate_text(const std::optional<Bytes>& rate) {
    if (!rate) return "unlimited";
    const auto unit = std::ranges::find_if(units, [&](const auto& each) { return rate->value % each.first == 0; });
    std::string text = std::to_string(rate->value / unit->first);
    return text.append(unit->second).append("/s");
}

std::string time_text(std::uint32_t minute) {
    const auto two = [](std::uint32_t number) { return (number < 10 ? "0" : "") + std::to_string(number); };
    return two(minute / 60) + ":" + two(minute % 60);
}

bool is_within(const Bandwidth::Span& span, std::uint32_t minute) {
    if (span.from < span.until) return span.from <= minute && minute < span.until;
    return span.from <= minute || minute < span.until;
}

bool is_too_low(const std::optional<Bytes>& rate) { return rate && *rate < bandwidth_min; }

}  // namespace

std::optional<Bytes> rate_at(const Bandwidth& bandwidth, std::uint32_t minute) {
    for (const Bandwidth::Span& span : bandwidth.spans) {
        if (is_within(span, minute)) return span.rate;
    }
    return bandwidth.rate;
}

std::string problem_of(const Bandwidth& bandwidth) {
    const bool low = is_too_low(bandwidth.rate) ||
                     std::ranges::any_of(bandwidth.spans, [](const auto& span) { return is_too_low(span.rate); });
    if (low) return "a bandwidth is at least " + rate_text(bandwidth_min);
    if (bandwidth.spans.size() > bandwidth_spans_max) {
        return "a bandwidth has at most " + std::to_string(bandwidth_spans_max) + " times of day";
    }
    for (const Bandwidth::Span& span : bandwidth.spans) {
        if (span.from >= minutes_of_a_day || span.until > minutes_of_a_day) return "a day ends at 24:00";
        if (span.from == span.until % minutes_of_a_day) return "a time of day ends at another minute than it begins";
    }
    return {};
}

std::string to_text(const Bandwidth& bandwidth) {
    std::string text = rate_text(bandwidth.rate);
    for (const Bandwidth::Span& span : bandwidth.spans) {
        text += "; " + time_text(span.from) + "-" + time_text(span.until) + " " + rate_text(span.rate);
    }
    return text;
}

}  // namespace flocker::model
