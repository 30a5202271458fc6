// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/worker_threads.hpp"

#include <system_error>
#include <thread>

namespace flocker::posix {

WorkerThreads::~WorkerThreads() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return running_ == 0; });
}

bool WorkerThreads::start(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        if (running_ == jobs_max) return false;
        ++running_;
    }
    auto body = [this, job = std::move(job)]() mutable {
        job();
        job = nullptr;
        const std::lock_guard lock(mutex_);
        --running_;
        idle_.notify_all();
    };
    try {
        std::thread(std::move(body)).detach();
    } catch (const std::system_error&) {
        const std::lock_guard lock(mutex_);
        --running_;
        return false;
    }
    return true;
}

}  // namespace flocker::posix
