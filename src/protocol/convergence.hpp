// SPDX-License-Identifier: Apache-2.0
//
// What an agent does next for one subject: a dataset, its application, or both. Pure: from what is
// assigned and what is seen to the steps that may begin now. Asked again after every outcome, it
// needs no memory of what it did before; that is what makes a crash at any point harmless (P5).
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "model/action.hpp"

namespace flocker::protocol {

/// One subject, with all that a decision may depend on. Pointers: nullptr is "none".
struct Sight {
    const model::DatasetAssignment* dataset{nullptr};
    const model::ApplicationAssignment* application{nullptr};
    const model::DatasetSeen* dataset_seen{nullptr};
    const model::ContainerSeen* container{nullptr};

    Instant now;
    model::ContainerSpec spec;      ///< Of `application`, as it would be made here now.
    bool image_present{false};
    model::Revision revision;       ///< Of the assignment.
    bool assignment_fresh{true};    ///< false: from the cache; the control service was not heard yet.
    bool ports_closed{false};         ///< Held in force at the router: no new client reaches the container.
    bool strangers_gone{true};      ///< No container is left that nobody assigned here any more.
    bool snapshot_wanted{false};    ///< A feed asks for a new snapshot.
    bool feeds{false};              ///< Its snapshots go to other nodes.
    bool bases_unknown{false};      ///< Some of those have not said yet what they hold.
    bool lease_out{false};          ///< It serves only under a lease, and there is none.
    bool trial_synced{false};       ///< What the trial stands on survives a power loss.
    bool hook_wanted{false};        ///< The hook of the move under way has not been run since this agent began.
    bool start_allowed{true};       ///< The restart policy and its back-off let a container that exited start again.
    std::set<model::SnapshotId> snapshots_in_use;  ///< Being sent.
    bool pool_short{false};
    std::set<model::NodeId> let_go;  ///< Replicas for which no snapshot is kept, for the pool is short.
    bool newest_goes{false};         ///< The owner's newest one neither.

    // Lanes: what is under way for this subject.
    bool dataset_exclusive_busy{false};  ///< An action that nothing else may run beside.
    bool dataset_shared_busy{false};     ///< One that the container does not notice.
    bool container_busy{false};
    bool asking_busy{false};
};

/// The image has to be got before the next step.
struct GetImage {
    std::string image;
    friend bool operator==(const GetImage&, const GetImage&) = default;
};
/// Nothing can be done, and a person should know why.
struct Complain {
    Error error;
    friend bool operator==(const Complain&, const Complain&) = default;
};
using Step = std::variant<model::DatasetAction, model::ContainerAction, GetImage, Complain>;

/// The steps that may begin now. Waiting is an empty answer.
[[nodiscard]] std::vector<Step> next_steps(const Sight& sight);

/// Whether the container's running does not mind this action, nor the action the container's.
[[nodiscard]] bool is_shared(const model::DatasetAction& action);

}  // namespace flocker::protocol
