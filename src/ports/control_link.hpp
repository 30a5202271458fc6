// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "base/result.hpp"
#include "model/assignment.hpp"
#include "model/report.hpp"

namespace flocker::ports {

/// From the agent to the control service. Assignments may come late or twice, or not at all while it
/// is away; it reconnects by itself.
///
/// Threads: call on the loop thread; no call blocks it.
class ControlLink {
public:
    virtual ~ControlLink() = default;
    /// From now on `assigned` is called on the loop thread with each assignment that arrives.
    virtual void watch(std::function<void(const model::Assignment&)> assigned) = 0;
    /// unavailable, timed_out: it may or may not have arrived; the next report says it all again.
    virtual void report(const model::NodeReport& report, Done<model::ReportReceipt> done) = 0;
};

/// From the control service to the agents that watch. Keeps the newest assignment of each node, and
/// gives it to whoever watches; nothing is queued.
class AgentSessions {
public:
    virtual ~AgentSessions() = default;
    virtual void publish(const model::Assignment& assignment) = 0;
};

}  // namespace flocker::ports
