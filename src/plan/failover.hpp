// SPDX-License-Identifier: Apache-2.0
//
// Giving a dataset a new owner because the old one is lost.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/deployment.hpp"
#include "plan/deploy.hpp"
#include "plan/view.hpp"

namespace flocker::plan {

/// One node that could take over.
struct Candidate {
    model::NodeId node;
    std::optional<model::SnapshotId> snapshot;  ///< The newest that it holds; nullopt: none.
    std::optional<Duration> behind;  ///< How much older that is than the last word of the lost owner.
    std::string why_not;             ///< It can't; empty: it can.

    friend bool operator==(const Candidate&, const Candidate&) = default;
};

struct FailoverPlan {
    model::ApplicationName application;
    model::NodeId from;
    model::NodeId to;
    Instant heard;                ///< When the lost owner was last heard of; 0: never by this control service.
    std::optional<model::SnapshotId> snapshot;  ///< What `to` starts from; nullopt: there is no volume.
    Duration lost{};              ///< What was written in so long a time before `heard` is lost.
    Bytes lost_bytes;             ///< Roughly, by the rate of the last rounds.
    std::vector<Candidate> candidates;         ///< Best first.
    std::vector<model::Change> changes;        ///< To be committed together.

    friend bool operator==(const FailoverPlan&, const FailoverPlan&) = default;
};

/// A failover of the application, to the node that the user named or else to the one with the newest
/// snapshot; or why it is refused (the owner is alive: `flocker move`; nobody holds a snapshot).
[[nodiscard]] std::variant<FailoverPlan, std::vector<Refusal>> plan_failover(
    const View& view, const model::ApplicationName& application, const std::optional<model::NodeReference>& to);

/// Those that happen by themselves now: automatic applications whose owner's lease is over. Empty while
/// more than a third of the nodes are silent, since then it is the control service that is cut off.
[[nodiscard]] std::vector<FailoverPlan> due_failovers(const View& view);
/// Owners are silent beyond their leases, and due_failovers() withholds its hand for the reason above.
[[nodiscard]] bool is_cut_off(const View& view);
/// Fewer than half of the nodes are heard. The others may have another control service by now, so this one
/// gives no leases.
[[nodiscard]] bool is_outnumbered(const View& view);

/// Its own word, or else the cluster's. One without a volume has nothing to lose and moves likewise.
[[nodiscard]] model::Failover failover_of(const model::Records& records, const model::Application& application);

}  // namespace flocker::plan
