// SPDX-License-Identifier: Apache-2.0
//
// One checker a promise (DESIGN, "The promises"). They look at the simulated world from outside; the
// code under test knows nothing of them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/cluster.hpp"

namespace flocker::sim {

/// P1: at each write of an application, its node is the owner by the records, and it writes the live
/// copy; or it writes a trial, and no client told it to. After a failover a former owner's container may
/// write on, but nobody is told of it; unless it was an operator's word, who did not know better.
class OneWriter {
public:
    explicit OneWriter(Cluster& cluster);
    void written(const Host& host, const EngineHost::Container& container, bool by_client) const;
    void committed(const model::Records& before, const model::Records& after);
    /// An operator has given this node's dataset to another, and the node has not owned it since.
    [[nodiscard]] bool given_up(const model::DatasetId& dataset, const std::string& node) const {
        return given_up_.contains({dataset, node});
    }

private:
    Cluster& cluster_;
    std::set<std::pair<model::DatasetId, std::string>> given_up_;
};

/// P2: at each change of an owner by a move, and at the end, every entry that a client was told is
/// there, once and in its order. P4: what a failover left behind is set aside where it was written.
class NothingLost {
public:
    explicit NothingLost(Cluster& cluster) : cluster_(cluster) {}
    void acknowledged(const Host& host, const model::DatasetId& dataset, const std::string& entry);
    void committed(const model::Records& before, const model::Records& after);
    void at_end() const;
    /// What was set aside goes because a user said so, or it is a violation of P3.
    void letting_go(const Host& host, const model::DatasetId& dataset, const model::DatasetAction& action);
    [[nodiscard]] std::uint64_t left_behind() const { return left_behind_; }

private:
    struct Diverged {
        std::string node;
        std::vector<std::string> entries;
    };
    void failed_over(const model::Ownership& before, const model::Ownership& after);
    void compare(const model::DatasetId& dataset, const Subvolume* data, const std::string& when) const;
    void diverged_kept() const;

    Cluster& cluster_;
    std::map<model::DatasetId, std::vector<std::string>> entries_;
    std::map<model::DatasetId, std::vector<std::string>> before_failover_;
    std::map<model::DatasetId, std::vector<Diverged>> diverged_;
    std::map<model::DatasetId, std::set<std::string>> removed_;  ///< Entries, by a user's word.
    std::uint64_t left_behind_{0};
};

/// P3: the owner's copy, or the trial that has become it, is there as long as nobody destroyed it.
class LastCopyKept {
public:
    explicit LastCopyKept(Cluster& cluster) : cluster_(cluster) {}
    void look() const;
    void letting_go(const Host& host, const model::DatasetId& dataset, const model::DatasetAction& action) const;

private:
    Cluster& cluster_;
};

/// P4: a live copy that is demoted is sealed, or its state is a snapshot afterwards.
class DivergedKept {
public:
    explicit DivergedKept(Cluster& cluster) : cluster_(cluster) {}
    void demoting(const Host& host, const model::DatasetId& dataset) const;

private:
    Cluster& cluster_;
};

/// Whatever a replica does or does not do, the snapshots that are kept for it do not fill a pool.
class DebtBounded {
public:
    explicit DebtBounded(Cluster& cluster) : cluster_(cluster) {}
    void look() const;

private:
    Cluster& cluster_;
};

/// P5: when the faults are over, everything ends where it would have ended.
class Converges {
public:
    explicit Converges(Cluster& cluster) : cluster_(cluster) {}
    /// What has not settled yet; empty: all has.
    [[nodiscard]] std::string unsettled() const;

private:
    Cluster& cluster_;
};

/// P8: a new connection reaches the owner's container or none.
class RightPlace {
public:
    RightPlace(Cluster& cluster, const OneWriter& writers, bool nodes_restart)
        : cluster_(cluster), writers_(writers), nodes_restart_(nodes_restart) {}
    void reached(const Host& host, const EngineHost::Container& container) const;

private:
    Cluster& cluster_;
    const OneWriter& writers_;
    bool nodes_restart_;
};

}  // namespace flocker::sim
