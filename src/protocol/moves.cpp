// SPDX-License-Identifier: Apache-2.0
#include "protocol/moves.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/hooks.hpp"
#include "plan/increments.hpp"
#include "plan/limits.hpp"
#include "plan/prediction.hpp"
#include "plan/takeover.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using plan::View;

/// One look at one ownership: at most one transition comes of it.
class Transition {
public:
    Transition(const View& view, const Ownership& ownership) : view_(view), next_(ownership) {}

    std::vector<Change> run() {
        if (next_.destroying) {
            destroying();
        } else if (!establish() && !promoted()) {
            if (next_.move) {
                move_on();
            } else {
                begin_if_wanted();
            }
        }
        return std::move(changes_);
    }

private:
    // --- what is known -------------------------------------------------------------------------

    [[nodiscard]] const Wanted* wanted() const {
        return plan::wanted_of(view_.records, next_);
    }
    [[nodiscard]] std::string name(const NodeId& node) const { return plan::node_name(view_.records, node); }
    [[nodiscard]] const DatasetSeen* dataset_on(const NodeId& node) const {
        return next_.dataset ? plan::dataset_in(plan::report_of(view_, node), *next_.dataset) : nullptr;
    }
    [[nodiscard]] const ContainerSeen* container_on(const NodeId& node) const {
        return next_.application ? plan::container_in(plan::report_of(view_, node), *next_.application) : nullptr;
    }
    [[nodiscard]] bool silent(const NodeId& node, Duration limit) const {
        return !view_.records.nodes.contains(node) || plan::silence_of(view_, node) > limit;
    }
    /// How long the present phase has lasted, as far as this control service was there to see it.
    [[nodiscard]] Duration in_phase() const {
        return view_.now - std::max(next_.move->phase_started, view_.started);
    }

    // --- what is said --------------------------------------------------------------------------

    void event(EventKind kind, std::string text) {
        changes_.push_back(AddEvent{{0, view_.now, kind, plan::subject_name(next_), std::move(text)}});
    }
    void put() { changes_.insert(changes_.begin(), PutOwnership{next_}); }
    void enter(MovePhase phase) {
        next_.move->phase = phase;
        next_.move->phase_started = view_.now;
    }

    // --- outside of moves ----------------------------------------------------------------------

    bool establish() {
        if (next_.established || !next_.dataset) return false;
        const DatasetSeen* dataset = dataset_on(next_.owner);
        if (!dataset || !dataset->live) return false;
        next_.established = true;
        event(EventKind::volume_created, fmt::format("volume {} was made on {}", next_.dataset->value, name(next_.owner)));
        put();
        return true;
    }

    /// After a failover the owner has its copy, so that it must never be made anew from an old snapshot.
    bool promoted() {
        if (!next_.promoting) return false;
        const DatasetSeen* dataset = dataset_on(next_.owner);
        if (!dataset) return false;
        if (dataset->live && dataset->epoch == next_.epoch) {
            next_.promoting = false;
            put();
            return true;
        }
        // It has let go what it was to begin from, for something newer, before it was told.
        if (!plan::is_current(view_, next_.owner) || dataset->live || dataset->trial || !next_.began_from) return false;
        std::optional<SnapshotId> newest;
        for (const SnapshotSeen& snapshot : dataset->snapshots) {
            if (snapshot.id == *next_.began_from) return false;
            // Of the owner before, or of the one before that, if it had nothing of the former at first.
            const bool of_the_line = snapshot.id.epoch >= next_.began_from->epoch && snapshot.id.epoch < next_.epoch;
            if (of_the_line && (!newest || *newest < snapshot.id)) newest = snapshot.id;
        }
        if (!newest) return false;
        next_.began_from = newest;
        put();
        return true;
    }

    /// Gone when every member that had to do with it says so. What is on a node that was removed
    /// from the cluster is that node's own business.
    void destroying() {
        std::set<NodeId> holders = next_.replicas;
        holders.insert(next_.owner);
        holders.insert(next_.leaving.begin(), next_.leaving.end());
        for (const auto& [node, state] : view_.states) {
            if (dataset_on(node)) holders.insert(node);
        }
        for (const NodeId& node : holders) {
            if (!view_.records.nodes.contains(node)) continue;
            if (!plan::is_current(view_, node) || dataset_on(node)) return;
        }
        event(EventKind::volume_destroyed, "destroyed, as asked");
        changes_.push_back(EraseOwnership{next_.subject});
    }

    void begin_if_wanted() {
        const Wanted* wish = wanted();
        if (!wish || wish->node == next_.owner || next_.avoided_target == wish->node) return;
        if (!plan::is_alive(view_, wish->node) || !plan::is_alive(view_, next_.owner)) return;
        // A volume that its owner has not made yet would be made by both.
        if (next_.dataset && (!next_.established || next_.promoting)) return;
        next_.leaving.erase(wish->node);
        Move move;
        move.id = MoveId{view_.records.last_move + 1};
        move.source = next_.owner;
        move.target = wish->node;
        move.started = view_.now;
        move.downtime_max = wish->downtime_max;
        next_.move = move;
        enter(MovePhase::staging);
        if (wish->downtime_max) {
            // Said of this move, not of those that follow.
            Wanted next = *wish;
            next.downtime_max.reset();
            changes_.push_back(PutWanted{next});
        }
        event(EventKind::move_started, fmt::format("from {} to {}", name(move.source), name(move.target)));
        put();
    }

    // --- moves ---------------------------------------------------------------------------------

    void move_on() {
        const Wanted* wish = wanted();
        if (next_.move->phase != MovePhase::settling) {
            const bool stays = wish && wish->node == next_.move->source;
            if (stays) return give_up("it was called off", false);
            if (!wish || wish->node != next_.move->target) return give_up("it is wanted elsewhere now", false);
            if (!view_.records.nodes.contains(next_.move->target)) return give_up("the target has left the cluster", true);
        }
        switch (next_.move->phase) {
            case MovePhase::staging: return staging();
            case MovePhase::sealing: return sealing();
            case MovePhase::trial: return trial();
            case MovePhase::settling: return settling();
        }
    }

    void staging() {
        const Move& move = *next_.move;
        if (const Problem* problem = target_problem(); problem && problem->attempts >= plan::staging_attempts_max) {
            return give_up(fmt::format("{}: {}", name(move.target), problem->error.message), true);
        }
        if (move.ready_since && hook_has_failed()) return;
        if (!plan::is_current(view_, move.source) || !plan::is_current(view_, move.target)) return;
        if (!target_waits()) return;
        const FeedSeen* feed = nullptr;
        if (next_.dataset) {
            if (target_is_full()) return;
            feed = plan::feed_in(plan::report_of(view_, move.source), *next_.dataset, move.target);
            const DatasetSeen* dataset = dataset_on(move.source);
            if (!feed || !dataset || !plan::forecast(*feed, dataset->changed).ready) return;
        }
        const bool hook = has_hook();
        if (!move.ready_since && (hook || move.downtime_max)) {
            next_.move->ready_since = view_.now;
            return put();
        }
        if (hook && !hook_is_over(feed)) return;
        const plan::Prediction predicted = plan::predict(view_, next_);
        if (move.downtime_max && predicted.total > *move.downtime_max) {
            if (view_.now - std::max(*move.ready_since, view_.started) <= plan::calm_patience) return;
            return give_up(plan::over_limit_text(predicted, *move.downtime_max), true);
        }
        if (feed) {
            next_.move->bytes_live = feed->bytes_total;
            next_.move->rounds = feed->rounds;
        }
        enter(MovePhase::sealing);
        next_.move->sealing_started = view_.now;
        next_.move->predicted = predicted.total;
        event(EventKind::move_phase, fmt::format("{} stops it", name(move.source)));
        put();
    }

    /// The target's container is made, and as far as it may go before the commit.
    [[nodiscard]] bool target_waits() const {
        const ContainerSeen* prepared = container_on(next_.move->target);
        if (!prepared || prepared->status == ContainerSeen::Status::running) return false;
        if (!plan::has_gate(view_.records, next_)) return true;
        return prepared->status == ContainerSeen::Status::waiting && prepared->ready;
    }

    /// One that does not run is moved without it.
    [[nodiscard]] bool has_hook() const {
        const Wanted* wish = wanted();
        const ContainerSeen* container = container_on(next_.move->source);
        const bool runs = container && container->status == ContainerSeen::Status::running && container->ready;
        return wish && runs && !plan::hook_of(wish->application).empty();
    }
    /// Gives the move up if it is.
    bool target_is_full() {
        const NodeReport* there = plan::report_of(view_, next_.move->target);
        if (!there || there->pool_size.value == 0) return false;
        if (there->pool_free.value >= std::min(plan::cutover_room_min.value, there->pool_size.value / 50)) return false;
        give_up(fmt::format("the pool of {} is full, with {} free; make room there", name(next_.move->target),
                            to_text(there->pool_free)),
                true);
        return true;
    }
    /// It has run, and what it wrote has gone to the target.
    [[nodiscard]] bool hook_is_over(const FeedSeen* feed) const {
        const StepSeen* hook = step_on(next_.move->source, MoveStep::hook);
        if (!hook) return false;
        if (!feed) return true;
        return feed->proven >= hook->ended;
    }
    bool hook_has_failed() {
        const Move& move = *next_.move;
        const NodeReport* source = plan::report_of(view_, move.source);
        if (!source || !next_.application || !has_hook()) return false;
        for (const Problem& problem : source->problems) {
            if (problem.subject != next_.application->value || problem.attempts < plan::hook_attempts_max) continue;
            give_up(fmt::format("{}: {}", name(move.source), problem.error.message), true);
            return true;
        }
        return false;
    }

    /// Of this move.
    [[nodiscard]] const StepSeen* step_on(const NodeId& node, MoveStep step) const {
        const NodeReport* report = plan::report_of(view_, node);
        if (!report) return nullptr;
        for (const StepSeen& each : report->steps) {
            if (each.subject == next_.subject.value && each.step == step && each.move == next_.move->id) return &each;
        }
        return nullptr;
    }

    void sealing() {
        const Move& move = *next_.move;
        if (cutover_has_failed()) return;
        if (!plan::is_current(view_, move.source)) return;
        const Problem* problem = plan::problem_in(plan::report_of(view_, move.source), next_);
        if (problem && problem->attempts >= plan::sealing_attempts_max) {
            return give_up(fmt::format("{}: {}", name(move.source), problem->error.message), true);
        }
        if (next_.dataset) {
            const DatasetSeen* dataset = dataset_on(move.source);
            if (!dataset || !dataset->seal || dataset->seal->move != move.id) return;
            next_.move->sealed = dataset->seal->snapshot;
        } else if (const ContainerSeen* container = container_on(move.source);
                   container && has_process(container->status)) {
            return;
        }
        enter(MovePhase::trial);
        event(EventKind::move_phase, fmt::format("{} starts it, closed to clients", name(move.target)));
        put();
    }

    void trial() {
        const Move& move = *next_.move;
        if (cutover_has_failed()) return;
        if (!plan::is_current(view_, move.target)) return;
        if (const Problem* problem = target_problem()) {
            return give_up(fmt::format("{}: {}", name(move.target), problem->error.message), true);
        }
        if (next_.dataset) {
            const DatasetSeen* dataset = dataset_on(move.target);
            if (!dataset || dataset->trial != Trial{move.id, *move.sealed}) return look_after_last_increment(dataset);
        }
        const ContainerSeen* container = container_on(move.target);
        if (!container || container->status != ContainerSeen::Status::running || !container->ready) return;
        commit();
    }

    /// The source may not reach the target although both reach the control service.
    void look_after_last_increment(const DatasetSeen* there) {
        const Move& move = *next_.move;
        const auto is_sealed = [&](const SnapshotSeen& each) { return each.id == *move.sealed; };
        const bool arrived = there && std::ranges::any_of(there->snapshots, is_sealed);
        if (arrived || in_phase() <= plan::cutover_silence_max || !plan::is_current(view_, move.source)) return;
        const FeedSeen* feed = plan::feed_in(plan::report_of(view_, move.source), *next_.dataset, move.target);
        if (!feed || feed->trouble.empty()) return;
        give_up(fmt::format("{} does not get the last increment to {}: {}", name(move.source), name(move.target), feed->trouble),
                true);
    }

    /// The one durable write by which the owner changes.
    void commit() {
        Move& move = *next_.move;
        if (next_.dataset) {
            if (const FeedSeen* feed = plan::feed_in(plan::report_of(view_, move.source), *next_.dataset, move.target)) {
                const auto total = std::max(feed->bytes_total, move.bytes_live);
                move.bytes_cutover = Bytes{total.value - move.bytes_live.value};
            }
            next_.replicas.erase(move.target);
            next_.replicas.insert(move.source);
            next_.began_from = move.sealed;
        }
        next_.owner = move.target;
        next_.epoch = plan::next_epoch(view_.records, next_);
        next_.won_by = move.id;
        enter(MovePhase::settling);
        event(EventKind::move_phase, fmt::format("{} owns it, epoch {}", name(move.target), next_.epoch.value));
        put();
    }

    void settling() {
        const Move& move = *next_.move;
        const bool overdue = in_phase() > plan::settling_limit;
        if (!overdue && !serving()) return;
        MoveResult result = result_of(move);
        result.succeeded = true;
        result.downtime = view_.now - move.sealing_started;
        result.reason = serving() ? "" : "the new owner has not been seen serving yet";
        event(EventKind::move_finished,
              fmt::format("{} to {} in {}, down for {}", name(move.source), name(move.target),
                          to_text(view_.now - move.started), to_text(result.downtime)));
        keep(std::move(result));
        next_.move.reset();
        put();
    }

    [[nodiscard]] bool serving() const {
        if (!plan::is_current(view_, next_.owner)) return false;
        if (next_.dataset) {
            const DatasetSeen* dataset = dataset_on(next_.owner);
            if (!dataset || !dataset->live || dataset->epoch != next_.epoch) return false;
        }
        const ContainerSeen* container = container_on(next_.owner);
        if (!container || container->status != ContainerSeen::Status::running) return false;
        const Wanted* wish = wanted();
        const NodeReport& report = *plan::report_of(view_, next_.owner);
        return !wish || std::ranges::all_of(wish->application.ports,
                                            [&](const Port& port) { return is_open(report, external_of(port)); });
    }

    /// Gives the move up, and says so, when the cutover can not or should not go on.
    bool cutover_has_failed() {
        const Move& move = *next_.move;
        if (silent(move.target, plan::cutover_silence_max)) {
            give_up(fmt::format("{} does not answer any more", name(move.target)), true);
        } else if (in_phase() > plan::cutover_limit) {
            give_up(fmt::format("{} took longer than {}", to_string(move.phase), to_text(plan::cutover_limit)), true);
        } else {
            return false;
        }
        return true;
    }

    [[nodiscard]] const Problem* target_problem() const {
        return plan::problem_in(plan::report_of(view_, next_.move->target), next_);
    }

    [[nodiscard]] MoveResult result_of(const Move& move) const {
        MoveResult result;
        result.id = move.id;
        result.source = move.source;
        result.target = move.target;
        result.started = move.started;
        result.ended = view_.now;
        result.bytes_live = move.bytes_live;
        result.bytes_cutover = move.bytes_cutover;
        result.rounds = move.rounds;
        result.predicted = move.predicted;
        for (const NodeId& node : {move.source, move.target}) {
            const NodeReport* report = plan::report_of(view_, node);
            if (!report) continue;
            for (const StepSeen& each : report->steps) {
                if (each.subject == next_.subject.value && each.move == move.id) result.steps[each.step] = each.took;
            }
        }
        return result;
    }
    void keep(MoveResult result) {
        next_.moves.push_back(std::move(result));
        if (next_.moves.size() > moves_kept) next_.moves.erase(next_.moves.begin());
    }

    /// The way back. The source is the owner as before; what the target has becomes a replica.
    void give_up(const std::string& reason, bool avoid) {
        const Move move = *next_.move;
        MoveResult result = result_of(move);
        result.reason = reason;
        const bool was_down = move.phase != MovePhase::staging;
        if (was_down) result.downtime = view_.now - move.sealing_started;
        keep(std::move(result));
        next_.move.reset();
        if (next_.dataset && view_.records.nodes.contains(move.target)) {
            next_.replicas.insert(move.target);
            next_.leaving.erase(move.target);
        }
        if (avoid) next_.avoided_target = move.target;
        event(EventKind::move_failed, fmt::format("move to {} given up in {}: {}; {} keeps it", name(move.target),
                                                  to_string(move.phase), reason, name(move.source)));
        put();
        // The container at the source was stopped on our word, not by its own exit: a new incarnation
        // is started whatever its restart policy says.
        if (const Wanted* wish = wanted(); wish && was_down) {
            Wanted again = *wish;
            ++again.incarnation;
            changes_.push_back(PutWanted{again});
        }
    }

    const View& view_;
    Ownership next_;
    std::vector<Change> changes_;
};

}  // namespace

std::vector<Change> advance(const View& view, const Ownership& ownership) {
    return Transition(view, ownership).run();
}

}  // namespace flocker::protocol
