// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/lease_thread.hpp"

#include <time.h>

#include <algorithm>
#include <utility>

#include "base/check.hpp"

namespace flocker::nftables {
namespace {

/// A kernel that took longer may have begun to count so much too late.
constexpr Duration telling_max = 20ms;
/// As good as for ever, and far from where a Duration ends.
constexpr Duration lease_max = std::chrono::years(1);

Duration since_boot() {
    timespec now{};
    FLOCKER_CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0);
    return std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec);
}

}  // namespace

LeaseThread::LeaseThread(ports::Loop& loop, std::function<Status(Duration)> kernel)
    : loop_(loop), kernel_(std::move(kernel)), thread_([this] { run(); }) {}

LeaseThread::~LeaseThread() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void LeaseThread::extend(Duration duration, Done<void> done) {
    {
        const std::lock_guard lock(mutex_);
        asked_.push_back({since_boot() + std::min(duration, lease_max), std::move(done)});
    }
    wake_.notify_one();
}

void LeaseThread::run() {
    for (;;) {
        std::vector<Extension> extensions;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return stopping_ || !asked_.empty(); });
            if (asked_.empty()) return;
            extensions.swap(asked_);
        }
        for (Extension& extension : extensions) {
            loop_.post([done = std::move(extension.done), outcome = tell(extension.until)] { done(outcome); });
        }
    }
}

Status LeaseThread::tell(Duration until) const {
    for (bool told = false;; told = true) {
        const Duration before = since_boot();
        if (told || until > before) FLOCKER_CHECK_OK(kernel_(until - before));
        if (until <= before) return fail(ErrorCode::timed_out, "the lease's time was over before the kernel had it");
        if (since_boot() - before <= telling_max) return {};
    }
}

}  // namespace flocker::nftables
