// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ports/dataset_store.hpp"
#include "sim/world.hpp"

namespace flocker::sim {

/// A dataset's data: the entries that its application appended, in order.
struct Subvolume {
    std::vector<std::string> entries;
    bool read_only{false};
};
using SubvolumeRef = std::shared_ptr<Subvolume>;

/// What lies on one node's disk. Outlives the agent's process and, but for what was not yet synced,
/// a power loss.
class PoolDisk {
public:
    explicit PoolDisk(std::string node) : node_(std::move(node)) {}

    struct Snapshot {
        SubvolumeRef data;
        Instant taken;
        bool durable{false};
    };
    struct Dataset {
        model::Epoch epoch;
        SubvolumeRef live;
        std::optional<model::Seal> seal;
        SubvolumeRef trial_data;
        std::optional<model::Trial> trial;
        bool trial_durable{false};
        SubvolumeRef mounted;
        std::map<model::SnapshotId, Snapshot> snapshots;
        std::map<model::NodeId, model::SnapshotId> acknowledged;
        std::map<model::SnapshotId, Snapshot> set_aside;
        std::optional<Bytes> maximum_size;  ///< Of `live`, or else `trial_data`.
    };

    /// The action as model/action.hpp has it, at once.
    Result<std::optional<model::DatasetSeen>> perform(const model::DatasetAction& action, Instant now);
    [[nodiscard]] std::optional<model::DatasetSeen> see(const model::DatasetId& id) const;
    [[nodiscard]] std::vector<model::DatasetSeen> see_all() const;
    Status receive(const model::DatasetId& id, model::Epoch epoch, const std::optional<model::SnapshotId>& base,
                   const model::SnapshotId& to, const Subvolume& data, Instant now);
    /// What is kept of a snapshot that is on its way here.
    struct Part {
        model::Epoch epoch;
        std::optional<model::SnapshotId> base;
        model::SnapshotId to;
        Bytes received;
    };
    void keep_part(const model::DatasetId& id, const Part& part) { parts_[id] = part; }
    [[nodiscard]] const Part* part_of(const model::DatasetId& id) const;
    /// Mounts are gone; what nobody synced is gone.
    void power_loss();
    [[nodiscard]] ports::Capacity capacity() const;
    /// What the snapshots of an owner keep that would be gone without them: each entry stands for a block that
    /// overwrites another.
    [[nodiscard]] Bytes pinned() const;

    [[nodiscard]] const Dataset* find(const model::DatasetId& id) const;
    [[nodiscard]] const std::map<model::DatasetId, Dataset>& datasets() const { return datasets_; }
    [[nodiscard]] const std::string& node() const { return node_; }

    Bytes size{1ULL << 40U};
    Bytes others{};  ///< What strangers take of it.
    /// Whether a container of this node has the subvolume mounted.
    std::function<bool(const SubvolumeRef&)> in_use = [](const SubvolumeRef&) { return false; };
    /// Told before a dataset, or one of its copies, is let go.
    std::function<void(const model::DatasetId&, const model::DatasetAction&)> letting_go =
        [](const model::DatasetId&, const model::DatasetAction&) {};

private:
    Status act(const model::DatasetAction& action, Instant now);
    Status demote(Dataset& dataset, const model::DemoteDataset& action, Instant now);
    Status seal(Dataset& dataset, const model::SealDataset& action, Instant now);
    void take(Dataset& dataset, const model::SnapshotId& id, Instant now, bool durable);

    std::string node_;
    std::map<model::DatasetId, Dataset> datasets_;
    std::map<model::DatasetId, Part> parts_;
};

/// The port, with its time and its troubles, for one life of an agent.
class PoolStore final : public ports::DatasetStore {
public:
    PoolStore(World& world, ports::Loop& loop, Faults& faults, PoolDisk& disk)
        : world_(world), loop_(loop), faults_(faults), disk_(disk) {}
    void observe(Done<std::vector<model::DatasetSeen>> done) override;
    void observe_one(const model::DatasetId& dataset, Done<std::optional<model::DatasetSeen>> done) override;
    void find_changed(const std::vector<model::DatasetId>& datasets, Done<std::set<model::DatasetId>> done) override;
    void perform(const model::DatasetAction& action, Done<std::optional<model::DatasetSeen>> done) override;
    void capacity(Done<ports::Capacity> done) override;

private:
    World& world_;
    ports::Loop& loop_;
    Faults& faults_;
    PoolDisk& disk_;
};

}  // namespace flocker::sim
