// SPDX-License-Identifier: Apache-2.0
//
// One checker a promise (DESIGN, "The promises"). They look at the simulated world from outside; the
// code under test knows nothing of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/cluster.hpp"

namespace flocker::sim {

/// P1: at each write of an application, its node is the owner by the records, and it writes the live
/// copy; or it writes a trial, and no client told it to.
class OneWriter {
public:
    explicit OneWriter(Cluster& cluster);
    void written(const Host& host, const EngineHost::Container& container, bool by_client) const;

private:
    Cluster& cluster_;
};

/// P2: at each change of an owner by a move, and at the end, every entry that a client was told is
/// there, once and in its order.
class NothingLost {
public:
    explicit NothingLost(Cluster& cluster) : cluster_(cluster) {}
    void acknowledged(const model::DatasetId& dataset, const std::string& entry) { entries_[dataset].push_back(entry); }
    void committed(const model::Records& before, const model::Records& after) const;
    void at_end() const;

private:
    void compare(const model::DatasetId& dataset, const Subvolume* data, const std::string& when) const;
    Cluster& cluster_;
    std::map<model::DatasetId, std::vector<std::string>> entries_;
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
    RightPlace(Cluster& cluster, bool nodes_restart) : cluster_(cluster), nodes_restart_(nodes_restart) {}
    void reached(const Host& host, const EngineHost::Container& container) const;

private:
    Cluster& cluster_;
    bool nodes_restart_;
};

}  // namespace flocker::sim
