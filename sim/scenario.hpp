// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace flocker::sim {

/// How one seed's run ended.
struct Outcome {
    std::uint64_t seed{0};
    std::string violation;   ///< Empty: every promise held.
    std::uint64_t digest{0};  ///< Equal for equal seeds, or the run is not deterministic.
    std::uint64_t acknowledged{0};
    std::uint64_t moves{0};
    std::uint64_t moves_failed{0};
    std::map<std::string, std::uint64_t> marks;  ///< Rare things that happened.
    std::vector<std::string> story;  ///< Only when asked for.
};

enum class Weather : std::uint8_t {
    calm,           ///< No faults: nothing is refused, nobody waits for long.
    storm,          ///< All kinds of faults, each run its own mixture.
    control_away,   ///< Only the control service is down for a while (P7).
    cramped,        ///< Small pools, and a node that is away for longer than they have room.
};

/// One run: a cluster drawn from the seed; users that deploy, move, remove and destroy; clients that
/// write all the time; faults; then calm, in which everything has to settle.
[[nodiscard]] Outcome run(std::uint64_t seed, Weather weather, bool keep_story);

}  // namespace flocker::sim
