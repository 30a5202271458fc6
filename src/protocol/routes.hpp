// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "model/action.hpp"

namespace flocker::protocol {

/// What a node knows of an application that it owns, as far as its routes go.
struct LocalService {
    bool open{false};      ///< Clients may be let in: it is this node's to serve, and it runs and is ready.
    bool starting{false};  ///< It will be open soon; whoever comes waits.
    std::string address;   ///< Of the container.
    bool leased{false};    ///< Served only under this node's lease.
};

/// The node's whole table. `local` is asked for the applications that this node owns.
///
/// A port is held during a cutover everywhere, and at the owner also while the application starts, so
/// that a client which comes through a node that has heard of the commit earlier waits as well (P8).
[[nodiscard]] model::RouteTable route_table(const model::Assignment& assignment,
                                            const std::function<LocalService(const model::ApplicationName&)>& local);

}  // namespace flocker::protocol
