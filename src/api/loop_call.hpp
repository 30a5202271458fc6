// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "base/result.hpp"
#include "ports/loop.hpp"

namespace flocker::api {

/// Asks the loop thread something from another thread, and waits for the answer.
///
/// Threads: any but the loop's.
/// Errors:  timed_out (the loop did not answer in time; what was asked may still happen),
///          unavailable (close() was called).
class LoopCalls {
public:
    /// `loop` runs until close() was called, or answers are waited for in vain.
    explicit LoopCalls(ports::Loop& loop) : loop_(loop) {}

    /// `ask` runs on the loop thread and is given what to call with the answer, then or later.
    template <class T>
    [[nodiscard]] Result<T> wait_for(std::function<void(Done<T>)> ask, Duration limit) {
        const auto answer = std::make_shared<std::optional<Result<T>>>();
        loop_.post([shared = shared_, answer, ask = std::move(ask)] {
            ask([shared, answer](Result<T> outcome) {
                const std::lock_guard lock(shared->mutex);
                answer->emplace(std::move(outcome));
                shared->changed.notify_all();
            });
        });
        std::unique_lock lock(shared_->mutex);
        shared_->changed.wait_for(lock, limit, [&] { return answer->has_value() || shared_->closed; });
        if (answer->has_value()) return **answer;
        if (shared_->closed) return fail(ErrorCode::unavailable, "the control service is stopping");
        return fail(ErrorCode::timed_out, "the control service has not answered in time");
    }

    /// False: close() was called.
    [[nodiscard]] bool rest(Duration duration) {
        std::unique_lock lock(shared_->mutex);
        return !shared_->changed.wait_for(lock, duration, [&] { return shared_->closed; });
    }

    /// Ends all waits, also those to come.
    void close() {
        const std::lock_guard lock(shared_->mutex);
        shared_->closed = true;
        shared_->changed.notify_all();
    }

private:
    /// Outlives this in what is posted.
    struct Shared {
        std::mutex mutex;
        std::condition_variable changed;
        bool closed{false};
    };

    ports::Loop& loop_;
    std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace flocker::api
