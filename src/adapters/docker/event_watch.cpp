// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/event_watch.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "adapters/docker/messages.hpp"

namespace flocker::docker {
namespace {

constexpr Duration pause_min = 100ms;
constexpr Duration pause_max = 1s;

}  // namespace

EventWatch::EventWatch(Api& api, std::function<void()> changed)
    : api_(api), changed_(std::move(changed)), thread_([this] { run(); }) {}

void EventWatch::run() {
    // Health checks make exec events by the dozen, and nothing that they say matters here.
    const std::string filters = our_containers_filter({"create", "start", "die", "destroy"});
    Duration pause = pause_min;
    do {
        // The engine repeats what happened since then, so nothing is lost between the call below and
        // the moment when it listens to us.
        const auto since =
            std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
        changed_();
        const auto ended = api_.call({.path = "/events?since=" + std::to_string(since.count()) + "&filters=" + filters,
                                      .sink = [&](std::span<const std::byte>) -> Status {
                                          pause = pause_min;
                                          changed_();
                                          return {};
                                      },
                                      .idle_limit = Duration::zero()});
        static_cast<void>(ended);
        pause = std::min(pause * 2, pause_max);
    } while (api_.rest(pause));
}

}  // namespace flocker::docker
