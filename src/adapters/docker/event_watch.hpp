// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <thread>

#include "adapters/docker/api.hpp"

namespace flocker::docker {

/// Calls `changed` on a thread of its own whenever one of our containers may have started, ended or
/// gone; also each time before it connects to the engine, since something may have been missed.
///
/// Owns: its thread. Close the api first: the destructor waits for the thread.
class EventWatch {
public:
    /// `api` outlives this.
    EventWatch(Api& api, std::function<void()> changed);

private:
    void run();

    Api& api_;
    std::function<void()> changed_;
    std::jthread thread_;
};

}  // namespace flocker::docker
