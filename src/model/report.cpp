// SPDX-License-Identifier: Apache-2.0
#include "model/report.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

namespace flocker::model {

const char* to_string(MoveStep step) {
    switch (step) {
        case MoveStep::hook: return "hook";
        case MoveStep::hold: return "hold";
        case MoveStep::stop: return "stop";
        case MoveStep::seal: return "seal";
        case MoveStep::increment: return "increment";
        case MoveStep::copy: return "copy";
        case MoveStep::start: return "start";
        case MoveStep::ready: return "ready";
        case MoveStep::open: return "open";
    }
    return "hook";
}

void put_in_order(NodeReport& report) {
    std::ranges::stable_sort(report.datasets, {}, &DatasetSeen::id);
    std::ranges::stable_sort(report.containers, {}, &ContainerSeen::application);
    const auto key = [](const FeedSeen& feed) { return std::tie(feed.dataset, feed.to); };
    std::ranges::stable_sort(report.feeds, std::less<>{}, key);
}

bool is_open(const NodeReport& report, const ExternalPort& port) {
    return (port.protocol == Protocol::udp ? report.open_udp_routes : report.open_routes).contains(port.number);
}

}  // namespace flocker::model
