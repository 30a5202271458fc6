// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "model/action.hpp"

namespace flocker::ports {

/// Where connections to the external ports of this node go.
///
/// Held:      a new connection to a held port waits. It ends in one of two ways: the port is held no
///            longer, and it goes where the table then says (with no target it is refused); or its wait
///            reaches the router's bound, and it is refused with a reset. The bounds are a number of
///            connections that wait at once and a time for each of them. It never reaches a target of
///            the time before the release. Connections that were open before the hold are not touched.
/// Ended:     open connections that nobody else ends get a reset: those to a container of this node when their port
///            comes to lead elsewhere, since it is gone then; those to a node when their port's entry comes to name it
///            as lost.
/// Strangers: what somebody else does to the routes (removes, flushes or changes the kernel's rules) is undone as soon
///            as it is noticed, which takes milliseconds, or half a minute where nobody tells of it. The lease may have
///            run out by that: extend it again.
/// Threads:   call on the loop thread; no call blocks it.
/// Repeating: applying the same table again changes nothing and disturbs no connection; the time of those
///            that wait goes on.
/// Crashing:  routes outlive the process. A held port whose process died stays held: nobody is let
///            through and nobody is refused; who still asks when it is back begins to wait then.
class Router {
public:
    virtual ~Router() = default;
    /// Makes the table the whole truth in one atomic step. Entries that do not change keep their
    /// connections; of others see Ended. When `done` sees success, each new connection to a held port waits, and those
    /// that waited on a port no longer held have gone on to its target.
    virtual void apply(const model::RouteTable& table, Done<void> done) = 0;
    /// This node's lease runs until then, by the loop's clock. While it runs, packets pass to and from the
    /// local targets of leased entries; once it has run out the kernel drops them, on connections that are
    /// open as well, whether or not anybody is there to notice. It has run out when the node boots.
    /// timed_out: that moment has passed already; the lease is as it was.
    virtual void extend_lease(Instant until, Done<void> done) = 0;
    /// Ports of this node on which somebody else listens: connections to them would be led away from there. By number.
    virtual void find_taken(Done<std::vector<model::TakenPort>> done) = 0;
    /// Called on the loop thread when something that a stranger did has been undone: what was found, in words, and by
    /// whom if that is known.
    virtual void watch(std::function<void(const std::string& found)> told) = 0;
};

}  // namespace flocker::ports
