// SPDX-License-Identifier: Apache-2.0
#include "plan/takeover.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/limits.hpp"

namespace flocker::plan {
namespace {

using namespace model;

/// A revision's upper bits are its term. 2^40 commits take a thousand a second for 30 years.
constexpr unsigned term_shift = 40;
/// More owners than a dataset can have had while copies of the records were on their way.
constexpr std::uint64_t epoch_gap = 1000;

/// A name that no other member has: "alder-4a4cbb08", after its id.
std::string renamed(const Node& node) {
    constexpr std::size_t name_kept = 54;
    return node.name.substr(0, name_kept) + "-" + node.id.value.substr(0, 8);
}

bool has_looked(const View& view, const NodeId& node) {
    const NodeReport* report = report_of(view, node);
    return report && report->looked;
}

bool is_unheard(const View& view, const NodeId& node) {
    return view.records.takeover && view.records.takeover->unheard.contains(node);
}

/// The newest snapshot of the owners before it: what its copy began from.
std::optional<SnapshotId> began_from(const DatasetSeen& seen) {
    std::optional<SnapshotId> newest;
    for (const SnapshotSeen& snapshot : seen.snapshots) {
        if (snapshot.id.epoch < seen.epoch) newest = snapshot.id;
    }
    return newest;
}

Ownership as_on_pool(const View& view, const Ownership& ownership, const NodeId& node, const DatasetSeen& seen) {
    Ownership next = ownership;
    next.replicas.insert(ownership.owner);
    next.replicas.erase(node);
    next.leaving.erase(node);
    next.owner = node;
    next.epoch = seen.epoch;
    next.won_by = MoveId{view.records.last_move + 1};
    next.began_from = began_from(seen);
    next.established = true;
    next.promoting = false;
    next.move.reset();
    return next;
}

/// The owner that the copy knows has stepped down for a later one, and that one has not been told that it won: it has
/// its trial still. `all_heard`: nobody is left who may have won a later move.
std::optional<Ownership> untold_winner(const View& view, const Ownership& ownership, bool all_heard) {
    if (!ownership.dataset) return std::nullopt;
    const DatasetSeen* before = dataset_in(report_of(view, ownership.owner), *ownership.dataset);
    if (!before || before->live || before->epoch <= ownership.epoch) return std::nullopt;
    for (const auto& [node, state] : view.states) {
        const DatasetSeen* seen = dataset_in(&state.report, *ownership.dataset);
        if (!seen || !seen->trial || !has_looked(view, node) || !view.records.nodes.contains(node)) continue;
        const bool known = ownership.move && ownership.move->id == seen->trial->move;
        if (!known && !all_heard) continue;
        Ownership next = as_on_pool(view, ownership, node, *seen);
        next.epoch = before->epoch;
        next.won_by = seen->trial->move;
        next.began_from = seen->trial->from;
        return next;
    }
    return std::nullopt;
}

/// A volume that the copy does not know: nobody's, until a deployment claims it.
Ownership stranded(const View& view, const NodeId& node, const DatasetSeen& seen) {
    Ownership found;
    found.subject = SubjectId{seen.id.value};
    found.dataset = seen.id;
    found.owner = node;
    found.epoch = seen.epoch;
    found.began_from = began_from(seen);
    found.established = true;
    for (const auto& [other, state] : view.states) {
        const DatasetSeen* copy = dataset_in(&state.report, seen.id);
        if (other != node && copy && (copy->live || !copy->snapshots.empty())) found.replicas.insert(other);
    }
    return found;
}

/// The copy says that the source was sealed for a move, and the source says that it is not, or otherwise: the move
/// was given up since then, and the source may have been written.
bool was_given_up(const View& view, const Ownership& ownership) {
    const auto& move = ownership.move;
    if (!move || move->phase != MovePhase::trial || !ownership.dataset) return false;
    const DatasetSeen* seen = dataset_in(report_of(view, move->source), *ownership.dataset);
    return !seen || !seen->seal || seen->seal->move != move->id || seen->seal->snapshot != move->sealed;
}

Ownership without_move(const View& view, const Ownership& ownership) {
    Ownership next = ownership;
    MoveResult result;
    result.id = ownership.move->id;
    result.source = ownership.move->source;
    result.target = ownership.move->target;
    result.started = ownership.move->started;
    result.ended = view.now;
    result.reason = "the source is not sealed for it any more: it was given up before the control service was taken over";
    next.moves.push_back(std::move(result));
    if (next.moves.size() > moves_kept) next.moves.erase(next.moves.begin());
    next.avoided_target = ownership.move->target;
    next.replicas.insert(ownership.move->target);
    next.move.reset();
    return next;
}

/// Stopped and sealed for a cutover that the copy does not know of, and the owner all the same: as after any way
/// back it starts again, whatever its restart policy says.
bool was_stopped_for_it(const View& view, const Ownership& ownership) {
    const DatasetSeen* seen = ownership.dataset ? dataset_in(report_of(view, ownership.owner), *ownership.dataset) : nullptr;
    if (!seen || !seen->seal || seen->epoch != ownership.epoch) return false;
    const auto& move = ownership.move;
    return !move || move->id != seen->seal->move || move->phase == MovePhase::staging;
}

}  // namespace

std::uint64_t term_of(Revision revision) { return revision.value >> term_shift; }

Revision first_of_term(std::uint64_t term) { return Revision{term << term_shift}; }

Records taken_over(Records copy, Instant now) {
    const Revision newest = copy.revision;
    return restored(std::move(copy), {newest, {}}, now);
}

Records restored(Records copy, const Known& known, Instant now) {
    for (const Node& member : known.members) {
        for (auto& [id, node] : copy.nodes) {
            // Taken out since then, and joined again, or another machine under its name.
            if (id != member.id && node.name == member.name) node.name = renamed(node);
        }
        copy.nodes[member.id] = member;
    }
    Takeover takeover{copy.revision, now, {}};
    for (const auto& [id, node] : copy.nodes) takeover.unheard.insert(id);
    copy.revision = first_of_term(std::max(term_of(copy.revision), term_of(known.newest)) + 1);
    copy.last_move = std::max(copy.last_move, copy.revision.value);
    copy.takeover = std::move(takeover);
    return copy;
}

bool is_informed(const View& view) {
    const auto& takeover = view.records.takeover;
    if (!takeover || view.now - view.started > takeover_patience) return true;
    return std::ranges::all_of(takeover->unheard, [&](const NodeId& node) { return has_looked(view, node); });
}

std::set<NodeId> unheard_members(const Records& records) {
    return records.takeover ? records.takeover->unheard : std::set<NodeId>{};
}

std::vector<Change> heed_pools(const View& view) {
    if (!view.records.takeover) return {};
    Takeover takeover = *view.records.takeover;
    std::vector<Change> changes;
    std::map<SubjectId, Ownership> better;
    for (const NodeId& node : view.records.takeover->unheard) {
        if (view.records.nodes.contains(node) && !has_looked(view, node)) continue;
        takeover.unheard.erase(node);
        if (!view.records.nodes.contains(node)) continue;
        for (const auto& [subject, known] : view.records.ownerships) {
            const Ownership& ownership = better.contains(subject) ? better.at(subject) : known;
            const DatasetSeen* seen = known.dataset ? dataset_in(report_of(view, node), *known.dataset) : nullptr;
            if (!seen || !seen->live) continue;
            const bool only_planned = !ownership.established && ownership.owner != node;
            if (seen->epoch <= ownership.epoch && !only_planned) continue;
            better.insert_or_assign(subject, as_on_pool(view, ownership, node, *seen));
        }
        for (const DatasetSeen& seen : report_of(view, node)->datasets) {
            const SubjectId subject{seen.id.value};
            if (!seen.live || view.records.ownerships.contains(subject)) continue;
            const auto found = better.find(subject);
            if (found != better.end() && found->second.epoch >= seen.epoch) continue;
            better.insert_or_assign(subject, stranded(view, node, seen));
        }
    }
    if (takeover.unheard.size() == view.records.takeover->unheard.size()) return {};
    for (const auto& [subject, ownership] : view.records.ownerships) {
        if (better.contains(subject)) continue;
        if (const auto winner = untold_winner(view, ownership, takeover.unheard.empty())) better.emplace(subject, *winner);
    }
    for (const auto& [subject, ownership] : view.records.ownerships) {
        const Wanted* wish = wanted_of(view.records, ownership);
        const bool heard_now = is_unheard(view, ownership.owner) && !takeover.unheard.contains(ownership.owner);
        if (better.contains(subject) || !wish || !heard_now || !was_stopped_for_it(view, ownership)) continue;
        Wanted again = *wish;
        ++again.incarnation;
        changes.push_back(PutWanted{again});
    }
    for (const auto& [subject, ownership] : view.records.ownerships) {
        if (better.contains(subject) || !was_given_up(view, ownership)) continue;
        if (takeover.unheard.contains(ownership.move->source) || takeover.unheard.contains(ownership.move->target)) continue;
        changes.push_back(PutOwnership{without_move(view, ownership)});
    }
    for (const auto& [subject, ownership] : better) {
        changes.push_back(PutOwnership{ownership});
        if (const Wanted* wish = wanted_of(view.records, ownership)) {
            Wanted there = *wish;
            there.node = ownership.owner;
            changes.push_back(PutWanted{there});
        }
        const bool known = view.records.ownerships.contains(subject);
        changes.push_back(AddEvent{{0, view.now, EventKind::pool_knew_better, subject_name(ownership),
                                    fmt::format("{} owns it at epoch {}: so says its pool, and the copy of the records {}",
                                                node_name(view.records, ownership.owner), ownership.epoch.value,
                                                known ? "was older" : "did not know it")}});
    }
    const bool whole = takeover.unheard.empty();
    changes.push_back(PutTakeover{whole ? std::nullopt : std::optional(std::move(takeover))});
    return changes;
}

bool is_withheld(const View& view, const NodeId& node) {
    if (!view.records.takeover) return false;
    if (is_unheard(view, node)) return true;
    const NodeReport* report = report_of(view, node);
    return report && std::ranges::any_of(report->datasets, [&](const DatasetSeen& seen) {
               return seen.seal && seen.seal->told > view.records.takeover->copied &&
                      term_of(seen.seal->told) < term_of(view.records.revision);
           });
}

bool is_unproven(const View& view, const Ownership& ownership) {
    const auto& move = ownership.move;
    if (!move || move->phase == MovePhase::staging || move->phase == MovePhase::settling) return false;
    return is_unheard(view, move->target) || is_unheard(view, move->source);
}

Epoch next_epoch(const Records& records, const Ownership& ownership) {
    return Epoch{ownership.epoch.value + 1 + (records.takeover ? epoch_gap : 0)};
}

}  // namespace flocker::plan
