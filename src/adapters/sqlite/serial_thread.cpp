// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite/serial_thread.hpp"

#include <utility>

namespace flocker::sqlite {

SerialThread::SerialThread() : thread_([this] { work(); }) {}

SerialThread::~SerialThread() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        wake_.notify_one();
    }
    thread_.join();
}

void SerialThread::run(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    wake_.notify_one();
}

void SerialThread::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        auto job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        job = nullptr;
        lock.lock();
    }
}

}  // namespace flocker::sqlite
