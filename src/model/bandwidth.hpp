// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"

namespace flocker::model {

/// How many bytes may be sent in a second, by the time of day at the node that sends. nullopt: as many as go.
struct Bandwidth {
    /// From one minute of the day until another; over midnight if that is not later.
    struct Span {
        std::uint32_t from{0};
        std::uint32_t until{0};
        std::optional<Bytes> rate{};

        friend bool operator==(const Span&, const Span&) = default;
    };

    std::optional<Bytes> rate;  ///< At all times that no span names.
    std::vector<Span> spans{};  ///< Of those that overlap the first one counts.

    friend bool operator==(const Bandwidth&, const Bandwidth&) = default;
};

inline constexpr std::uint32_t minutes_of_a_day = 24 * 60;
/// Less than this keeps nothing up, and looks to the other side as if nothing moved.
inline constexpr Bytes bandwidth_min{100'000};
inline constexpr std::size_t bandwidth_spans_max = 24;

/// At this minute of the day, 0 to 1439.
[[nodiscard]] std::optional<Bytes> rate_at(const Bandwidth& bandwidth, std::uint32_t minute);
/// What is wrong with it; empty: nothing.
[[nodiscard]] std::string problem_of(const Bandwidth& bandwidth);
/// "10MB/s", "50MB/s; 08:00-18:00 10MB/s", "unlimited": as manifest::parse_bandwidth reads it.
[[nodiscard]] std::string to_text(const Bandwidth& bandwidth);

}  // namespace flocker::model
