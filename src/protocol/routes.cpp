// SPDX-License-Identifier: Apache-2.0
#include "protocol/routes.hpp"

#include <algorithm>

namespace flocker::protocol {

using namespace model;

RouteTable route_table(const Assignment& assignment, const std::function<LocalService(const ApplicationName&)>& local) {
    RouteTable table;
    for (const Route& route : assignment.routes) {
        RouteEntry entry;
        entry.held = route.held;
        if (route.owner == assignment.node) {
            const LocalService service = local(route.application);
            if (service.open) entry.target = RouteTarget{service.address, route.internal, true};
            entry.leased = service.open && service.leased;
            if (!service.open && service.starting) entry.held = true;
        } else {
            const auto owner = std::ranges::find(assignment.nodes, route.owner, &Node::id);
            if (owner != assignment.nodes.end()) entry.target = RouteTarget{owner->address, route.external, false};
        }
        const auto lost = std::ranges::find(assignment.nodes, route.lost, &Node::id);
        if (lost != assignment.nodes.end() && lost->id != assignment.node) entry.lost = lost->address;
        table.emplace(ExternalPort(route.external, route.protocol), entry);
    }
    return table;
}

}  // namespace flocker::protocol
