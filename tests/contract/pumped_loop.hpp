// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "ports/loop.hpp"

namespace flocker::contract {

/// A loop that runs in the test's own thread, while the test waits for something.
class PumpedLoop final : public ports::Loop {
public:
    [[nodiscard]] Instant now() const override {
        return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
    }
    void post(std::function<void()> work) override {
        const std::lock_guard lock(mutex_);
        posted_.push_back(std::move(work));
        wake_.notify_one();
    }
    void after(Duration delay, std::function<void()> work) override {
        const std::lock_guard lock(mutex_);
        timers_.emplace(Clock::now() + delay, std::move(work));
        wake_.notify_one();
    }
    /// False: the condition does not hold after `limit`. It may itself call run_until().
    bool run_until(const std::function<bool()>& condition, Duration limit) {
        const auto deadline = Clock::now() + limit;
        while (!condition()) {
            std::function<void()> work = next(deadline);
            if (!work) return condition();
            work();
        }
        return true;
    }

private:
    using Clock = std::chrono::steady_clock;

    /// Waits for the next one; nothing after the deadline.
    std::function<void()> next(Clock::time_point deadline) {
        std::unique_lock lock(mutex_);
        while (true) {
            while (!timers_.empty() && timers_.begin()->first <= Clock::now()) {
                posted_.push_back(std::move(timers_.extract(timers_.begin()).mapped()));
            }
            if (!posted_.empty()) {
                std::function<void()> work = std::move(posted_.front());
                posted_.pop_front();
                return work;
            }
            if (Clock::now() >= deadline) return {};
            wake_.wait_until(lock, timers_.empty() ? deadline : std::min(deadline, timers_.begin()->first));
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> posted_;
    std::multimap<Clock::time_point, std::function<void()>> timers_;
};

}  // namespace flocker::contract
