// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace flocker::sqlite {

/// Jobs on one thread, one after another, in the order in which they came.
///
/// Threads: run() from any thread.
/// Owns:    its thread; the destructor lets it do all that it was given.
class SerialThread {
public:
    SerialThread();
    ~SerialThread();
    SerialThread(const SerialThread&) = delete;
    SerialThread& operator=(const SerialThread&) = delete;

    void run(std::function<void()> job);

private:
    void work();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> jobs_;
    bool ending_{false};
    std::thread thread_;  ///< Last: it uses what is above.
};

}  // namespace flocker::sqlite
