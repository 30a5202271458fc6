// SPDX-License-Identifier: Apache-2.0
//
// For this room's tests: one subject of a node with all that an agent sees of it.
#pragma once

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "plan/testing.hpp"
#include "protocol/convergence.hpp"

namespace flocker::protocol::testing {

using namespace plan::testing;

/// The database on one node. The container, if there is one, is made as it should be.
struct Bench {
    explicit Bench(model::Duty duty, model::Intent intent, std::uint64_t epoch = 1) {
        dataset.emplace();
        dataset->dataset = orders;
        dataset->duty = duty;
        dataset->owner = alder;
        dataset->epoch = model::Epoch{epoch};
        application.emplace();
        application->application = database();
        application->intent = intent;
        image_present = true;
        spec.application = database();
        spec.links_host = "10.0.0.10";
        spec.address = "172.31.0.2";
        spec.volume_source = "/volumes/orders";
    }
    void has(model::ContainerSeen one) {
        one.fingerprint = model::fingerprint(spec);
        container = std::move(one);
    }
    /// What may begin now.
    [[nodiscard]] std::vector<Step> steps() const {
        Sight sight = details;
        sight.dataset = dataset ? &*dataset : nullptr;
        sight.application = application ? &*application : nullptr;
        sight.dataset_seen = seen ? &*seen : nullptr;
        sight.container = container ? &*container : nullptr;
        sight.now = noon;
        sight.spec = spec;
        sight.image_present = image_present;
        return next_steps(sight);
    }

    std::optional<model::DatasetAssignment> dataset;
    std::optional<model::ApplicationAssignment> application;
    std::optional<model::DatasetSeen> seen;
    std::optional<model::ContainerSeen> container;
    model::ContainerSpec spec;
    bool image_present{false};
    Sight details;  ///< All that is no pointer and is not said above.
};

template <class Action>
bool is(const Step& step) {
    if (const auto* action = std::get_if<model::DatasetAction>(&step)) {
        if constexpr (std::is_constructible_v<model::DatasetAction, Action>) return std::holds_alternative<Action>(*action);
    }
    if (const auto* action = std::get_if<model::ContainerAction>(&step)) {
        if constexpr (std::is_constructible_v<model::ContainerAction, Action>) return std::holds_alternative<Action>(*action);
    }
    if constexpr (std::is_same_v<Action, GetImage> || std::is_same_v<Action, Complain>) {
        return std::holds_alternative<Action>(step);
    }
    return false;
}
template <class Action>
bool any(const std::vector<Step>& steps) {
    return std::ranges::any_of(steps, [](const Step& step) { return is<Action>(step); });
}
/// There is one step, and it is this.
inline bool just(const std::vector<Step>& steps, const model::DatasetAction& action) {
    return steps.size() == 1 && steps.front() == Step{action};
}
inline bool just(const std::vector<Step>& steps, const model::ContainerAction& action) {
    return steps.size() == 1 && steps.front() == Step{action};
}
template <class Action>
bool just(const std::vector<Step>& steps) {
    return steps.size() == 1 && is<Action>(steps.front());
}

}  // namespace flocker::protocol::testing
