// SPDX-License-Identifier: Apache-2.0
#include "sim/world.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace flocker::sim {

void World::at(Duration delay, std::function<void()> work) {
    queue_.emplace(std::pair(now_.unix_ns + std::max<std::int64_t>(delay.count(), 0), ++order_), Entry{std::move(work)});
}

void World::run_until(Instant end) {
    while (!queue_.empty() && queue_.begin()->first.first <= end.unix_ns && violation_.empty()) {
        auto entry = queue_.extract(queue_.begin());
        now_.unix_ns = entry.key().first;
        entry.mapped().work();
    }
    if (violation_.empty()) now_ = std::max(now_, end);
}

void World::trace(const std::string& who, const std::string& line) {
    for (const char c : who) digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    for (const char c : line) digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    digest_ = (digest_ ^ static_cast<std::uint64_t>(now_.unix_ns)) * 1099511628211ULL;
    if (keep_story_) {
        const double seconds = static_cast<double>(now_.unix_ns - 1'000'000'000'000'000) / 1e9;
        story_.push_back(fmt::format("{:>9.3f}  {:<8} {}", seconds, who, line));
    }
}

void World::violated(const std::string& promise, const std::string& how) {
    if (!violation_.empty()) return;
    violation_ = promise + ": " + how;
    trace("CHECK", violation_);
}

void Network::send(const std::string& from, const std::string& to, std::function<void()> deliver) {
    if (!connected(from, to) || world_.chance(faults_.message_lost)) return;
    const auto once = [&] {
        Duration delay = latency();
        if (world_.chance(faults_.message_late)) delay += world_.between(Duration{0}, faults_.lateness);
        world_.at(delay, [this, from, to, deliver] {
            if (connected(from, to)) deliver();
        });
    };
    once();
    if (world_.chance(faults_.message_repeated)) once();
}

}  // namespace flocker::sim
