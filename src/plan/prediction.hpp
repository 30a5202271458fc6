// SPDX-License-Identifier: Apache-2.0
//
// How long clients will wait when an application is moved, said before anything is stopped.
#pragma once

#include <string>

#include "plan/view.hpp"

namespace flocker::plan {

/// The parts add up to `total`.
struct Prediction {
    Duration stop{};       ///< Hold, stop, final snapshot.
    Duration increment{};  ///< What was written since the last round, to the target.
    Duration start{};      ///< Its copy there, its container or its gate.
    Duration ready{};      ///< Until it answers.
    Duration rest{};       ///< Messages, commits, letting clients through.
    Duration total{};
    unsigned moves{0};     ///< Learned from so many moves of it; 0: from its stops and starts in place, or,
    bool guessed{false};   ///< where those have not been seen either, from what is usual.
    /// It does not heed its stop signal: `stop` holds this grace period.
    std::optional<Duration> killed_after{};

    friend bool operator==(const Prediction&, const Prediction&) = default;
};

/// Of a move of this application that began its cutover now.
[[nodiscard]] Prediction predict(const View& view, const model::Ownership& ownership);
/// "640 ms (stop 300 ms, increment 20 ms, start 30 ms, ready 250 ms, rest 40 ms)".
[[nodiscard]] std::string parts_text(const Prediction& prediction);
/// Why a cutover that may take at most `limit` does not begin.
[[nodiscard]] std::string over_limit_text(const Prediction& prediction, Duration limit);

}  // namespace flocker::plan
