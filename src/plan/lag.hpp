// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "plan/view.hpp"

namespace flocker::plan {

/// How far one replica is behind its owner.
struct Lag {
    model::NodeId node;
    std::optional<Duration> behind;  ///< nullopt: it holds nothing of the present owner yet.
    Bytes bytes;                     ///< Roughly; what is known to be on its way or waiting.
    Duration proof_age{};            ///< How old this knowledge is.
    std::optional<model::SnapshotId> snapshot;  ///< The newest that it is known to hold.
    std::string reason;              ///< Why it is further behind than wished; may be empty.
    bool let_go{false};              ///< It gets a full copy when the owner's pool has room: see FeedSeen.

    friend bool operator==(const Lag&, const Lag&) = default;
};

/// Of each replica of a dataset, by node. By the reports; empty where there are no replicas.
[[nodiscard]] std::vector<Lag> lags_of(const View& view, const model::Ownership& ownership);
/// The wished lag of a dataset.
[[nodiscard]] Duration wished_lag(const model::Records& records, const model::Ownership& ownership);
/// Wished number of copies beside the owner's: as the volume says, or as many as nodes are named, or the cluster's.
[[nodiscard]] std::uint32_t wished_replicas(const model::Records& records, const model::Ownership& ownership);

}  // namespace flocker::plan
