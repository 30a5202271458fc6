// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "base/time.hpp"

namespace flocker::ports {

/// The one thread that owns a daemon's state, and its clock.
///
/// Threads: post() and after() may be called from any thread; what they take runs on the loop
///          thread, one at a time, posts in the order in which they came.
class Loop {
public:
    virtual ~Loop() = default;
    [[nodiscard]] virtual Instant now() const = 0;
    virtual void post(std::function<void()> work) = 0;
    /// Not before `delay` is over. There is no cancelling: what runs must bear being late or needless.
    virtual void after(Duration delay, std::function<void()> work) = 0;
};

}  // namespace flocker::ports
