// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>

#include "base/result.hpp"
#include "ports/loop.hpp"

namespace flocker::posix {

/// Runs blocking work beside the loop: one thread a job, so that one sick disk or peer delays
/// nothing else. Outcomes come back on the loop thread.
///
/// Threads: run() from any thread.
/// Limits:  `jobs_max` at a time; one more is refused with unavailable.
/// Owns:    its threads; the destructor waits for all of them.
class WorkerThreads {
public:
    static constexpr std::size_t jobs_max = 256;

    /// `loop` outlives this.
    explicit WorkerThreads(ports::Loop& loop) : loop_(loop) {}
    ~WorkerThreads();
    WorkerThreads(const WorkerThreads&) = delete;
    WorkerThreads& operator=(const WorkerThreads&) = delete;

    template <class T>
    void run(std::function<Result<T>()> work, Done<T> done) {
        const bool started = start([this, work = std::move(work), done] {
            Result<T> outcome = work();
            loop_.post([done, outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
        });
        if (!started) {
            loop_.post([done] { done(fail(ErrorCode::unavailable, "too many jobs at once on this node")); });
        }
    }

private:
    bool start(std::function<void()> job);

    ports::Loop& loop_;
    std::mutex mutex_;
    std::condition_variable idle_;
    std::size_t running_{0};
};

}  // namespace flocker::posix
