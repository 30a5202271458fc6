// SPDX-License-Identifier: Apache-2.0
#include "driver/agent_driver.hpp"

#include <algorithm>

namespace flocker::driver {
namespace {

using protocol::Agent;

/// Ticks are not closer together than this, whatever the machine's deadline says.
constexpr Duration tick_min = 10ms;

}  // namespace

AgentDriver::AgentDriver(Ports ports, Agent::Settings settings, Trace trace)
    : ports_(ports), trace_(std::move(trace)), agent_(std::move(settings)) {}

void AgentDriver::start() {
    ports_.router.watch(alive_.guard([this](const std::string& found) {
        trace_("found: " + found);
        feed(Agent::StrangerFound{"routes", found});
    }));
    ports_.engine.watch(alive_.guard([this] { feed(Agent::EngineChanged{}); }));
    ports_.cache.load(alive_.guard([this](Result<std::optional<model::Assignment>> cached) {
        if (!cached) trace_("the cached assignment can't be read: " + cached.error().message);
        if (cached && *cached) feed(Agent::Assigned{**cached, true});
        ports_.control.watch(alive_.guard([this](const model::Assignment& assignment) {
            feed(Agent::Assigned{assignment, false});
        }));
    }));
    for (const auto& effect : agent_.begin()) perform(effect);
    arm();
}

void AgentDriver::feed(const Agent::Event& event) {
    for (const auto& effect : agent_.on(event, ports_.loop.now())) perform(effect);
    arm();
}

void AgentDriver::arm() {
    const Instant now = ports_.loop.now();
    const Instant due = std::max(agent_.deadline(now), now + tick_min);
    if (armed_ && *armed_ <= due && *armed_ > now) return;
    armed_ = due;
    ports_.loop.after(due - now, alive_.guard([this, due] {
        if (armed_ != due) return;
        armed_.reset();
        feed(Agent::Tick{});
    }));
}

void AgentDriver::observe_pool() {
    ports_.datasets.observe(alive_.guard([this](Result<std::vector<model::DatasetSeen>> datasets) {
        feed(Agent::PoolSeen{std::move(datasets)});
    }));
}

void AgentDriver::measure_pool() {
    ports_.datasets.capacity(alive_.guard([this](Result<ports::Capacity> capacity) {
        if (capacity) feed(Agent::CapacitySeen{capacity->size, capacity->free});
    }));
}

void AgentDriver::perform(const Agent::Effect& effect) {
    if (const std::string line = describe(effect); !line.empty()) trace_(line);
    const auto told = [this](const std::string& what, const auto& outcome) {
        if (!outcome) trace_("failed: " + what + ": " + outcome.error().message);
    };
    std::visit(
        Overloaded{
            [&](const Agent::ObservePool&) { observe_pool(); },
            [&](const Agent::MeasurePool&) { measure_pool(); },
            [&](const Agent::LookAtDataset& look) {
                const auto looked = [this, look](Result<std::optional<model::DatasetSeen>> seen) {
                    feed(Agent::DatasetLooked{look.dataset, std::move(seen)});
                };
                ports_.datasets.observe_one(look.dataset, alive_.guard(looked));
            },
            [&](const Agent::FindChanged& find) {
                ports_.datasets.find_changed(find.datasets,
                                             alive_.guard([this, find](Result<std::set<model::DatasetId>> changed) {
                                                 feed(Agent::ChangedFound{find.datasets, std::move(changed)});
                                             }));
            },
            [&](const Agent::ExtendLease& extend) {
                ports_.router.extend_lease(extend.until, alive_.guard([this, extend, told](Status outcome) {
                    told("extend the lease", outcome);
                    feed(Agent::LeaseExtended{extend.until, std::move(outcome)});
                }));
            },
            [&](const Agent::FindTaken&) {
                ports_.router.find_taken(alive_.guard([this](Result<std::vector<model::TakenPort>> taken) {
                    feed(Agent::TakenSeen{std::move(taken)});
                }));
            },
            [&](const Agent::ObserveEngine&) {
                ports_.engine.observe(alive_.guard([this](Result<ports::EngineSeen> seen) {
                    if (!seen) return feed(Agent::EngineSeen{tl::unexpected(seen.error())});
                    feed(Agent::PublishedSeen{std::move(seen->published)});
                    feed(Agent::EngineSeen{std::pair(std::move(seen->containers), std::move(seen->images))});
                }));
            },
            [&](const Agent::DoToDataset& act) {
                const auto done = [this, act, told](Result<std::optional<model::DatasetSeen>> outcome) {
                    told(describe(act.action), outcome);
                    feed(Agent::DatasetDone{act.action, std::move(outcome)});
                };
                ports_.datasets.perform(act.action, alive_.guard(done));
            },
            [&](const Agent::DoToContainer& act) {
                const auto done = [this, act, told](Result<std::optional<model::ContainerSeen>> outcome) {
                    told(describe(act.action), outcome);
                    feed(Agent::ContainerDone{act.action, std::move(outcome)});
                };
                ports_.engine.perform(act.action, alive_.guard(done));
            },
            [&](const Agent::FetchImage& fetch) {
                ports_.link.fetch_image(fetch.from, fetch.image, alive_.guard([this, fetch, told](Status outcome) {
                    told("fetch image " + fetch.image, outcome);
                    feed(Agent::ImageTried{fetch.image, std::move(outcome)});
                }));
            },
            [&](const Agent::PullImage& pull) {
                ports_.engine.pull(pull.image, alive_.guard([this, pull, told](Status outcome) {
                    told("pull image " + pull.image, outcome);
                    feed(Agent::ImageTried{pull.image, std::move(outcome)});
                }));
            },
            [&](const Agent::AskHoldings& ask) {
                ports_.link.holdings(ask.node, ask.dataset, alive_.guard([this, ask, told](Result<ports::Holdings> holdings) {
                    told("ask " + ask.node.name, holdings);
                    const auto held = [](ports::Holdings&& all) {
                        return protocol::Feed::Held{std::move(all.snapshots), std::move(all.partial)};
                    };
                    feed(Agent::HoldingsTold{ask.dataset, ask.node.id, std::move(holdings).transform(held)});
                }));
            },
            [&](const Agent::SendSnapshot& send) {
                const auto progressed = [this, send](model::SendProgress progress) {
                    feed(Agent::SendProgressed{send.order, progress});
                };
                ports_.link.send(
                    send.order, alive_.guard(progressed),
                    alive_.guard([this, send, told](Result<model::SendReceipt> receipt) {
                        told("send " + model::to_text(send.order.to), receipt);
                        feed(Agent::Sent{send.order, std::move(receipt)});
                    }));
            },
            [&](const Agent::ApplyRoutes& apply) {
                ports_.router.apply(apply.table, alive_.guard([this, apply, told](Status outcome) {
                    told("routes", outcome);
                    feed(Agent::RoutesApplied{apply.table, std::move(outcome)});
                }));
            },
            [&](const Agent::SendReport& send) {
                ports_.control.report(send.report, alive_.guard([this](Result<model::ReportReceipt> outcome) {
                    feed(Agent::ReportDone{std::move(outcome)});
                }));
            },
            [&](const Agent::LimitSends& limit) { ports_.link.limit(limit.limits); },
            [&](const Agent::SaveAssignment& save) {
                ports_.cache.save(save.assignment, alive_.guard([this, save, told](Status outcome) {
                    told("keep the assignment", outcome);
                    feed(Agent::AssignmentSaved{save.assignment.revision, std::move(outcome)});
                }));
            },
        },
        effect);
}

Status AgentDriver::admit(const ports::SnapshotOffer& offer) {
    return agent_.admit(offer.from, offer.dataset, offer.epoch, offer.to, !offer.base);
}

void AgentDriver::received(const ports::SnapshotOffer& offer) { feed(Agent::Received{offer.dataset}); }

ports::Holdings AgentDriver::holdings(const model::DatasetId& dataset) const {
    ports::Holdings held;
    if (const model::DatasetSeen* seen = agent_.dataset_here(dataset)) {
        held.epoch = seen->epoch;
        for (const model::SnapshotSeen& snapshot : seen->snapshots) held.snapshots.push_back(snapshot.id);
    }
    return held;
}

}  // namespace flocker::driver
