// SPDX-License-Identifier: Apache-2.0
#include "plan/failover.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "model/assignment.hpp"
#include "plan/lag.hpp"
#include "plan/limits.hpp"
#include "plan/takeover.hpp"

namespace flocker::plan {
namespace {

using namespace model;

std::vector<Refusal> refuse(const ApplicationName& application, std::string message) {
    return {{Refusal::About::application, application.value, 0, std::move(message)}};
}

Instant heard_of(const View& view, const NodeId& node) {
    const auto found = view.states.find(node);
    return found == view.states.end() ? Instant{} : found->second.heard;
}

/// Whatever lease the node has had from this control service, or from one before it, is over.
bool lease_is_over(const View& view, const NodeId& node) {
    const bool heard = heard_of(view, node).unix_ns != 0;
    return silence_of(view, node) > (heard ? lease_duration + lease_margin : first_word_max);
}

/// Of the line that the present owner writes, as far as this record knows it.
bool belongs(const Ownership& ownership, const SnapshotId& id) {
    if (id.epoch == ownership.epoch) return true;
    return ownership.began_from && id.epoch == ownership.began_from->epoch && id <= *ownership.began_from;
}

class Planning {
public:
    Planning(const View& view, const Wanted& wanted, const Ownership& ownership)
        : view_(view), wanted_(wanted), ownership_(ownership) {}

    std::variant<FailoverPlan, std::vector<Refusal>> run(const Node* to) {
        FailoverPlan plan;
        plan.application = wanted_.application.name;
        plan.from = ownership_.owner;
        plan.heard = heard_of(view_, ownership_.owner);
        for (const auto& [id, node] : view_.records.nodes) {
            if (id != ownership_.owner) plan.candidates.push_back(candidate(node));
        }
        std::ranges::sort(plan.candidates, [](const Candidate& a, const Candidate& b) {
            return std::tuple(!a.why_not.empty(), b.snapshot, a.node) < std::tuple(!b.why_not.empty(), a.snapshot, b.node);
        });
        const auto chosen = std::ranges::find_if(plan.candidates, [&](const Candidate& each) {
            return to ? each.node == to->id : each.why_not.empty();
        });
        if (chosen == plan.candidates.end() || !chosen->why_not.empty()) {
            std::string text = to ? to->name + " can not take over: " : "no node can take over: ";
            for (const Candidate& each : plan.candidates) {
                if (to && each.node != to->id) continue;
                text += fmt::format("{}{} {}", text.back() == ' ' ? "" : "; ", node_name(view_.records, each.node), each.why_not);
            }
            return refuse(wanted_.application.name, std::move(text));
        }
        plan.to = chosen->node;
        plan.snapshot = chosen->snapshot;
        plan.lost = chosen->behind.value_or(Duration{0});
        plan.lost_bytes = lost_bytes(plan);
        decide(plan);
        return plan;
    }

private:
    [[nodiscard]] Candidate candidate(const Node& node) const {
        Candidate result;
        result.node = node.id;
        const NodeReport* there = report_of(view_, node.id);
        if (!is_alive(view_, node.id)) {
            result.why_not = "does not answer";
        } else if (ownership_.leaving.contains(node.id)) {
            result.why_not = "is letting its replica go";
        } else if (!is_current(view_, node.id)) {
            result.why_not = "has not said yet that it knows its last instruction; ask again";
        } else if (has_old_trial(there)) {
            result.why_not = "has not taken back what it tried before; ask again";
        } else if (node.draining) {
            result.why_not = "is being drained";
        } else if (!image_can_be_had()) {
            result.why_not = "can not get the image " + wanted_.application.image;
        }
        if (!ownership_.dataset) return result;
        const DatasetSeen* seen = dataset_in(there, *ownership_.dataset);
        if (seen && !seen->live) {
            for (const SnapshotSeen& snapshot : seen->snapshots) {
                if (!belongs(ownership_, snapshot.id)) continue;
                result.snapshot = snapshot.id;
                result.behind = behind(node.id, snapshot);
            }
        }
        if (!result.snapshot && result.why_not.empty()) result.why_not = "holds no snapshot of the volume";
        return result;
    }

    /// Of a move that is not under way any more; perhaps clients wrote to it, and it is to be set aside.
    [[nodiscard]] bool has_old_trial(const NodeReport* there) const {
        const DatasetSeen* seen = ownership_.dataset ? dataset_in(there, *ownership_.dataset) : nullptr;
        return seen && seen->trial && !(ownership_.move && ownership_.move->id == seen->trial->move);
    }

    [[nodiscard]] bool image_can_be_had() const {
        return std::ranges::any_of(view_.records.nodes, [&](const auto& entry) {
            const NodeReport* report = report_of(view_, entry.first);
            return is_alive(view_, entry.first) && report->images.contains(wanted_.application.image);
        });
    }

    /// By the lost owner's clock, from its last word.
    [[nodiscard]] std::optional<Duration> behind(const NodeId& node, const SnapshotSeen& snapshot) const {
        const NodeReport* owner = report_of(view_, ownership_.owner);
        // Clocks of two machines say nothing of each other.
        if (!owner || owner->at.unix_ns == 0 || snapshot.id.epoch != ownership_.epoch) return std::nullopt;
        Instant equal_until = snapshot.taken;
        const FeedSeen* feed = feed_in(owner, *ownership_.dataset, node);
        if (feed && feed->acknowledged == snapshot.id) equal_until = std::max(equal_until, feed->proven);
        return std::max(owner->at - equal_until, Duration{0});
    }

    [[nodiscard]] Bytes lost_bytes(const FailoverPlan& plan) const {
        if (!ownership_.dataset) return {};
        for (const Lag& lag : lags_of(view_, ownership_)) {
            if (lag.node == plan.to) return lag.bytes;
        }
        return {};
    }

    void decide(FailoverPlan& plan) const {
        Ownership next = ownership_;
        next.owner = plan.to;
        next.epoch = next_epoch(view_.records, ownership_);
        next.won_by = MoveId{view_.records.last_move + 1};
        next.move.reset();
        next.avoided_target.reset();
        next.replicas.erase(plan.to);
        next.leaving.erase(plan.to);
        if (next.dataset) {
            next.began_from = plan.snapshot;
            next.promoting = true;
            next.replicas.insert(plan.from);
        }
        // It was committed: its target may have let clients in.
        if (ownership_.move && ownership_.move->phase == MovePhase::settling) {
            MoveResult won;
            won.id = ownership_.move->id;
            won.source = ownership_.move->source;
            won.target = ownership_.move->target;
            won.started = ownership_.move->started;
            won.ended = view_.now;
            won.succeeded = true;
            won.reason = "the new owner was lost before it was seen serving";
            next.moves.push_back(won);
        }
        MoveResult result;
        result.id = next.won_by;
        result.source = plan.from;
        result.target = plan.to;
        result.started = result.ended = view_.now;
        result.succeeded = result.failover = true;
        result.lost = plan.lost;
        next.moves.push_back(result);
        while (next.moves.size() > moves_kept) next.moves.erase(next.moves.begin());
        Wanted there = wanted_;
        there.node = plan.to;
        there.downtime_max.reset();
        plan.changes = {PutOwnership{next}, PutWanted{there},
                        AddEvent{{0, view_.now, EventKind::failed_over, subject_name(ownership_), story(plan)}}};
    }

    [[nodiscard]] std::string story(const FailoverPlan& plan) const {
        std::string text = fmt::format("from {} to {}", node_name(view_.records, plan.from), node_name(view_.records, plan.to));
        if (!plan.snapshot) return text;
        const auto chosen = std::ranges::find(plan.candidates, plan.to, &Candidate::node);
        text += fmt::format(", on {}", to_text(*plan.snapshot));
        if (chosen->behind) return text + fmt::format(", {} before the last word of the owner", to_text(*chosen->behind));
        return text + ", of the owner before; what was written since is set aside there";
        return text;
    }

    const View& view_;
    const Wanted& wanted_;
    const Ownership& ownership_;
};

const Ownership* ownership_of(const View& view, const Wanted& wanted) {
    const auto found = view.records.ownerships.find(subject_of(wanted.application));
    const bool ours = found != view.records.ownerships.end() && found->second.application == wanted.application.name;
    return ours && !found->second.destroying ? &found->second : nullptr;
}

}  // namespace

Failover failover_of(const Records& records, const Application& application) {
    return application.failover.value_or(records.settings.failover);
}

std::variant<FailoverPlan, std::vector<Refusal>> plan_failover(const View& view, const ApplicationName& application,
                                                               const std::optional<NodeReference>& to) {
    const auto wanted = view.records.configuration.find(application);
    if (wanted == view.records.configuration.end()) {
        return refuse(application, fmt::format("no application {}; `flocker status` lists them", application.value));
    }
    const Ownership* ownership = ownership_of(view, wanted->second);
    if (!ownership) return refuse(application, application.value + " has not begun to run anywhere yet");
    const std::string owner = node_name(view.records, ownership->owner);
    if (is_alive(view, ownership->owner)) {
        return refuse(application,
                      fmt::format("{} is alive: nothing is lost by `flocker move {} NODE`", owner, application.value));
    }
    const bool leased = failover_of(view.records, wanted->second.application) == Failover::automatic;
    if (leased && !lease_is_over(view, ownership->owner)) {
        return refuse(application, fmt::format("the lease of {} is not over yet; ask again in a few seconds", owner));
    }
    if (ownership->dataset && !ownership->established) {
        return refuse(application, fmt::format("{} has never been seen with the volume; there is nothing to go on from", owner));
    }
    const Node* target = to ? find_node(view.records, *to) : nullptr;
    if (to && !target) return refuse(application, fmt::format("no node {}; `flocker node ls` lists them", to->value));
    if (target && target->id == ownership->owner) return refuse(application, owner + " is the one that is lost");
    return Planning(view, wanted->second, *ownership).run(target);
}

namespace {

std::size_t silent_nodes(const View& view) {
    const auto is_silent = [&](const auto& entry) { return !is_alive(view, entry.first); };
    return static_cast<std::size_t>(std::ranges::count_if(view.records.nodes, is_silent));
}

}  // namespace

bool is_cut_off(const View& view) { return silent_nodes(view) * 3 > view.records.nodes.size(); }

bool is_outnumbered(const View& view) { return silent_nodes(view) * 2 > view.records.nodes.size(); }

std::vector<FailoverPlan> due_failovers(const View& view) {
    std::vector<FailoverPlan> due;
    if (is_cut_off(view)) return due;
    for (const auto& [name, wanted] : view.records.configuration) {
        if (failover_of(view.records, wanted.application) != Failover::automatic) continue;
        const Ownership* ownership = ownership_of(view, wanted);
        if (!ownership || is_alive(view, ownership->owner) || !lease_is_over(view, ownership->owner)) continue;
        // One that has not heard yet that it serves under a lease goes on serving without.
        const NodeReport* last = report_of(view, ownership->owner);
        const ContainerSeen* container = container_in(last, name);
        const bool runs = container && container->status == ContainerSeen::Status::running;
        if (runs && !last->leased.contains(name)) continue;
        auto planned = plan_failover(view, name, std::nullopt);
        if (auto* plan = std::get_if<FailoverPlan>(&planned)) due.push_back(std::move(*plan));
    }
    return due;
}

}  // namespace flocker::plan
