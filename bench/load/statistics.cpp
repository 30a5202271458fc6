// SPDX-License-Identifier: Apache-2.0
#include "load/statistics.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

namespace flocker::load {
namespace {

double milliseconds(Clock::duration duration) {
    return std::chrono::duration<double, std::milli>(duration).count();
}

double seconds(WallClock::time_point at) {
    return std::chrono::duration<double>(at.time_since_epoch()).count();
}

double percentile(std::vector<Clock::duration> latencies, double share) {
    if (latencies.empty()) return 0.0;
    const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(latencies.size() - 1));
    std::ranges::nth_element(latencies, latencies.begin() + at);
    return milliseconds(latencies[static_cast<std::size_t>(at)]);
}

void add(const Window& from, Window& to) {
    to.acknowledged += from.acknowledged;
    to.others += from.others;
    to.refused += from.refused;
    to.resets += from.resets;
    to.errors += from.errors;
    to.longest_pause = std::max(to.longest_pause, from.longest_pause);
    to.latencies.insert(to.latencies.end(), from.latencies.begin(), from.latencies.end());
    for (const auto& [message, count] : from.messages) to.messages[message] += count;
}

}  // namespace

// Boost.JSON writes 1.5 as 1.5E0, which nobody likes to read: it only escapes the texts here.
std::string to_json(const char* event, const Window& window) {
    boost::json::object messages;
    for (const auto& [message, count] : window.messages) messages[message] = count;
    return fmt::format(
        R"({{"event":"{}","name":{},"acknowledged":{},"others":{},"longest_pause_ms":{:.1f},)"
        R"("refused":{},"resets":{},"errors":{},)"
        R"("p50_ms":{:.2f},"p99_ms":{:.2f},"started":{:.3f},"ended":{:.3f},"messages":{}}})",
        event, boost::json::serialize(boost::json::string{window.name}), window.acknowledged, window.others,
        milliseconds(window.longest_pause), window.refused, window.resets, window.errors,
        percentile(window.latencies, 0.50), percentile(window.latencies, 0.99), seconds(window.started),
        seconds(window.ended), boost::json::serialize(messages));
}

Statistics::Statistics(Clock::time_point now, WallClock::time_point wall) : last_acknowledged_(now) {
    window_.name = "start";
    window_.started = wall;
    finished_.name = "total";
    finished_.started = wall;
}

void Statistics::acknowledged(Clock::time_point begun, Clock::time_point now) {
    ++window_.acknowledged;
    window_.latencies.push_back(now - begun);
    window_.longest_pause = std::max(window_.longest_pause, now - last_acknowledged_);
    last_acknowledged_ = now;
}

void Statistics::acknowledged_to_others() { ++window_.others; }

void Statistics::failed(const Attempt& attempt) {
    switch (attempt.outcome) {
        case Outcome::done: return;
        case Outcome::refused: ++window_.refused; break;
        case Outcome::reset: ++window_.resets; break;
        case Outcome::failed: ++window_.errors; break;
    }
    ++window_.messages[attempt.message];
}

Window Statistics::mark(std::string name, Clock::time_point now, WallClock::time_point wall) {
    window_.ended = wall;
    window_.longest_pause = std::max(window_.longest_pause, now - last_acknowledged_);
    add(window_, finished_);
    Window next;
    next.name = std::move(name);
    next.started = wall;
    return std::exchange(window_, std::move(next));
}

Window Statistics::total(Clock::time_point now, WallClock::time_point wall) const {
    Statistics copy = *this;
    (void)copy.mark({}, now, wall);
    copy.finished_.ended = wall;
    return copy.finished_;
}

}  // namespace flocker::load
