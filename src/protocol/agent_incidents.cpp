// SPDX-License-Identifier: Apache-2.0
//
// What the agent has to tell beside what it sees: what it tries in vain, and what somebody else did on its node. That is
// put right like everything that is not as it should be; here it is noticed.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "protocol/agent.hpp"

namespace flocker::protocol {
namespace {

using namespace model;

constexpr Duration incident_shown = 60s;
/// An incident that comes again sooner is the same one.
constexpr Duration incident_repeats = 2s;
constexpr std::size_t incidents_max = 16;

}  // namespace

void Agent::found(const std::string& subject, const std::string& text, Instant now) {
    // The kernel's lease may have gone with the rules.
    if (subject == "routes") lease_in_kernel_ = {};
    const auto known = std::ranges::find_if(
        shown_, [&](const Shown& shown) { return shown.subject == subject && shown.text == text; });
    if (known != shown_.end() && now - known->last <= incident_repeats) {
        known->last = now;
        return;
    }
    if (known != shown_.end()) shown_.erase(known);
    shown_.push_back({subject, text, now, now});
    incidents_.push_back({++incident_number_, subject, text, now});
    if (incidents_.size() > incidents_max) incidents_.erase(incidents_.begin());
}

/// Against what was last seen, before the new look takes its place.
void Agent::note_strangers(const std::vector<ContainerSeen>& containers, const std::set<std::string>& images, Instant now) {
    if (!engine_known_) return;
    std::vector<std::string> ended;
    for (const auto& [name, before] : containers_) {
        const bool ours = touched_containers_[name] > engine_look_ || std::ranges::any_of(lanes_, [&](const auto& entry) {
            const auto& action = entry.second.container;
            return action && application_of(*action) == name &&
                   (std::holds_alternative<RemoveContainer>(*action) || std::holds_alternative<CreateContainer>(*action));
        });
        if (ours) continue;
        const auto after = std::ranges::find(containers, name, &ContainerSeen::application);
        if (after == containers.end()) {
            found("engine", fmt::format("the container of {} was removed by somebody else", name.value), now);
        } else if (engine_trouble_ && has_process(before.status) && after->container == before.container &&
                   after->status == ContainerSeen::Status::exited) {
            starts_anyway_[after->container] = after->started;
            ended.push_back(name.value);
        }
    }
    if (engine_trouble_) {
        const std::string with_it = ended.empty() ? "" : fmt::format(", and with it ended {}", fmt::join(ended, ", "));
        found("engine", "the container engine was away" + with_it, now);
    }
    for (const std::string& image : images_) {
        const bool needed = assignment_ && std::ranges::any_of(assignment_->applications, [&](const auto& each) {
            return each.application.image == image;
        });
        if (!needed || images.contains(image)) continue;
        found("engine", fmt::format("image {} was removed by somebody else", image), now);
    }
}

void Agent::taken_seen(const TakenSeen& event) {
    finding_taken_ = false;
    if (!event.ports || *event.ports == listened_) return;
    listened_ = *event.ports;
    // Perhaps a container that publishes them: the engine knows its name.
    engine_look_again_ = true;
}

/// A published port is listened on by the engine's own proxy, or by nobody at all.
std::vector<TakenPort> Agent::taken_ports() const {
    std::vector<TakenPort> taken = published_;
    const auto is_published = [&](const TakenPort& listened) {
        return std::ranges::any_of(published_, [&](const TakenPort& each) {
            return each.number == listened.number && each.protocol == listened.protocol;
        });
    };
    std::ranges::remove_copy_if(listened_, std::back_inserter(taken), is_published);
    std::ranges::sort(taken);
    return taken;
}

bool Agent::starts_anyway(const ContainerSeen& container) const {
    const auto run = starts_anyway_.find(container.container);
    return run != starts_anyway_.end() && run->second == container.started;
}

void Agent::forget_incidents(Instant now) {
    std::erase_if(shown_, [&](const Shown& shown) { return now - shown.last > incident_shown; });
}

std::vector<Problem> Agent::problems() const {
    std::vector<Problem> problems;
    for (const auto& [subject, lane] : lanes_) {
        if (!lane.trouble) continue;
        std::string name = subject.starts_with("app:") ? subject.substr(4) : subject;
        if (assignment_ && !subject.starts_with("app:")) {
            if (const auto* application = application_on(DatasetId{subject})) name = application->application.name.value;
        }
        problems.push_back({name, *lane.trouble, lane.failures, lane.failing_since});
    }
    for (const auto& [key, feed] : feeds_) {
        // A replica that can't be reached is no trouble of the application, nor of a move elsewhere.
        const DatasetAssignment* assigned = dataset_assignment(key.first);
        if (!feed.trouble() || !assigned || assigned->feed != key.second) continue;
        problems.push_back({key.first.value, *feed.trouble(), feed.attempts(), settings_.started});
    }
    for (const auto& [id, dataset] : datasets_) {
        if (dataset.size_trouble.empty()) continue;
        problems.push_back({"maximum_size",
                            {ErrorCode::unavailable, fmt::format("volume {} may grow beyond its maximum_size: {}", id.value,
                                                                 dataset.size_trouble)},
                            1, settings_.started});
    }
    if (lease_trouble_) problems.push_back({"lease", *lease_trouble_, 1, settings_.started});
    if (assignment_) {
        for (const ApplicationAssignment& application : assignment_->applications) {
            const auto supply = image_supplies_.find(application.application.image);
            if (supply == image_supplies_.end() || !supply->second.trouble()) continue;
            problems.push_back({application.application.name.value, *supply->second.trouble(), supply->second.attempts(),
                                settings_.started});
        }
    }
    if (save_trouble_) problems.push_back({"assignment", *save_trouble_, 1, settings_.started});
    if (refused_) {
        problems.push_back({"assignment",
                            {ErrorCode::conflict,
                             fmt::format("the control service's records are at revision {}, this node has seen {}; were they "
                                         "restored from an older copy?", refused_->value, assignment_->revision.value)},
                            1, settings_.started});
    }
    if (pool_trouble_) problems.push_back({"pool", *pool_trouble_, 1, settings_.started});
    if (engine_trouble_) problems.push_back({"engine", *engine_trouble_, 1, settings_.started});
    if (routes_trouble_) problems.push_back({"routes", *routes_trouble_, 1, settings_.started});
    for (const Shown& shown : shown_) problems.push_back({shown.subject, {ErrorCode::conflict, shown.text}, 0, shown.since});
    return problems;
}

}  // namespace flocker::protocol
