// SPDX-License-Identifier: Apache-2.0
//
// When the live rounds of a move have done what they can: the next increment is predicted to fit
// the cutover, or going on would make it no smaller.
#pragma once

#include <optional>
#include <string>

#include "model/report.hpp"

namespace flocker::plan {

struct IncrementLimits {
    Duration fits{120ms};      ///< An increment that takes at most this goes into the cutover.
    Duration bearable{5s};     ///< When rounds stop getting smaller, one of at most this does too.
};

struct IncrementForecast {
    bool ready{false};
    Bytes bytes;               ///< Of the next increment.
    Duration takes{};          ///< How long the next increment will take.
    std::string reason;        ///< Why it is not ready yet, with figures; empty if it is.
};

/// What holds a feed back here, to be said behind what it has not done yet; empty: nothing.
[[nodiscard]] std::string held_back_text(const model::FeedSeen& feed);

/// From the rounds so far. `changed`: the dataset differs from the newest snapshot.
[[nodiscard]] IncrementForecast forecast(const model::FeedSeen& feed, bool changed, const IncrementLimits& limits = {});

}  // namespace flocker::plan
