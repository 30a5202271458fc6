// SPDX-License-Identifier: Apache-2.0
#include "plan/replicas.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "plan/lag.hpp"
#include "plan/limits.hpp"

namespace flocker::plan {
namespace {

using namespace model;

const std::string& datacenter_of(const View& view, const NodeId& node) {
    static const std::string none;
    const auto found = view.records.nodes.find(node);
    return found == view.records.nodes.end() ? none : found->second.datacenter;
}

bool is_draining(const View& view, const NodeId& node) {
    const auto found = view.records.nodes.find(node);
    return found != view.records.nodes.end() && found->second.draining;
}

/// It is there, or was a moment ago, and is meant to stay.
bool counts(const View& view, const NodeId& node) {
    return view.records.nodes.contains(node) && !is_draining(view, node) &&
           silence_of(view, node) <= view.records.settings.replace_after;
}

bool holds_some(const View& view, const Ownership& ownership, const NodeId& node) {
    const DatasetSeen* seen = dataset_in(report_of(view, node), *ownership.dataset);
    return seen && !seen->snapshots.empty();
}

/// Up to when the replica is known to have everything; 0: never.
Instant proven(const View& view, const Ownership& ownership, const NodeId& node) {
    const FeedSeen* feed = feed_in(report_of(view, ownership.owner), *ownership.dataset, node);
    return feed && feed->acknowledged ? feed->proven : Instant{};
}

bool up_to_date(const View& view, const Ownership& ownership, const NodeId& node) {
    const Instant known = proven(view, ownership, node);
    if (known.unix_ns == 0 || !is_alive(view, node)) return false;
    return report_of(view, ownership.owner)->at - known <= wished_lag(view.records, ownership) + lag_allowance;
}

/// With the one, nothing is lost that the other would have kept: also where none is ever up to date, since all of
/// them have to share what the link or a limit allows.
bool is_no_worse(const View& view, const Ownership& ownership, const NodeId& one, const NodeId& other) {
    const Instant known = proven(view, ownership, one);
    const bool as_much = known.unix_ns != 0 && known >= proven(view, ownership, other);
    return up_to_date(view, ownership, one) || (as_much && is_alive(view, one));
}

/// Greater is better.
auto worth(const View& view, const Ownership& ownership, const NodeId& node) {
    const Wanted* wanted = wanted_of(view.records, ownership);
    const bool spread = !wanted || !wanted->application.volume || wanted->application.volume->spread == Spread::datacenter;
    const bool elsewhere = spread && datacenter_of(view, node) != datacenter_of(view, ownership.owner);
    const NodeReport* there = report_of(view, node);
    // Rounded, so that a little more room does not carry data from node to node.
    const std::uint64_t room = there ? there->pool_free.value >> 30U : 0;
    return std::tuple(elsewhere, holds_some(view, ownership, node), room, node);
}

class Tending {
public:
    Tending(const View& view, const Ownership& ownership, std::size_t& full_copies)
        : view_(view), next_(ownership), full_copies_(full_copies) {
        const Wanted* wanted = wanted_of(view.records, ownership);
        if (!wanted || !wanted->replica_nodes) return;
        named_.emplace();
        for (const NodeId& node : *wanted->replica_nodes) {
            const bool can = view.records.nodes.contains(node) && !is_draining(view, node) && node != ownership.owner;
            if (can) named_->insert(node);
        }
    }

    std::vector<Change> run() {
        if (!next_.dataset || next_.destroying || next_.move || next_.promoting || !next_.established) return {};
        if (!find_strays() && !forget_left() && !add_one() && !let_one_go()) return {};
        changes_.insert(changes_.begin(), PutOwnership{next_});
        return std::move(changes_);
    }

private:
    /// A copy that nobody asked for, or not any more: it came after its move was called off, or the records are older.
    /// It is as good as any other until it is one too many.
    bool find_strays() {
        const std::size_t before = next_.replicas.size();
        for (const auto& [node, state] : view_.states) {
            if (node == next_.owner || next_.leaving.contains(node) || !view_.records.nodes.contains(node)) continue;
            if (is_current(view_, node) && holds_some(view_, next_, node)) next_.replicas.insert(node);
        }
        return next_.replicas.size() != before;
    }

    bool forget_left() {
        const std::size_t before = next_.leaving.size() + next_.replicas.size();
        std::erase_if(next_.replicas, [&](const NodeId& node) { return !view_.records.nodes.contains(node); });
        std::erase_if(next_.leaving, [&](const NodeId& node) {
            if (!view_.records.nodes.contains(node)) return true;
            if (!is_current(view_, node)) return false;
            const DatasetSeen* seen = dataset_in(report_of(view_, node), *next_.dataset);
            return !seen || (seen->snapshots.empty() && !seen->live && !seen->trial);
        });
        return next_.leaving.size() + next_.replicas.size() != before;
    }

    [[nodiscard]] std::size_t wished() const { return wished_replicas(view_.records, next_); }

    [[nodiscard]] bool is_named(const NodeId& node) const { return named_ && named_->contains(node); }
    /// Replicas that the planner chooses: all, or those in the place of named nodes that can have none.
    [[nodiscard]] std::size_t chosen_wished() const {
        const std::size_t named = named_ ? named_->size() : 0;
        return wished() > named ? wished() - named : 0;
    }

    bool add_one() {
        if (!is_alive(view_, next_.owner)) return false;
        const auto chosen = std::ranges::count_if(
            next_.replicas, [&](const NodeId& node) { return !is_named(node) && counts(view_, node); });
        const bool enough = static_cast<std::size_t>(chosen) >= chosen_wished();
        for (const NodeId& node : replica_places(view_, next_)) {
            if (enough && !is_named(node)) continue;
            const bool whole = !holds_some(view_, next_, node);
            if (whole && full_copies_ >= view_.records.settings.full_copies_max) continue;
            if (whole) ++full_copies_;
            next_.leaving.erase(node);
            next_.replicas.insert(node);
            event(EventKind::replica_added, fmt::format("a replica is kept on {}", node_name(view_.records, node)));
            return true;
        }
        return false;
    }

    /// Less is let go first.
    [[nodiscard]] auto rank(const NodeId& node) const {
        return std::tuple(counts(view_, node), up_to_date(view_, next_, node), worth(view_, next_, node));
    }

    bool let_one_go() {
        std::optional<NodeId> worst;
        const auto named = std::ranges::count_if(next_.replicas, [&](const NodeId& node) { return is_named(node); });
        const std::size_t chosen = next_.replicas.size() - static_cast<std::size_t>(named);
        for (const NodeId& node : next_.replicas) {
            if (is_named(node) || (chosen <= chosen_wished() && counts(view_, node))) continue;
            const auto others = std::ranges::count_if(next_.replicas, [&](const NodeId& other) {
                return other != node && counts(view_, other) && is_no_worse(view_, next_, other, node);
            });
            if (static_cast<std::size_t>(others) < wished()) continue;
            if (!worst || rank(node) < rank(*worst)) worst = node;
        }
        if (!worst) return false;
        next_.replicas.erase(*worst);
        next_.leaving.insert(*worst);
        event(EventKind::replica_removed, fmt::format("the replica on {} is let go", node_name(view_.records, *worst)));
        return true;
    }
    void event(EventKind kind, std::string text) {
        changes_.push_back(AddEvent{{0, view_.now, kind, subject_name(next_), std::move(text)}});
    }

    const View& view_;
    Ownership next_;
    std::size_t& full_copies_;
    std::optional<std::set<NodeId>> named_;  ///< Those of them that can keep a replica.
    std::vector<Change> changes_;
};

}  // namespace

bool has_room(const View& view, const Ownership& ownership, const NodeId& node) {
    const NodeReport* there = report_of(view, node);
    const DatasetSeen* here = dataset_in(report_of(view, ownership.owner), *ownership.dataset);
    const std::uint64_t needed = here ? here->used.value + here->used.value / 5 : 0;
    // On a short pool nothing is begun: its agent takes no full copy.
    return there && !there->pool_short && there->pool_free.value > needed + room_left_min.value;
}

std::vector<NodeId> replica_places(const View& view, const Ownership& ownership) {
    std::vector<NodeId> places;
    for (const auto& [id, node] : view.records.nodes) {
        const bool taken = id == ownership.owner || ownership.replicas.contains(id);
        if (!taken && !node.draining && is_alive(view, id) && has_room(view, ownership, id)) places.push_back(id);
    }
    std::ranges::sort(places, [&](const NodeId& a, const NodeId& b) {
        return worth(view, ownership, b) < worth(view, ownership, a);
    });
    return places;
}

std::size_t full_copies(const View& view) {
    std::size_t count = 0;
    for (const auto& [subject, ownership] : view.records.ownerships) {
        if (!ownership.dataset) continue;
        count += static_cast<std::size_t>(std::ranges::count_if(ownership.replicas, [&, &each = ownership](const NodeId& node) {
            return is_alive(view, node) && !holds_some(view, each, node);
        }));
    }
    return count;
}

std::vector<Change> tend_replicas(const View& view, const Ownership& ownership, std::size_t& full_copies) {
    return Tending(view, ownership, full_copies).run();
}

}  // namespace flocker::plan
