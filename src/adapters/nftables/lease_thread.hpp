// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/loop.hpp"

namespace flocker::nftables {

/// Tells the kernel of extensions, in the order of the calls, from a thread that waits for nothing else.
///
/// A lease runs from the call, not from when it is taken: a process that was frozen in between must not wake
/// up and extend what others have counted as over. What is left of it is looked at right before the kernel is
/// told, and again if that took its time. The time in which the machine sleeps counts.
class LeaseThread {
public:
    /// `kernel`: the lease runs for so long from now; not positive: it has run out. `loop` outlives this.
    LeaseThread(ports::Loop& loop, std::function<Status(Duration)> kernel);
    /// Ends what was asked for.
    ~LeaseThread();
    LeaseThread(const LeaseThread&) = delete;
    LeaseThread& operator=(const LeaseThread&) = delete;

    /// timed_out: its time was over when it was to be told; what the kernel has is older and still right, or
    /// has been ended.
    void extend(Duration duration, Done<void> done);

private:
    struct Extension {
        Duration until{0};  ///< Since the boot.
        Done<void> done;
    };
    void run();
    [[nodiscard]] Status tell(Duration until) const;

    ports::Loop& loop_;
    std::function<Status(Duration)> kernel_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<Extension> asked_;
    bool stopping_{false};
    std::thread thread_;
};

}  // namespace flocker::nftables
