// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <thread>

#include "adapters/posix/fd.hpp"
#include "ports/loop.hpp"

namespace flocker::posix {

/// Turns SIGTERM, SIGINT and SIGHUP into work on the loop, and has SIGPIPE ignored: a peer that went
/// away is an error of write().
///
/// Threads: construct it in main() before the first thread: threads that exist already would still
///          be ended by these signals.
/// Owns:    one thread. The destructor ends it; the signals stay blocked, so that a second SIGTERM does
///          not cut an orderly end short.
/// Child processes inherit the blocked signals: who starts one resets its mask before exec.
class Signals {
public:
    /// `received` is called on the loop thread with the signal's number. `loop` outlives this.
    Signals(ports::Loop& loop, std::function<void(int signal)> received);
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

private:
    void read_signals(ports::Loop& loop, const std::function<void(int)>& received) const;

    Fd signals_;
    Fd ending_;
    std::thread reader_;
};

}  // namespace flocker::posix
