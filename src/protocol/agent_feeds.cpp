// SPDX-License-Identifier: Apache-2.0
//
// How the agent runs its feeds: which there are, whose round begins, and when it is looked for what was written.
#include <algorithm>

#include "protocol/agent.hpp"

namespace flocker::protocol {
namespace {

using namespace model;

/// Between two looks for what was written; replicas with a lag of less than twice this are not kept up with.
constexpr Duration look_interval = 250ms;
constexpr Duration lag_on_short_pool = 1s;

}  // namespace

void Agent::work_feeds(Instant now) {
    const auto is_fed = [&](const DatasetAssignment& assigned, const NodeId& to) {
        return assigned.feed == to || (assigned.replicas.contains(to) && assigned.duty == Duty::serve);
    };
    std::erase_if(feeds_, [&](const auto& entry) {
        const auto& [dataset, to] = entry.first;
        const DatasetAssignment* assigned = dataset_assignment(dataset);
        return !fresh_ || !assigned || !is_fed(*assigned, to);
    });
    std::erase_if(to_note_, [&](const auto& entry) { return !feeds_.contains(entry.first); });
    if (!fresh_) return;
    limit_sends();
    std::vector<Fed> all;
    for (const DatasetAssignment& assigned : assignment_->datasets) {
        const DatasetSeen* dataset = dataset_here(assigned.dataset);
        const bool owner = assigned.duty == Duty::serve || assigned.duty == Duty::seal;
        if (!owner || !dataset || !dataset->live || dataset->epoch != assigned.epoch) continue;
        std::set<NodeId> targets = assigned.duty == Duty::serve ? assigned.replicas : std::set<NodeId>{};
        if (assigned.feed) targets.insert(*assigned.feed);
        for (const NodeId& to : targets) {
            const Node* target = member(to);
            if (!target) continue;
            Feed& feed = feeds_.try_emplace({assigned.dataset, to}, assigned.dataset, to).first->second;
            if (!is_let_go(assigned.dataset, to)) all.push_back({&assigned, dataset, target, &feed});
        }
    }
    for (const Fed& fed : all) work_feed(fed, false, now);
    give_turns(all, now);
}

void Agent::limit_sends() {
    SendLimits limits;
    limits.node = assignment_->bandwidth;
    for (const DatasetAssignment& assigned : assignment_->datasets) {
        // Also a round that began before: the last one waits for it.
        if (assigned.duty == Duty::seal) limits.unlimited.insert(assigned.dataset);
        if (assigned.bandwidth != Bandwidth{}) limits.datasets[assigned.dataset] = assigned.bandwidth;
    }
    if (limits == send_limits_) return;
    send_limits_ = limits;
    effects_.push_back(LimitSends{std::move(limits)});
}

/// Who could begin a round has said so; those whose turn it is are asked again.
void Agent::give_turns(const std::vector<Fed>& all, Instant now) {
    std::vector<plan::Round> under_way;
    std::vector<plan::Round> waiting;
    std::vector<const Fed*> who_waits;
    for (const Fed& fed : all) {
        const plan::Round round = fed.feed->round(pace_of(fed, false));
        if (fed.feed->in_round(now)) under_way.push_back(round);
        if (!fed.feed->waits_for_turn()) continue;
        waiting.push_back(round);
        who_waits.push_back(&fed);
    }
    for (const std::size_t i : plan::turns(under_way, waiting)) work_feed(*who_waits[i], true, now);
}

Feed::Pace Agent::pace_of(const Fed& fed, bool turn) const {
    // On a short pool little may come together between two rounds.
    const Duration lag = pool_short_since_ ? std::min<Duration>(fed.assigned->lag, lag_on_short_pool) : fed.assigned->lag;
    return {fed.assigned->feed == fed.target->id, lag, turn};
}

void Agent::work_feed(const Fed& fed, bool turn, Instant now) {
    const DatasetAssignment& assigned = *fed.assigned;
    for (const Feed::Effect& effect : fed.feed->next(*fed.dataset, pace_of(fed, turn), now)) {
        std::visit(Overloaded{[&](const Feed::Ask&) { effects_.push_back(AskHoldings{*fed.target, assigned.dataset}); },
                              [](const Feed::TakeOne&) {},
                              [&](const Feed::Look&) {
                                  dataset_looks_[assigned.dataset] = {touch_, now};
                                  effects_.push_back(LookAtDataset{assigned.dataset});
                              },
                              [&](const Feed::Send& send) {
                                  effects_.push_back(SendSnapshot{{assigned.dataset, assigned.epoch, send.base, send.to,
                                                                   *fed.target, fed.dataset->seal.has_value()}});
                              }},
                   effect);
    }
}

/// One look for all feeds that wait for one, at the same moments, so that they share what it costs.
void Agent::work_looks(Instant now) {
    if (looking_ || now < look_due_) return;
    std::vector<DatasetId> datasets;
    for (const auto& [key, feed] : feeds_) {
        if (is_let_go(key.first, key.second)) continue;
        if (feed.wants_look() && (datasets.empty() || datasets.back() != key.first)) datasets.push_back(key.first);
    }
    if (datasets.empty()) return;
    looking_ = true;
    look_began_ = now;
    look_touch_ = touch_;
    look_due_ = now + look_interval;
    effects_.push_back(FindChanged{std::move(datasets)});
}

}  // namespace flocker::protocol
