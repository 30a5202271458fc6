// SPDX-License-Identifier: Apache-2.0
//
// What the agent measures of a move, to be told to the control service.
#include <algorithm>

#include "plan/hooks.hpp"
#include "protocol/agent.hpp"

namespace flocker::protocol {
namespace {

using namespace model;

}  // namespace

void Agent::note_cutovers(const Assignment& before, Instant now) {
    for (const ApplicationAssignment& application : assignment_->applications) {
        const auto was = std::ranges::find_if(before.applications, [&](const ApplicationAssignment& each) {
            return each.application.name == application.application.name;
        });
        if (was == before.applications.end()) continue;
        const std::string subject = subject_of(application.application).value;
        if (application.intent == Intent::hold && was->intent != Intent::hold) {
            routes_awaited_[subject] = {application.move, MoveStep::hold, now};
        } else if (application.intent == Intent::run && application.move.value == 0 && was->move.value != 0) {
            routes_awaited_[subject] = {was->move, MoveStep::open, now};
        }
    }
}

void Agent::hook_done(const std::string& subject, const Status& outcome, Instant now) {
    Lane& lane = lanes_[subject];
    const ApplicationAssignment* application = application_of_subject(subject);
    if (!application || application->hook_for.value == 0) return;
    if (!outcome && plan::hook_must_succeed(application->application)) return failed(lane, outcome.error(), now);
    worked(lane);
    steps_[{subject, MoveStep::hook}] = {subject, MoveStep::hook, application->hook_for, now - lane.asking_began, now};
    // What the hook wrote is not to wait for the last increment.
    const auto dataset = datasets_.find(DatasetId{subject});
    if (dataset != datasets_.end()) dataset->second.changed = true;
}

MoveId Agent::move_of(const std::string& subject) const {
    if (!assignment_) return MoveId{0};
    for (const DatasetAssignment& dataset : assignment_->datasets) {
        if (dataset.dataset.value != subject) continue;
        return dataset.duty == Duty::seal || dataset.duty == Duty::trial ? dataset.move : MoveId{0};
    }
    const ApplicationAssignment* application = application_of_subject(subject);
    return application ? application->move : MoveId{0};
}

void Agent::measure(const std::string& subject, MoveStep step, Instant began, Instant now) {
    steps_[{subject, step}] = {subject, step, move_of(subject), now - began, now};
}

void Agent::measure_routes(Instant now) {
    std::erase_if(routes_awaited_, [&](const auto& entry) {
        const auto& [subject, awaited] = entry;
        const ApplicationAssignment* application = application_of_subject(subject);
        if (!application) return true;
        const bool closed = ports_closed(application->application);
        const bool there = awaited.step == MoveStep::hold ? closed : !closed && is_open(*application);
        if (there) steps_[{subject, awaited.step}] = {subject, awaited.step, awaited.move, now - awaited.since, now};
        return there;
    });
}

}  // namespace flocker::protocol
