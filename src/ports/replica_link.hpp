// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::ports {

/// What another node has of a dataset.
struct Holdings {
    model::Epoch epoch;
    std::vector<model::SnapshotId> snapshots;  ///< Whole ones, oldest first.
    /// One that was cut on its way here and goes on from where it was, if the same is sent again.
    std::optional<model::PartialSeen> partial{};
};

/// From this agent to the others: snapshots go out, images come in.
///
/// Threads: call on the loop thread; no call blocks it. Any number may be under way.
class ReplicaLink {
public:
    virtual ~ReplicaLink() = default;
    /// An empty list if it has none.
    virtual void holdings(const model::Node& target, const model::DatasetId& dataset, Done<Holdings> done) = 0;
    /// Success: the target holds `order.to`, whole and visible. timed_out: it may or may not.
    /// Errors: denied (the target does not expect it), conflict (it does not hold the base),
    /// unavailable (away, full), timed_out.
    virtual void send(const model::SendOrder& order, std::function<void(model::SendProgress)> progress,
                      Done<model::SendReceipt> done) = 0;
    /// In force from now on, also for what is under way; nothing is limited before. Urgent orders never are, nor is
    /// what the limits name as unlimited.
    virtual void limit(const model::SendLimits& limits) = 0;
    /// Copies an image from another node's engine to this node's. not_found if it is not there.
    virtual void fetch_image(const model::Node& source, const std::string& image, Done<void> done) = 0;
};

/// A snapshot that another node offers to this one.
struct SnapshotOffer {
    model::NodeId from;  ///< As its certificate says.
    model::DatasetId dataset;
    model::Epoch epoch;
    std::optional<model::SnapshotId> base;
    model::SnapshotId to;
};

/// What the agent answers to the other agents. Called on the loop thread.
class ReplicaInbox {
public:
    virtual ~ReplicaInbox() = default;
    /// denied, with the reason, unless the present assignment expects this. Before a byte is written.
    [[nodiscard]] virtual Status admit(const SnapshotOffer& offer) = 0;
    /// The snapshot is there, whole; or the offer ended without it.
    virtual void received(const SnapshotOffer& offer) = 0;
    [[nodiscard]] virtual Holdings holdings(const model::DatasetId& dataset) const = 0;
    /// denied, with the reason, unless the node is a member of the cluster by the present assignment.
    [[nodiscard]] virtual Status knows(const model::NodeId& node) const = 0;
};

}  // namespace flocker::ports
