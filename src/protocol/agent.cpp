// SPDX-License-Identifier: Apache-2.0
//
// What the agent learns: each event changes what is known, then work() (agent_work.cpp) looks at
// everything anew.
#include "protocol/agent.hpp"

#include <algorithm>

namespace flocker::protocol {
namespace {

using namespace model;

constexpr Duration failure_rest_min = 200ms;
constexpr Duration failure_rest_max = 10s;
constexpr Duration routes_rest = 500ms;

}  // namespace

std::vector<Agent::Effect> Agent::begin() {
    observing_pool_ = true;
    observing_engine_ = true;
    return {ObservePool{}, MeasurePool{}, ObserveEngine{}};
}

std::vector<Agent::Effect> Agent::on(const Event& event, Instant now) {
    std::visit(Overloaded{
                   [&](const Assigned& e) { assigned(e, now); },
                   [&](const PoolSeen& e) { pool_seen(e); },
                   [&](const DatasetLooked& e) { dataset_looked(e); },
                   [&](const ChangedFound& e) { changed_found(e, now); },
                   [&](const LeaseExtended& e) {
                       lease_trouble_.reset();
                       if (e.outcome) return;
                       lease_in_kernel_ = {};
                       lease_trouble_ = e.outcome.error();
                   },
                   [&](const CapacitySeen& e) { room_seen(e, now); },
                   [&](const EngineChanged&) { engine_look_again_ = true; },
                   [&](const EngineSeen& e) { engine_seen(e, now); },
                   [&](const DatasetDone& e) { dataset_done(e, now); },
                   [&](const ContainerDone& e) { container_done(e, now); },
                   [&](const ImageTried& e) { image_tried(e, now); },
                   [&](const HoldingsTold& e) {
                       const auto feed = feeds_.find({e.dataset, e.node});
                       const DatasetSeen* dataset = dataset_here(e.dataset);
                       if (feed != feeds_.end()) feed->second.told(e.held, dataset ? *dataset : DatasetSeen{}, now);
                   },
                   [&](const Sent& e) { sent(e, now); },
                   [&](const SendProgressed& e) {
                       const auto feed = feeds_.find({e.order.dataset, e.order.target.id});
                       if (feed != feeds_.end()) feed->second.progressed(e.progress);
                   },
                   [&](const RoutesApplied& e) { routes_applied(e, now); },
                   [&](const ReportDone& e) { report_done(e); },
                   [&](const AssignmentSaved& e) { assignment_saved(e, now); },
                   [&](const Received& e) {
                       dataset_looks_[e.dataset] = {touch_, now};
                       effects_.push_back(LookAtDataset{e.dataset});
                   },
                   [&](const TakenSeen& e) { taken_seen(e); },
                   [&](const PublishedSeen& e) { published_ = e.ports; },
                   [&](const StrangerFound& e) { found(e.subject, e.text, now); },
                   [](const Tick&) {},
               },
               event);
    work(now);
    return std::exchange(effects_, {});
}

void Agent::assigned(const Assigned& event, Instant now) {
    if (event.assignment.node != settings_.node) return;
    if (assignment_ && fresh_ && event.cached) return;
    if (event.cached) saved_ = event.assignment.revision;
    // A message from before, however it comes so late; also one from before this process began.
    if (assignment_ && event.assignment.revision < assignment_->revision) {
        if (!fresh_) refused_ = event.assignment.revision;
        return;
    }
    refused_.reset();
    std::optional<Assignment> before = std::exchange(assignment_, event.assignment);
    put_in_order(*assignment_);
    volumes_.clear();
    for (const ApplicationAssignment& each : assignment_->applications) {
        if (each.application.volume) volumes_[each.application.volume->dataset] = each.application.name;
    }
    const bool was_fresh = std::exchange(fresh_, !event.cached);

    // What failed under another assignment says nothing about this one.
    const auto changed = [&](const std::string& subject) {
        if (!before || !was_fresh) return true;
        const auto mentions = [&](const Assignment& assignment) {
            std::vector<std::variant<DatasetAssignment, ApplicationAssignment>> parts;
            for (const auto& dataset : assignment.datasets) {
                if (dataset.dataset.value == subject) parts.emplace_back(dataset);
            }
            for (const auto& application : assignment.applications) {
                if (model::subject_of(application.application).value == subject) parts.emplace_back(application);
            }
            return parts;
        };
        return mentions(*before) != mentions(*assignment_);
    };
    for (auto& [subject, lane] : lanes_) {
        if (changed(subject)) worked(lane);
    }
    if (before) note_cutovers(*before, now);
}

void Agent::assignment_saved(const AssignmentSaved& event, Instant now) {
    saving_ = false;
    if (event.outcome) {
        saved_ = std::max(saved_, event.revision);
        save_trouble_.reset();
    } else {
        save_trouble_ = event.outcome.error();
        save_retry_ = now + failure_rest_min;
    }
}

void Agent::pool_seen(const PoolSeen& event) {
    observing_pool_ = false;
    if (!event.datasets) {
        pool_trouble_ = event.datasets.error();
        return;
    }
    pool_trouble_.reset();
    pool_known_ = true;
    std::set<DatasetId> seen;
    for (const DatasetSeen& dataset : *event.datasets) {
        seen.insert(dataset.id);
        if (touched_datasets_[dataset.id] <= pool_look_) datasets_[dataset.id] = dataset;
    }
    std::erase_if(datasets_, [&](const auto& entry) {
        return !seen.contains(entry.first) && touched_datasets_[entry.first] <= pool_look_;
    });
}

void Agent::dataset_looked(const DatasetLooked& event) {
    const auto look = dataset_looks_.find(event.dataset);
    if (look == dataset_looks_.end()) return;
    const DatasetLook began = look->second;
    dataset_looks_.erase(look);
    if (!event.seen || touched_datasets_[event.dataset] > began.touch) return;
    put_dataset(event.dataset, *event.seen);
    if (!*event.seen) return;
    for (auto& [key, feed] : feeds_) {
        if (key.first == event.dataset) feed.looked(**event.seen, began.began);
    }
}

void Agent::changed_found(const ChangedFound& event, Instant now) {
    looking_ = false;
    if (!event.changed) {
        look_due_ = now + failure_rest_min;
        return;
    }
    for (auto& [key, feed] : feeds_) {
        const DatasetId& id = key.first;
        const auto dataset = datasets_.find(id);
        const bool asked = std::ranges::find(event.asked, id) != event.asked.end();
        if (!asked || dataset == datasets_.end() || touched_datasets_[id] > look_touch_) continue;
        dataset->second.changed = event.changed->contains(id);
        feed.looked(dataset->second, look_began_);
    }
}

void Agent::report_done(const ReportDone& event) {
    report_under_way_ = false;
    if (!event.outcome) return;
    acknowledged_news_ = last_news_;
    std::erase_if(incidents_, [&](const Incident& incident) { return incident.number <= incident_reported_; });
    if (event.outcome->leased) lease_until_ = std::max(lease_until_, report_made_ + lease_duration);
}

void Agent::engine_seen(const EngineSeen& event, Instant now) {
    observing_engine_ = false;
    if (!event.engine) {
        engine_trouble_ = event.engine.error();
        return;
    }
    const auto& [containers, images] = *event.engine;
    note_strangers(containers, images, now);
    engine_trouble_.reset();
    images_ = images;
    std::set<ApplicationName> seen;
    for (const ContainerSeen& container : containers) {
        seen.insert(container.application);
        if (touched_containers_[container.application] > engine_look_) continue;
        if (!engine_known_ && container.status == ContainerSeen::Status::running) {
            assumed_ready_.insert(container.container);
        }
        put_container(container);
    }
    engine_known_ = true;
    std::erase_if(containers_, [&](const auto& entry) {
        return !seen.contains(entry.first) && touched_containers_[entry.first] <= engine_look_;
    });
}

void Agent::dataset_done(const DatasetDone& event, Instant now) {
    const DatasetId& id = dataset_of(event.action);
    Lane& lane = lanes_[id.value];
    lane.dataset.reset();
    touched_datasets_[id] = ++touch_;
    if (!event.outcome) {
        failed(lane, event.outcome.error(), now);
        dataset_looks_[id] = {touch_, now};
        effects_.push_back(LookAtDataset{id});
        return;
    }
    worked(lane);
    put_dataset(id, *event.outcome);
    std::visit(Overloaded{[&](const CreateDataset&) { empty_volumes_.insert(id); },
                          [&](const SealDataset&) { measure(id.value, MoveStep::seal, lane.dataset_began, now); },
                          [&](const SyncTrial&) { synced_trials_.insert(id); },
                          [&](const StartTrial&) {
                              synced_trials_.erase(id);
                              measure(id.value, MoveStep::copy, lane.dataset_began, now);
                          },
                          [&](const AdoptTrial&) { synced_trials_.erase(id); },
                          [&](const DiscardTrial&) { synced_trials_.erase(id); }, [](const auto&) {}},
               event.action);
}

void Agent::container_done(const ContainerDone& event, Instant now) {
    const ApplicationName& name = application_of(event.action);
    const bool asked = is_asking(event.action);
    const auto found = std::ranges::find_if(lanes_, [&](const auto& entry) {
        const auto& under_way = asked ? entry.second.asking : entry.second.container;
        return under_way && application_of(*under_way) == name;
    });
    if (found == lanes_.end()) return;
    const std::string& subject = found->first;
    Lane& lane = found->second;
    (asked ? lane.asking : lane.container).reset();
    touched_containers_[name] = ++touch_;
    if (std::holds_alternative<RunHook>(event.action)) {
        return hook_done(subject, event.outcome ? Status{} : tl::unexpected(event.outcome.error()), now);
    }
    if (!event.outcome) {
        failed(lane, event.outcome.error(), now);
        engine_look_again_ = true;
        return;
    }
    worked(lane);
    if (!*event.outcome) {
        containers_.erase(name);
        return;
    }
    const ContainerSeen* before = container_of(name);
    const bool ran = before && before->status == ContainerSeen::Status::running;
    ContainerSeen seen = **event.outcome;
    seen.ready = false;
    put_container(seen);
    const bool runs = seen.status == ContainerSeen::Status::running;
    if (asked && runs) {
        containers_[name].ready = true;
        containers_[name].killed_after = seen.killed_after;
    }
    std::visit(Overloaded{[&](const AwaitReady&) {
                              // What a database does once in its life says nothing of its next start.
                              if (empty_volumes_.erase(DatasetId{subject}) > 0) return;
                              measure(subject, MoveStep::ready, lane.asking_began, now);
                          },
                          [&](const StopContainer&) {
                              if (ran) measure(subject, MoveStep::stop, lane.container_began, now);
                          },
                          [&](const StartContainer&) {
                              if (runs) measure(subject, MoveStep::start, lane.container_began, now);
                          },
                          [&](const ReleaseContainer&) { measure(subject, MoveStep::start, lane.container_began, now); },
                          [](const auto&) {}},
               event.action);
}

void Agent::image_tried(const ImageTried& event, Instant now) {
    const auto supply = image_supplies_.find(event.image);
    if (supply == image_supplies_.end()) return;
    supply->second.tried(event.outcome, now);
    if (event.outcome) {
        images_.insert(event.image);
        image_supplies_.erase(supply);
    }
}

void Agent::sent(const Sent& event, Instant now) {
    const FeedKey key{event.order.dataset, event.order.target.id};
    const auto feed = feeds_.find(key);
    if (feed == feeds_.end()) return;
    feed->second.sent(event.receipt, now);
    const DatasetSeen* dataset = dataset_here(event.order.dataset);
    if (event.receipt && event.order.urgent && dataset && dataset->seal && dataset->seal->snapshot == event.order.to) {
        // A feed that was begun anew meanwhile has not made this round.
        const auto& rounds = feed->second.seen().last_rounds;
        const bool its_own = !rounds.empty() && rounds.back().to == event.order.to;
        if (its_own) measure(event.order.dataset.value, MoveStep::increment, now - rounds.back().took, now);
    }
    if (event.receipt) to_note_[key] = event.order.to;
}

void Agent::routes_applied(const RoutesApplied& event, Instant now) {
    routes_under_way_.reset();
    if (event.outcome) {
        routes_in_force_ = event.table;
        routes_trouble_.reset();
        return measure_routes(now);
    }
    routes_in_force_.reset();
    routes_trouble_ = event.outcome.error();
    routes_retry_ = now + routes_rest;
}

void Agent::put_dataset(const DatasetId& id, const std::optional<DatasetSeen>& seen) {
    if (seen) {
        datasets_[id] = *seen;
    } else {
        datasets_.erase(id);
    }
}

void Agent::put_container(ContainerSeen seen) {
    const auto before = containers_.find(seen.application);
    const bool same_run = before != containers_.end() && before->second.container == seen.container &&
                          before->second.started == seen.started &&
                          before->second.status == ContainerSeen::Status::running &&
                          seen.status == ContainerSeen::Status::running;
    seen.ready = same_run && before->second.ready;
    if (same_run) seen.killed_after = before->second.killed_after;
    containers_[seen.application] = std::move(seen);
}

void Agent::failed(Lane& lane, const Error& error, Instant now) {
    if (lane.failures == 0) lane.failing_since = now;
    ++lane.failures;
    lane.trouble = error;
    lane.complained = false;
    const auto factor = std::int64_t{1} << std::min(lane.failures - 1, 10U);
    lane.rest_until = now + std::min(failure_rest_min * factor, failure_rest_max);
}

void Agent::worked(Lane& lane) {
    lane.failures = 0;
    lane.rest_until.reset();
    lane.trouble.reset();
}

Status Agent::admit(const NodeId& from, const DatasetId& dataset, Epoch epoch, const SnapshotId& to, bool whole) const {
    const DatasetAssignment* assigned = dataset_assignment(dataset);
    if (!fresh_ || !assigned || (assigned->duty != Duty::receive && assigned->duty != Duty::trial)) {
        return fail(ErrorCode::denied, "volume " + dataset.value + " is not expected here");
    }
    if (assigned->owner != from) return fail(ErrorCode::denied, "only the owner of volume " + dataset.value + " may send it");
    if (assigned->epoch != epoch || to.epoch > epoch) {
        return fail(ErrorCode::denied, "volume " + dataset.value + " is at epoch " + std::to_string(assigned->epoch.value) +
                                           " here, the offer is of epoch " + std::to_string(epoch.value));
    }
    if (!pool_known_) return fail(ErrorCode::unavailable, "this node's agent has just started");
    const DatasetSeen* seen = dataset_here(dataset);
    if (seen && (seen->live || seen->epoch > epoch)) {
        return fail(ErrorCode::unavailable, "volume " + dataset.value + " is still being stepped down here");
    }
    // Of an assignment before this one: what came in meanwhile would go with it.
    const auto lane = lanes_.find(dataset.value);
    if (lane != lanes_.end() && lane->second.dataset && std::holds_alternative<ReleaseReplica>(*lane->second.dataset)) {
        return fail(ErrorCode::unavailable, "the replica of volume " + dataset.value + " is still being let go here");
    }
    // A move goes ahead; it was refused if there was no room for it.
    const ApplicationAssignment* application = application_on(dataset);
    const bool stands_by = !application || application->intent == Intent::stand_by;
    if (whole && stands_by && pool_short_since_) {
        return fail(ErrorCode::unavailable, "the pool of " + own_name() + " is short: it takes no full copy");
    }
    return {};
}

Status Agent::knows(const NodeId& node) const {
    if (!assignment_) return fail(ErrorCode::unavailable, "this node's agent has just started");
    if (member(node)) return {};
    return fail(ErrorCode::denied, "node " + node.value + " is no member of the cluster that this node is in");
}

const DatasetSeen* Agent::dataset_here(const DatasetId& dataset) const {
    const auto found = datasets_.find(dataset);
    return found == datasets_.end() ? nullptr : &found->second;
}

const DatasetAssignment* Agent::dataset_assignment(const DatasetId& dataset) const {
    if (!assignment_) return nullptr;
    const auto found = std::ranges::lower_bound(assignment_->datasets, dataset, {}, &DatasetAssignment::dataset);
    return found == assignment_->datasets.end() || found->dataset != dataset ? nullptr : &*found;
}

const ApplicationAssignment* Agent::application_assignment(const ApplicationName& name) const {
    if (!assignment_) return nullptr;
    const auto key = [](const ApplicationAssignment& each) -> const ApplicationName& { return each.application.name; };
    const auto found = std::ranges::lower_bound(assignment_->applications, name, {}, key);
    return found == assignment_->applications.end() || key(*found) != name ? nullptr : &*found;
}

const ApplicationAssignment* Agent::application_of_subject(const std::string& subject) const {
    const auto found = std::ranges::find_if(assignment_->applications, [&](const ApplicationAssignment& each) {
        return subject_of(each.application).value == subject;
    });
    return found == assignment_->applications.end() ? nullptr : &*found;
}

const ApplicationAssignment* Agent::application_on(const DatasetId& dataset) const {
    const auto found = volumes_.find(dataset);
    return found == volumes_.end() ? nullptr : application_assignment(found->second);
}

const ContainerSeen* Agent::container_of(const ApplicationName& name) const {
    const auto found = containers_.find(name);
    return found == containers_.end() ? nullptr : &found->second;
}

const Node* Agent::member(const NodeId& id) const {
    const auto found = std::ranges::find(assignment_->nodes, id, &Node::id);
    return found == assignment_->nodes.end() ? nullptr : &*found;
}

std::string Agent::own_name() const {
    const Node* self = member(settings_.node);
    return self ? self->name : settings_.node.value;
}

}  // namespace flocker::protocol
