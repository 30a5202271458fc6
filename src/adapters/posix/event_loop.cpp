// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/event_loop.hpp"

#include <chrono>

namespace flocker::posix {
namespace {

std::int64_t steady_ns() {
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

EventLoop::EventLoop()
    : anchor_ns_(std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count() -
                 steady_ns()) {}

Instant EventLoop::now() const { return {anchor_ns_ + steady_ns()}; }

void EventLoop::post(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
    wake_.notify_one();
}

void EventLoop::after(Duration delay, std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    timers_.emplace(steady_ns() + delay.count(), std::move(work));
    wake_.notify_one();
}

void EventLoop::stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_one();
}

void EventLoop::run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
        const std::int64_t now_ns = steady_ns();
        while (!timers_.empty() && timers_.begin()->first <= now_ns) {
            posted_.push_back(std::move(timers_.extract(timers_.begin()).mapped()));
        }
        if (posted_.empty()) {
            if (timers_.empty()) {
                wake_.wait(lock);
            } else {
                wake_.wait_for(lock, Duration{timers_.begin()->first - now_ns});
            }
            continue;
        }
        std::vector<std::function<void()>> batch;
        batch.swap(posted_);
        lock.unlock();
        for (auto& work : batch) work();
        batch.clear();
        lock.lock();
    }
}

}  // namespace flocker::posix
