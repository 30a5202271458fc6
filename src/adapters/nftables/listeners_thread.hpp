// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "adapters/nftables/listeners.hpp"
#include "ports/loop.hpp"

namespace flocker::nftables {

/// Asks who listens, from a thread that nobody else waits for.
class ListenersThread {
public:
    /// `loop` outlives this.
    ListenersThread(ports::Loop& loop, Listeners listeners);
    /// Ends what was asked for.
    ~ListenersThread();
    ListenersThread(const ListenersThread&) = delete;
    ListenersThread& operator=(const ListenersThread&) = delete;

    void find(Done<std::vector<model::TakenPort>> done);

private:
    void run();

    ports::Loop& loop_;
    Listeners listeners_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Done<std::vector<model::TakenPort>>> asked_;
    bool stopping_{false};
    std::thread thread_;
};

}  // namespace flocker::nftables
