// SPDX-License-Identifier: Apache-2.0
#include "protocol/convergence.hpp"

#include <algorithm>

#include "plan/hooks.hpp"
#include "plan/snapshots.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using Status = ContainerSeen::Status;

constexpr std::size_t snapshots_gone_at_once = 4;
/// So many are kept for a node that has not been asked yet, perhaps because it is away.
constexpr std::size_t snapshots_kept_unasked = 12;

class Decision {
public:
    explicit Decision(const Sight& sight) : s_(sight) {}

    std::vector<Step> run() {
        if (s_.dataset) {
            by_duty();
        } else if (s_.application) {
            application();
        } else if (s_.container && s_.assignment_fresh) {
            remove_container();
        }
        return std::move(steps_);
    }

private:
    // --- beginning a step, if its lane lets it ---------------------------------------------------

    void alone(DatasetAction action) {
        if (!s_.dataset_exclusive_busy && !s_.dataset_shared_busy && !s_.container_busy) steps_.push_back(std::move(action));
    }
    void beside(DatasetAction action) {
        if (!s_.dataset_exclusive_busy && !s_.dataset_shared_busy && steps_.empty()) steps_.push_back(std::move(action));
    }
    void contain(ContainerAction action) {
        if (!s_.dataset_exclusive_busy && !s_.container_busy) steps_.push_back(std::move(action));
    }
    void complain(ErrorCode code, std::string message) { steps_.push_back(Complain{{code, std::move(message)}}); }

    /// It has a process, though perhaps one that only waits at the gate.
    [[nodiscard]] bool runs() const {
        return s_.container && has_process(s_.container->status);
    }
    /// Its command has not begun, and can't before its release.
    [[nodiscard]] bool waits() const {
        return s_.container && s_.container->status == Status::waiting && current();
    }
    [[nodiscard]] bool current() const { return s_.container && s_.container->fingerprint == fingerprint(s_.spec); }
    /// A running container is stopped first; true when none runs. One that is assigned no more is not
    /// known to belong to this dataset, so all of those have to be gone.
    bool stopped(bool at_once = false) {
        if (runs()) contain(StopContainer{s_.container->application, at_once});
        return !runs() && s_.strangers_gone;
    }
    /// True when nothing here writes to the dataset. What waits at its gate goes on waiting, also for strangers to go.
    bool still() { return waits() ? s_.strangers_gone : stopped(); }
    /// True when there is no container.
    bool remove_container() {
        if (s_.container) contain(RemoveContainer{s_.container->application});
        return !s_.container && s_.strangers_gone;
    }

    // --- by duty ---------------------------------------------------------------------------------

    void by_duty() {
        if (!s_.assignment_fresh) return from_cache();
        // A crash may have made this node forget the assignment that it sealed on: an older one, come late,
        // must not unseal, for the target may have begun.
        if (s_.dataset_seen && s_.dataset_seen->seal && s_.dataset_seen->seal->told > s_.revision) return older_than_seal();
        switch (s_.dataset->duty) {
            case Duty::serve: serve(); return drop_asides();
            case Duty::seal: return seal();
            case Duty::receive: receive(); return drop_asides();
            case Duty::trial: return trial();
            case Duty::destroy: return destroy();
            case Duty::release: release(); return drop_asides();
        }
    }

    /// The control service is away. Only what the pool itself says this node owned and had not given
    /// away goes on; no ownership changes hands on old news (P1, P7).
    void from_cache() {
        const DatasetSeen* seen = s_.dataset_seen;
        if (s_.dataset->duty != Duty::serve || !seen || !seen->live || seen->seal || seen->trial) return;
        if (seen->epoch != s_.dataset->epoch) return;
        if (!seen->mounted) return alone(MountDataset{s_.dataset->dataset});
        if (s_.application) application();
    }

    void serve() {
        const DatasetAssignment& wanted = *s_.dataset;
        const DatasetSeen* seen = s_.dataset_seen;
        if (!seen) {
            if (wanted.may_create) return alone(CreateDataset{wanted.dataset, wanted.epoch});
            return complain(ErrorCode::not_found,
                            "volume " + wanted.dataset.value +
                                " is not on this node's pool, where it has been; nothing is started on an empty one");
        }
        if (seen->epoch > wanted.epoch) return newer_on_pool();
        if (seen->trial) {
            if (seen->trial->move == wanted.move && wanted.move.value != 0 && !seen->live) {
                return alone(AdoptTrial{wanted.dataset, wanted.move, wanted.epoch, wanted.won_from.value_or(wanted.owner)});
            }
            return let_trial_go();
        }
        if (seen->live && seen->epoch < wanted.epoch && wanted.from) return step_down();
        if (!seen->live && wanted.from && holds(*seen, *wanted.from)) {
            // The former owner is lost. The move that made this node the owner had no trial of its own.
            if (still()) alone(StartTrial{wanted.dataset, wanted.move, *wanted.from});
            return;
        }
        if (!seen->live) {
            return complain(ErrorCode::not_found,
                            "this node holds snapshots of volume " + wanted.dataset.value +
                                " up to " + newest(*seen) + " but not the owner's copy; nothing is started on an old one");
        }
        if (seen->seal) return alone(UnsealDataset{wanted.dataset, seen->epoch});
        if (seen->epoch != wanted.epoch) return newer_on_pool();
        if (!seen->mounted) return alone(MountDataset{wanted.dataset});
        if (s_.application) {
            application();
        } else {
            remove_container();
        }
        limit();
        look_after_snapshots();
    }

    /// Keeps the copy here within the wished size. Beside everything else: no application waits for it.
    void limit() {
        if (s_.dataset_seen->maximum_size == s_.dataset->maximum_size) return;
        beside(LimitDataset{s_.dataset->dataset, s_.dataset->maximum_size});
    }

    /// One that has won was written by clients perhaps: it becomes the owner's copy that it was about to be,
    /// which then steps down as such. Its epoch was higher than the one here, and lower than the present one.
    void let_trial_go() {
        const DatasetSeen& seen = *s_.dataset_seen;
        if (!stopped()) return;
        const bool won = s_.dataset->past_wins.contains(seen.trial->move) && !seen.live;
        if (won && seen.epoch.value + 1 < s_.dataset->epoch.value) {
            return alone(AdoptTrial{s_.dataset->dataset, seen.trial->move, Epoch{seen.epoch.value + 1}, s_.dataset->owner});
        }
        alone(DiscardTrial{s_.dataset->dataset});
    }

    void seal() {
        const DatasetAssignment& wanted = *s_.dataset;
        const DatasetSeen* seen = s_.dataset_seen;
        if (!seen || !seen->live || seen->epoch != wanted.epoch) {
            if (seen && seen->epoch > wanted.epoch) return newer_on_pool();
            return complain(ErrorCode::not_found, "the owner's copy of volume " + wanted.dataset.value + " is not here");
        }
        if (seen->seal && seen->seal->move == wanted.move) return;
        // Not one client may see the application go: first the hold is in force, then it is stopped (P8).
        if (runs() && !s_.ports_closed) return;
        const bool freeze = s_.application && s_.application->application.cutover == Cutover::freeze;
        if (stopped(freeze)) {
            alone(SealDataset{wanted.dataset, wanted.move, plan::next_snapshot(*seen, wanted.epoch, s_.now), s_.revision});
        }
    }

    void receive() {
        const DatasetSeen* seen = s_.dataset_seen;
        if (seen && seen->trial) return let_trial_go();
        if (seen && (seen->live || has_diverged(*seen))) return step_down();
        if (s_.application) {
            application();
        } else {
            remove_container();
        }
        if (seen) drop_snapshots();
    }
    /// It holds what a former owner wrote, and the present one did not begin from.
    [[nodiscard]] bool has_diverged(const DatasetSeen& seen) const {
        const DatasetAssignment& wanted = *s_.dataset;
        return wanted.from && std::ranges::any_of(seen.snapshots, [&](const SnapshotSeen& snapshot) {
                   return snapshot.id > *wanted.from && snapshot.id.epoch < wanted.epoch;
               });
    }

    void trial() {
        const DatasetAssignment& wanted = *s_.dataset;
        const DatasetSeen* seen = s_.dataset_seen;
        if (seen && seen->live) return step_down();
        const Trial needed{wanted.move, wanted.from.value_or(SnapshotId{})};
        if (!seen || seen->trial != needed) {
            if (seen && holds(*seen, needed.from) && still()) {
                alone(StartTrial{wanted.dataset, needed.move, needed.from});
            }
            return;
        }
        if (!seen->mounted) return alone(MountDataset{wanted.dataset});
        if (s_.application) application();
        if (!s_.trial_synced) return beside(SyncTrial{wanted.dataset});
        limit();
    }

    void destroy() {
        if (!remove_container()) return;
        if (s_.dataset_seen) alone(DestroyDataset{s_.dataset->dataset});
    }

    /// Another node is the owner at a higher epoch: the copy that could be written here goes.
    void step_down() {
        if (s_.dataset_seen->live && s_.dataset->epoch <= s_.dataset_seen->epoch) return newer_on_pool();
        if (remove_container()) alone(DemoteDataset{s_.dataset->dataset, s_.dataset->epoch, s_.dataset->from});
    }

    /// What was set aside is all that may stay here.
    void release() {
        const DatasetSeen* seen = s_.dataset_seen;
        if (!remove_container() || !seen) return;
        if (seen->trial) return let_trial_go();
        if (seen->live || has_diverged(*seen)) return step_down();
        if (!seen->snapshots.empty()) alone(ReleaseReplica{s_.dataset->dataset});
    }

    void older_than_seal() {
        complain(ErrorCode::conflict,
                 "volume " + s_.dataset->dataset.value + " was sealed at revision " +
                     std::to_string(s_.dataset_seen->seal->told.value) + " of the control service's records, which are at " +
                     std::to_string(s_.revision.value) + " now; were they restored from an older copy?");
    }

    void newer_on_pool() {
        complain(ErrorCode::conflict,
                 "the pool says that volume " + s_.dataset->dataset.value + " is at epoch " +
                     std::to_string(s_.dataset_seen->epoch.value) + ", the control service says " +
                     std::to_string(s_.dataset->epoch.value) + "; nothing is changed until they agree");
    }

    // --- snapshots -------------------------------------------------------------------------------

    void look_after_snapshots() {
        if (s_.pool_short) drop_snapshots();
        if (s_.snapshot_wanted) {
            return beside(TakeSnapshot{s_.dataset->dataset, plan::next_snapshot(*s_.dataset_seen, s_.dataset->epoch, s_.now)});
        }
        if (!s_.pool_short) drop_snapshots();
    }
    void drop_snapshots() {
        plan::Keeping keeping{s_.dataset->replicas, s_.snapshots_in_use, !s_.newest_goes, s_.pool_short};
        for (const NodeId& node : s_.let_go) keeping.replicas.erase(node);
        auto gone = plan::disposable(*s_.dataset_seen, keeping);
        // While rounds follow one another, several go at a time, to leave the lane to the rounds.
        const bool few = gone.size() < snapshots_gone_at_once && !s_.pool_short;
        if (gone.empty() || (s_.feeds && few) || (s_.bases_unknown && gone.size() < snapshots_kept_unasked)) return;
        beside(DropSnapshots{s_.dataset->dataset, std::move(gone)});
    }
    /// After everything else: nobody waits for it.
    void drop_asides() {
        if (!s_.dataset_seen) return;
        std::vector<SnapshotId> gone;
        for (const SetAsideSeen& kept : s_.dataset_seen->set_aside) {
            if (s_.dataset->asides_to_go.contains(kept.id)) gone.push_back(kept.id);
        }
        if (!gone.empty()) beside(DropAside{s_.dataset->dataset, std::move(gone)});
    }
    [[nodiscard]] static bool holds(const DatasetSeen& seen, const SnapshotId& id) {
        for (const SnapshotSeen& snapshot : seen.snapshots) {
            if (snapshot.id == id) return true;
        }
        return false;
    }
    [[nodiscard]] static std::string newest(const DatasetSeen& seen) {
        return seen.snapshots.empty() ? "none" : to_text(seen.snapshots.back().id);
    }

    // --- the application -------------------------------------------------------------------------

    void application() {
        switch (s_.application->intent) {
            case Intent::run: return run_application();
            case Intent::prepare: return prepare();
            case Intent::stand_by:
                if (!s_.image_present) steps_.push_back(GetImage{s_.application->application.image});
                static_cast<void>(remove_container());
                return;
            case Intent::hold:
                if (runs() && s_.ports_closed) contain(StopContainer{s_.container->application, false});
                return;
        }
    }

    /// The container as it should be made, or on its way there; true when it is there.
    bool made() {
        if (current()) return true;
        // The image is here before anything is stopped for it.
        if (!s_.image_present) {
            steps_.push_back(GetImage{s_.application->application.image});
            return false;
        }
        if (runs() && !s_.ports_closed) return false;
        if (stopped()) contain(CreateContainer{s_.spec});
        return false;
    }

    void prepare() {
        if (s_.container && s_.container->status == Status::running && current()) {
            contain(StopContainer{s_.container->application, false});
            return;
        }
        if (!made() || !s_.application->application.gate || runs()) return;
        // Not before most of the data is here: a container that waits for hours looks sick to its health
        // check, and takes memory.
        if (near_takeover() && s_.strangers_gone) contain(StartContainer{s_.container->application});
    }
    /// The data that is here is of the present owner.
    [[nodiscard]] bool near_takeover() const {
        if (!s_.dataset) return true;
        const DatasetSeen* seen = s_.dataset_seen;
        return seen && !seen->snapshots.empty() && seen->snapshots.back().id.epoch == s_.dataset->epoch;
    }

    void run_application() {
        if (s_.lease_out) {
            // The kernel lets nobody in any more, and another node may be about to begin.
            if (s_.container && s_.container->status == Status::running) contain(StopContainer{s_.container->application, false});
            return;
        }
        if (!made()) return;
        // What begins in a trial may be thrown away: no client may have a way to it.
        const bool closed = s_.application->move.value == 0 || s_.ports_closed;
        switch (s_.container->status) {
            case Status::created:
                if (s_.strangers_gone && closed) contain(StartContainer{s_.container->application});
                return;
            case Status::waiting:
                // Whoever calls has seen to it that this node may write the volume, and that it is mounted.
                if (s_.strangers_gone && closed) contain(ReleaseContainer{s_.container->application});
                return;
            case Status::exited:
                if (s_.application->move.value != 0) {
                    return complain(ErrorCode::unavailable,
                                    "its container exited with code " + std::to_string(s_.container->exit_code) +
                                        " before it was ready");
                }
                if (!s_.start_allowed && s_.container->exit_code != 0) {
                    complain(ErrorCode::unavailable, "its container exited with code " + std::to_string(s_.container->exit_code));
                }
                if (s_.start_allowed && s_.strangers_gone) contain(StartContainer{s_.container->application});
                return;
            case Status::running:
                if (s_.asking_busy || s_.container_busy) return;
                if (!s_.container->ready) {
                    steps_.push_back(ContainerAction{AwaitReady{s_.application->application}});
                } else if (s_.hook_wanted) {
                    steps_.push_back(ContainerAction{
                        RunHook{s_.container->application, plan::hook_of(s_.application->application)}});
                }
                return;
        }
    }

    const Sight& s_;
    std::vector<Step> steps_;
};

}  // namespace

std::vector<Step> next_steps(const Sight& sight) { return Decision(sight).run(); }

bool is_shared(const DatasetAction& action) {
    return std::holds_alternative<TakeSnapshot>(action) || std::holds_alternative<SyncTrial>(action) ||
           std::holds_alternative<DropSnapshots>(action) || std::holds_alternative<NoteAcknowledged>(action) ||
           std::holds_alternative<DropAside>(action) || std::holds_alternative<LimitDataset>(action);
}

}  // namespace flocker::protocol
