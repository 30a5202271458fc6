// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::ports {

/// Where connections to the external ports of this node go.
///
/// Threads:   call on the loop thread; no call blocks it.
/// Repeating: applying the same table again changes nothing and disturbs no connection.
/// Crashing:  routes outlive the process. A held port whose process died stays held: nobody is let
///            through and nobody is refused.
class Router {
public:
    virtual ~Router() = default;
    /// Makes the table the whole truth in one atomic step. Entries that do not change keep their
    /// connections. When `done` sees success, each new connection to a held port waits, and those
    /// that waited on a port no longer held have gone on to its target.
    virtual void apply(const model::RouteTable& table, Done<void> done) = 0;
};

}  // namespace flocker::ports
