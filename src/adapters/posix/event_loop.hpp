// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <vector>

#include "ports/loop.hpp"

namespace flocker::posix {

/// The real loop: the thread that calls run().
class EventLoop final : public ports::Loop {
public:
    EventLoop();
    [[nodiscard]] Instant now() const override;
    void post(std::function<void()> work) override;
    void after(Duration delay, std::function<void()> work) override;

    /// Runs what is posted until stop() is called. What is left then is not run.
    void run();
    /// From any thread.
    void stop();

private:
    std::int64_t anchor_ns_;  ///< Wall clock less steady clock, when the process started.
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<std::function<void()>> posted_;
    std::multimap<std::int64_t, std::function<void()>> timers_;
    bool stopping_{false};
};

}  // namespace flocker::posix
