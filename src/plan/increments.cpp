// SPDX-License-Identifier: Apache-2.0
#include "plan/increments.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flocker::plan {
namespace {

using namespace model;

double per_second(Bytes bytes, Duration took) {
    const double seconds = std::max(static_cast<double>(took.count()) / 1e9, 1e-6);
    return static_cast<double>(bytes.value) / seconds;
}

Bytes rounded(double bytes) { return {static_cast<std::uint64_t>(std::max(bytes, 0.0))}; }

}  // namespace

std::string held_back_text(const FeedSeen& feed) {
    if (feed.queued) return "; it waits for its turn";
    return feed.limited ? "; the bandwidth limit holds it back" : "";
}

IncrementForecast forecast(const FeedSeen& feed, bool changed, const IncrementLimits& limits) {
    IncrementForecast result;
    if (!feed.acknowledged) {
        result.reason = "the first copy is not complete" + held_back_text(feed);
        return result;
    }
    if (feed.last_rounds.empty()) {
        result.ready = !changed;
        if (changed) result.reason = "no increment has been measured yet";
        return result;
    }
    const RoundSeen& last = feed.last_rounds.back();
    if (last.whole) {
        result.reason = "no increment has been measured since the full copy";
        return result;
    }
    // What is written while one round goes over is what the next one has to carry; its fixed costs
    // are in `took` of the last.
    const double write_rate = per_second(last.bytes, last.interval);
    // In the cutover no bandwidth limit holds it back.
    const Duration carried = std::max(last.took - last.waited, Duration{0});
    const double link_rate = per_second(last.bytes, carried);
    result.bytes = rounded(write_rate * static_cast<double>(last.took.count()) / 1e9);
    const double payload_s = link_rate > 0 ? static_cast<double>(result.bytes.value) / link_rate : 0;
    const Duration payload{static_cast<std::int64_t>(payload_s * 1e9)};
    // A limit may have made the next one larger than the last.
    const Duration next = last.waited > Duration{0} ? std::max(carried, payload) : carried;
    result.takes = std::min(next, payload + carried / 2);
    // There is nothing to carry, and no further round will come that could show it.
    if (feed.idle) {
        result.bytes = {};
        for (const RoundSeen& round : feed.last_rounds) result.takes = std::min(result.takes, round.took - round.waited);
    }

    const bool fits = next <= limits.fits;
    bool shrinking = true;
    if (feed.last_rounds.size() >= 3) {
        const RoundSeen& before = feed.last_rounds[feed.last_rounds.size() - 3];
        shrinking = before.whole || carried < (before.took - before.waited) * 7 / 10;
    }
    result.ready = fits || feed.idle || (!shrinking && next <= limits.bearable);
    if (!result.ready) {
        result.reason = fmt::format("the last increment took {} ({} at {}/s, written at {}/s)", to_text(last.took),
                                    to_text(last.bytes), to_text(rounded(per_second(last.bytes, last.took))),
                                    to_text(rounded(write_rate)));
        result.reason += held_back_text(feed);
    }
    return result;
}

}  // namespace flocker::plan
