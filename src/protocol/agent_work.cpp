// SPDX-License-Identifier: Apache-2.0
//
// What the agent does: looks at each subject, image and the routes, begins what may begin now,
// and reports what it sees.
#include <fmt/format.h>

#include <algorithm>

#include "plan/hooks.hpp"
#include "protocol/agent.hpp"
#include "protocol/routes.hpp"

namespace flocker::protocol {
namespace {

using namespace model;

constexpr Duration report_interval = 1s;
/// Everything that matters is told by outcomes and by the engine's events; this finds the rest.
constexpr Duration observe_interval = 10s;
/// Between two looks at the room that the pool has.
constexpr Duration room_interval = 1s;
/// Docker's own: the rest before a restart doubles from here, and starts again after a good run.
constexpr Duration restart_rest_min = 100ms;
constexpr Duration restart_rest_max = 60s;
constexpr Duration good_run = 10s;
/// What a step took on a node that has nothing to do with its subject any more.
constexpr Duration forgotten_after = 60s;

std::string dotted(std::uint32_t address) {
    return fmt::format("{}.{}.{}.{}", address >> 24U, (address >> 16U) & 0xffU, (address >> 8U) & 0xffU, address & 0xffU);
}

}  // namespace

void Agent::work(Instant now) {
    forget_incidents(now);
    observe_if_due(now);
    if (assignment_ && fresh_ && !saving_ && saved_ < assignment_->revision && (!save_trouble_ || now >= save_retry_)) {
        saving_ = true;
        effects_.push_back(SaveAssignment{*assignment_});
    }
    if (assignment_ && pool_known_ && engine_known_) {
        work_lease(now);
        work_room(now);
        work_feeds(now);
        work_looks(now);
        for (const DatasetAssignment& dataset : assignment_->datasets) {
            const ApplicationAssignment* application = application_on(dataset.dataset);
            const ContainerSeen* container = application ? container_of(application->application.name) : nullptr;
            const std::string& subject = dataset.dataset.value;
            work_on(subject, sight(subject, &dataset, application, container, now), now);
        }
        for (const ApplicationAssignment& application : assignment_->applications) {
            if (application.application.volume) continue;
            const std::string subject = subject_of(application.application).value;
            work_on(subject, sight(subject, nullptr, &application, container_of(application.application.name), now), now);
        }
        for (const auto& [name, container] : containers_) {
            if (application_assignment(name)) continue;
            const std::string subject = "app:" + name.value;
            work_on(subject, sight(subject, nullptr, nullptr, &container, now), now);
        }
        std::erase_if(steps_, [&](const auto& entry) {
            return now - entry.second.ended > forgotten_after && !is_assigned(entry.first.first);
        });
        std::erase_if(restarts_, [&](const auto& entry) { return !application_assignment(entry.first); });
        // An address that nobody has any more may be given away.
        std::erase_if(addresses_, [&](const auto& entry) {
            return !application_assignment(entry.first) && !container_of(entry.first);
        });
        std::erase_if(lanes_, [&](const auto& entry) {
            const auto& [subject, lane] = entry;
            const bool idle = !lane.dataset && !lane.container && !lane.asking;
            const bool stranger = subject.starts_with("app:") && !containers_.contains(ApplicationName{subject.substr(4)}) &&
                                  !application_assignment(ApplicationName{subject.substr(4)});
            return idle && stranger;
        });
        work_images(now);
        work_routes(now);
    }
    report(now);
}

void Agent::observe_if_due(Instant now) {
    const bool due = now >= observe_due_;
    if (due) observe_due_ = now + observe_interval;
    if (now >= room_due_) {
        room_due_ = now + room_interval;
        effects_.push_back(MeasurePool{});
    }
    if ((due || pool_trouble_) && !observing_pool_) {
        if (pool_trouble_ && !due) return;
        observing_pool_ = true;
        pool_look_ = touch_;
        effects_.push_back(ObservePool{});
    }
    if ((due || engine_look_again_) && !observing_engine_) {
        engine_look_again_ = false;
        observing_engine_ = true;
        engine_look_ = touch_;
        effects_.push_back(ObserveEngine{});
    }
}

Sight Agent::sight(const std::string& subject, const DatasetAssignment* dataset, const ApplicationAssignment* application,
                   const ContainerSeen* container, Instant now) {
    const Lane& lane = lanes_[subject];
    Sight sight;
    sight.now = now;
    sight.dataset = dataset;
    sight.application = application;
    sight.dataset_seen = dataset ? dataset_here(dataset->dataset) : nullptr;
    sight.container = container;
    sight.assignment_fresh = fresh_;
    sight.revision = assignment_->revision;
    sight.strangers_gone = strangers_gone();
    if (application) {
        sight.spec = spec_of(*application);
        sight.spec.address = address_for(application->application.name);
        sight.image_present = images_.contains(application->application.image);
        sight.ports_closed = ports_closed(application->application);
        sight.lease_out = application->leased && !lease_runs_ && !lease_may_come_;
        if (application->hook_for.value != 0 && !plan::hook_of(application->application).empty()) {
            const auto hooked = steps_.find({subject, MoveStep::hook});
            sight.hook_wanted = hooked == steps_.end() || hooked->second.move != application->hook_for;
        }
        if (container && container->status == ContainerSeen::Status::exited) {
            sight.start_allowed = start_allowed(*application, *container, now);
        }
    }
    if (dataset) {
        sight.trial_synced = synced_trials_.contains(dataset->dataset);
        for (auto entry = feeds_.lower_bound({dataset->dataset, NodeId{}}); entry != feeds_.end(); ++entry) {
            const auto& [key, feed] = *entry;
            if (key.first != dataset->dataset) break;
            if (is_let_go(key.first, key.second)) continue;
            sight.feeds = true;
            sight.snapshot_wanted = sight.snapshot_wanted || feed.wants_snapshot();
            // What the other side holds is not known yet: whatever is here may be the base.
            sight.bases_unknown = sight.bases_unknown || !feed.has_asked();
            for (const SnapshotId& id : feed.in_use()) sight.snapshots_in_use.insert(id);
        }
        sight.pool_short = pool_short_since_.has_value();
        if (const auto let_go = let_go_.find(dataset->dataset); let_go != let_go_.end()) {
            sight.let_go = let_go->second.replicas;
            sight.newest_goes = newest_goes(*dataset);
        }
    }
    sight.dataset_exclusive_busy = lane.dataset && !is_shared(*lane.dataset);
    sight.dataset_shared_busy = lane.dataset && is_shared(*lane.dataset);
    sight.container_busy = container && std::ranges::any_of(lanes_, [&](const auto& entry) {
        return entry.second.container && application_of(*entry.second.container) == container->application;
    });
    sight.container_busy = sight.container_busy || lane.container.has_value();
    sight.asking_busy = lane.asking.has_value();
    return sight;
}

void Agent::work_on(const std::string& subject, const Sight& sight, Instant now) {
    Lane& lane = lanes_[subject];
    if (lane.rest_until && now < *lane.rest_until) return;
    lane.rest_until.reset();
    const std::vector<Step> steps = next_steps(sight);
    const bool complains = std::ranges::any_of(steps, [](const Step& step) { return std::holds_alternative<Complain>(step); });
    if (lane.complained && !complains) {
        lane.complained = false;
        worked(lane);
    }
    if (sight.lease_out && sight.container && !steps.empty()) {
        starts_anyway_[sight.container->container] = sight.container->started;
    }
    for (const Step& step : steps) begin_step(subject, step, now);
    if (sight.dataset && steps.empty()) note_acknowledged(subject, sight.dataset->dataset);
}

void Agent::begin_step(const std::string& subject, const Step& step, Instant now) {
    Lane& lane = lanes_[subject];
    std::visit(Overloaded{
                   [&](const DatasetAction& action) {
                       lane.dataset = action;
                       lane.dataset_began = now;
                       touched_datasets_[dataset_of(action)] = ++touch_;
                       effects_.push_back(DoToDataset{action});
                   },
                   [&](const ContainerAction& action) {
                       if (is_asking(action)) {
                           lane.asking = action;
                           lane.asking_began = now;
                       } else {
                           lane.container = action;
                           lane.container_began = now;
                           touched_containers_[application_of(action)] = ++touch_;
                       }
                       effects_.push_back(DoToContainer{action});
                   },
                   [&](const GetImage& get) { image_supplies_.try_emplace(get.image, get.image); },
                   [&](const Complain& complaint) {
                       if (lane.failures == 0) {
                           lane.failures = 1;
                           lane.failing_since = now;
                       }
                       lane.trouble = complaint.error;
                       lane.complained = true;
                   },
               },
               step);
}

void Agent::note_acknowledged(const std::string& subject, const DatasetId& dataset) {
    const auto note = std::ranges::find_if(to_note_, [&](const auto& entry) { return entry.first.first == dataset; });
    Lane& lane = lanes_[subject];
    if (note == to_note_.end() || lane.dataset || !dataset_here(dataset)) return;
    lane.dataset = NoteAcknowledged{dataset, note->first.second, note->second};
    touched_datasets_[dataset] = ++touch_;
    effects_.push_back(DoToDataset{*lane.dataset});
    to_note_.erase(note);
}

void Agent::work_lease(Instant now) {
    lease_runs_ = now < lease_until_;
    lease_may_come_ = now < settings_.started + lease_duration;
    const bool needed = std::ranges::any_of(assignment_->applications, &ApplicationAssignment::leased);
    // One lease for the whole node: what is not this node's any more has to be gone first.
    const bool clean = std::ranges::none_of(containers_, [&](const auto& entry) { return is_given_away(entry.second); });
    if (!needed || !clean || !lease_runs_ || lease_until_ <= lease_in_kernel_) return;
    lease_in_kernel_ = lease_until_;
    effects_.push_back(ExtendLease{lease_until_});
}

void Agent::work_images(Instant now) {
    std::set<std::string> needed;
    for (const ApplicationAssignment& application : assignment_->applications) needed.insert(application.application.image);
    std::erase_if(image_supplies_, [&](const auto& entry) { return !needed.contains(entry.first); });
    std::vector<NodeId> others;
    for (const Node& node : assignment_->nodes) {
        if (node.id != settings_.node) others.push_back(node.id);
    }
    for (auto& [image, supply] : image_supplies_) {
        const auto effect = supply.next(others, now);
        if (!effect) continue;
        std::visit(Overloaded{[&](const ImageSupply::Fetch& fetch) {
                                  if (const Node* from = member(fetch.from)) effects_.push_back(FetchImage{fetch.image, *from});
                              },
                              [&](const ImageSupply::Pull& pull) { effects_.push_back(PullImage{pull.image}); }},
                   *effect);
    }
}

void Agent::work_routes(Instant now) {
    if (routes_under_way_ || (routes_trouble_ && now < routes_retry_)) return;
    RouteTable table = route_table(*assignment_, [&](const ApplicationName& name) {
        const ApplicationAssignment* application = application_assignment(name);
        if (!application) return LocalService{};
        const ContainerSeen* container = container_of(name);
        return LocalService{is_open(*application), is_starting(*application), container ? container->address : "",
                            application->leased};
    });
    keep_leased(table);
    if (routes_in_force_ == table) return;
    routes_under_way_ = table;
    effects_.push_back(ApplyRoutes{std::move(table)});
}

/// As long as its container has a process, an address that is served under the lease stays cut off without
/// it: connections that are open must not be answered again while the container is being stopped.
void Agent::keep_leased(RouteTable& table) const {
    for (const Route& route : assignment_->routes) {
        const ContainerSeen* container = container_of(route.application);
        if (!container || !has_process(container->status) || container->address.empty()) continue;
        const ExternalPort external(route.external, route.protocol);
        RouteEntry& entry = table[external];
        if (entry.target && entry.target->local) continue;
        const ApplicationAssignment* application = application_assignment(route.application);
        const auto before = routes_in_force_ ? routes_in_force_->find(external) : RouteTable::const_iterator{};
        const bool was_leased = routes_in_force_ && before != routes_in_force_->end() && before->second.leased;
        const bool given_away = is_given_away(*container);
        const bool leased = (application && application->leased && container->status == ContainerSeen::Status::running);
        if (!leased && !(given_away && (was_leased || !routes_in_force_))) continue;
        entry = RouteEntry{RouteTarget{container->address, route.internal, true}, true, true};
    }
}

/// It runs here, and nobody wants that any more.
bool Agent::is_given_away(const ContainerSeen& container) const {
    if (container.status != ContainerSeen::Status::running) return false;
    const ApplicationAssignment* application = application_assignment(container.application);
    return !application || application->intent == Intent::stand_by || application->intent == Intent::prepare;
}

bool Agent::is_open(const ApplicationAssignment& application) const {
    const ContainerSeen* container = container_of(application.application.name);
    if (application.intent != Intent::run || application.move.value != 0) return false;
    if (application.leased && !lease_runs_) return false;
    if (!container || container->status != ContainerSeen::Status::running) return false;
    const auto lane = lanes_.find(subject_of(application.application).value);
    // On its way down, on our word: whoever comes waits for what comes after it.
    if (lane != lanes_.end() && lane->second.container) return false;
    const bool outdated = container->fingerprint != fingerprint(spec_of(application));
    if (outdated && images_.contains(application.application.image)) return false;
    const bool gave_up_waiting = lane != lanes_.end() && lane->second.failures > 0 && !container->ready;
    if (!container->ready && !assumed_ready_.contains(container->container) && !gave_up_waiting) return false;
    if (!application.application.volume) return true;
    const DatasetAssignment* assigned = dataset_assignment(application.application.volume->dataset);
    const DatasetSeen* dataset = dataset_here(application.application.volume->dataset);
    if (!assigned || assigned->duty != Duty::serve || !dataset || dataset->seal) return false;
    if (dataset->live) return dataset->epoch == assigned->epoch;
    // The trial that the commit has made the dataset: its renaming has not to be waited for.
    return dataset->trial && dataset->trial->move == assigned->move && assigned->move.value != 0;
}

bool Agent::is_starting(const ApplicationAssignment& application) const {
    if (application.intent != Intent::run) return false;
    if (application.leased && !lease_runs_) return lease_may_come_;
    const auto lane = lanes_.find(subject_of(application.application).value);
    if (lane != lanes_.end() && lane->second.failures > 0) return false;
    const ContainerSeen* container = container_of(application.application.name);
    if (!container || container->status != ContainerSeen::Status::exited) return true;
    if (container->fingerprint != fingerprint(spec_of(application)) || starts_anyway(*container)) return true;
    const auto restarts = restarts_.find(application.application.name);
    return restarts != restarts_.end() && restarts->second.container == container->container && restarts->second.in_a_row <= 1 &&
           application.application.restart_policy.name != RestartPolicy::Name::never;
}

bool Agent::ports_closed(const Application& application) const {
    if (!routes_in_force_) return false;
    return std::ranges::all_of(application.ports, [&](const Port& port) {
        const auto entry = routes_in_force_->find(external_of(port));
        return entry == routes_in_force_->end() || entry->second.held || !entry->second.target || !entry->second.target->local;
    });
}

bool Agent::is_leased_in_kernel(const Application& application) const {
    if (!routes_in_force_) return false;
    return std::ranges::all_of(application.ports, [&](const Port& port) {
        const auto entry = routes_in_force_->find(external_of(port));
        const bool local = entry != routes_in_force_->end() && entry->second.target && entry->second.target->local;
        return !local || entry->second.leased;
    });
}

bool Agent::strangers_gone() const {
    return std::ranges::all_of(containers_, [&](const auto& entry) { return application_assignment(entry.first) != nullptr; });
}

bool Agent::start_allowed(const ApplicationAssignment& application, const ContainerSeen& container, Instant now) {
    if (container.started < settings_.booted || starts_anyway(container)) return true;
    Restarts& restarts = restarts_[application.application.name];
    if (restarts.container != container.container) restarts = Restarts{container.container, 0, std::nullopt, {}};
    if (restarts.exit_seen != container.finished) {
        restarts.in_a_row = container.finished - container.started >= good_run ? 1 : restarts.in_a_row + 1;
        restarts.exit_seen = container.finished;
        const auto factor = std::int64_t{1} << std::min(restarts.in_a_row - 1, 12U);
        restarts.next = now + std::min(restart_rest_min * factor, restart_rest_max);
    }
    const RestartPolicy& policy = application.application.restart_policy;
    switch (policy.name) {
        case RestartPolicy::Name::never: return false;
        case RestartPolicy::Name::on_failure:
            if (container.exit_code == 0) return false;
            if (policy.maximum_retry_count && restarts.in_a_row > *policy.maximum_retry_count) return false;
            break;
        case RestartPolicy::Name::always: break;
    }
    return now >= restarts.next;
}

ContainerSpec Agent::spec_of(const ApplicationAssignment& application) const {
    ContainerSpec spec;
    spec.application = application.application;
    const Node* self = member(settings_.node);
    spec.links_host = self ? self->address : "";
    if (application.application.volume) {
        spec.volume_source = settings_.volumes + "/" + application.application.volume->dataset.value;
    }
    spec.incarnation = application.incarnation;
    return spec;
}

std::string Agent::address_for(const ApplicationName& application) {
    const ContainerSeen* container = container_of(application);
    if (container && !container->address.empty()) return addresses_[application] = container->address;
    if (const auto known = addresses_.find(application); known != addresses_.end()) return known->second;
    std::set<std::string> used;
    for (const auto& [name, seen] : containers_) used.insert(seen.address);
    for (const auto& [name, address] : addresses_) {
        if (application_assignment(name)) used.insert(address);
    }
    for (std::uint32_t i = 0; i < settings_.address_count; ++i) {
        std::string address = dotted(settings_.first_address + i);
        if (!used.contains(address)) return addresses_[application] = address;
    }
    return {};
}

/// What is worth a report of its own at once. How far replicas have come, outside of moves, waits for the
/// next one that is due.
NodeReport Agent::news_of(NodeReport report) const {
    report.sequence = 0;
    report.at = {};
    report.pool_free = {};
    // Each is among the problems as well, and stays there.
    report.incidents.clear();
    const auto is_moving = [&](const DatasetId& id) {
        const DatasetAssignment* assigned = dataset_assignment(id);
        return assigned && (assigned->feed || assigned->duty == Duty::seal || assigned->duty == Duty::trial);
    };
    for (FeedSeen& feed : report.feeds) {
        if (is_moving(feed.dataset)) continue;
        FeedSeen told;
        told.dataset = feed.dataset;
        told.to = feed.to;
        told.trouble = feed.trouble;
        told.let_go = feed.let_go;
        feed = std::move(told);
    }
    for (DatasetSeen& dataset : report.datasets) {
        if (is_moving(dataset.id)) continue;
        dataset.snapshots.clear();
        dataset.acknowledged.clear();
        dataset.changed = false;
    }
    return report;
}

void Agent::report(Instant now) {
    if (report_under_way_) return;
    NodeReport seen = observed();
    const bool due = now >= report_due_;
    if (due && !std::exchange(finding_taken_, true)) effects_.push_back(FindTaken{});
    NodeReport news = news_of(seen);
    // The same news is not sent twice in a hurry, not even while the control service is away.
    if (!due && (acknowledged_news_ == news || last_news_ == news)) return;
    seen.sequence = ++report_sequence_;
    seen.at = now;
    report_made_ = now;
    report_due_ = now + report_interval;
    report_under_way_ = true;
    last_news_ = std::move(news);
    incident_reported_ = incident_number_;
    effects_.push_back(SendReport{std::move(seen)});
}

NodeReport Agent::observed() const {
    NodeReport seen;
    seen.node = settings_.node;
    seen.agent_started = settings_.started;
    seen.revision = assignment_ && fresh_ && pool_known_ && engine_known_ ? assignment_->revision : Revision{0};
    seen.looked = pool_known_;
    for (const auto& [id, dataset] : datasets_) seen.datasets.push_back(dataset);
    for (const auto& [name, container] : containers_) {
        ContainerSeen reported = container;
        if (const ApplicationAssignment* application = application_assignment(name)) {
            const auto& volume = application->application.volume;
            const bool durable = application->move.value == 0 || !volume || synced_trials_.contains(volume->dataset);
            const bool current = container.fingerprint == fingerprint(spec_of(*application));
            const bool waits = container.status == ContainerSeen::Status::waiting;
            reported.ready = current && (waits || (container.ready && durable));
        }
        seen.containers.push_back(std::move(reported));
    }
    for (const auto& [key, feed] : feeds_) {
        seen.feeds.push_back(feed.seen());
        if (feed.trouble()) seen.feeds.back().trouble = feed.trouble()->message;
        if (!is_let_go(key.first, key.second)) continue;
        seen.feeds.back().trouble = let_go_text(key.first, key.second);
        seen.feeds.back().let_go = had_snapshots(key.first, key.second);
    }
    seen.images = images_;
    seen.taken_ports = taken_ports();
    if (routes_in_force_) {
        for (const auto& [external, entry] : *routes_in_force_) {
            if (entry.held || !entry.target) continue;
            (external.protocol == Protocol::udp ? seen.open_udp_routes : seen.open_routes).insert(external.number);
        }
    }
    if (assignment_) {
        for (const auto& [application, intent, move, incarnation, hook, leased] : assignment_->applications) {
            if (leased && is_leased_in_kernel(application)) seen.leased.insert(application.name);
        }
    }
    seen.problems = problems();
    seen.incidents = incidents_;
    for (const auto& [key, step] : steps_) seen.steps.push_back(step);
    seen.pool_size = pool_size_;
    seen.pool_free = pool_free_;
    seen.pool_short = pool_short_since_.has_value();
    return seen;
}

bool Agent::is_assigned(const std::string& subject) const {
    return dataset_assignment(DatasetId{subject}) || application_of_subject(subject);
}

Instant Agent::deadline(Instant now) const {
    Instant next = std::min({observe_due_, report_due_, room_due_});
    for (const auto& [subject, lane] : lanes_) {
        if (lane.rest_until) next = std::min(next, *lane.rest_until);
    }
    for (const auto& [key, feed] : feeds_) {
        if (is_let_go(key.first, key.second)) continue;
        if (feed.deadline()) next = std::min(next, *feed.deadline());
        if (feed.wants_look() && !looking_) next = std::min(next, std::max(look_due_, now));
    }
    if (lease_until_ > now) next = std::min(next, lease_until_);
    for (const auto& [image, supply] : image_supplies_) {
        if (supply.deadline()) next = std::min(next, *supply.deadline());
    }
    for (const auto& [name, restarts] : restarts_) {
        if (restarts.next > now) next = std::min(next, restarts.next);
    }
    if (routes_trouble_) next = std::min(next, routes_retry_);
    if (save_trouble_) next = std::min(next, save_retry_);
    return next;
}

}  // namespace flocker::protocol
