// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/listeners_thread.hpp"

#include <utility>

namespace flocker::nftables {

ListenersThread::ListenersThread(ports::Loop& loop, Listeners listeners)
    : loop_(loop), listeners_(std::move(listeners)), thread_([this] { run(); }) {}

ListenersThread::~ListenersThread() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void ListenersThread::find(Done<std::vector<model::TakenPort>> done) {
    {
        const std::lock_guard lock(mutex_);
        asked_.push_back(std::move(done));
    }
    wake_.notify_one();
}

void ListenersThread::run() {
    for (;;) {
        std::vector<Done<std::vector<model::TakenPort>>> asked;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !asked_.empty(); });
            if (asked_.empty()) return;
            asked.swap(asked_);
        }
        const auto found = listeners_.find();
        for (auto& done : asked) loop_.post([done = std::move(done), found] { done(found); });
    }
}

}  // namespace flocker::nftables
