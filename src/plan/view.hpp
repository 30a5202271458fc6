// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>

#include "model/records.hpp"
#include "model/report.hpp"

namespace flocker::plan {

/// What the control service knows of a node beside its records.
struct NodeState {
    model::NodeReport report;
    Instant heard;  ///< When the report arrived, by the control service's clock; 0: none did.
    /// Of the assignment that says something new to this node. A report that knows of it (its
    /// revision is not lower) speaks of the present; an older one of what has been. 0: it was told nothing.
    model::Revision published;
};

/// Everything that a decision may look at.
struct View {
    const model::Records& records;
    const std::map<model::NodeId, NodeState>& states;
    Instant now;
    Instant started;  ///< When this control service began: before it, silence proves nothing.
};

/// A node that has not been heard of for this long is taken for lost. Agents report every second.
inline constexpr Duration silence_max = 5s;

[[nodiscard]] bool is_alive(const View& view, const model::NodeId& node);
/// Since when nothing was heard of it, as far as this control service was there to hear.
[[nodiscard]] Duration silence_of(const View& view, const model::NodeId& node);
/// Alive, and its last report was made knowing everything that it has been told.
[[nodiscard]] bool is_current(const View& view, const model::NodeId& node);
/// nullptr: nothing was heard of it since the control service started.
[[nodiscard]] const model::NodeReport* report_of(const View& view, const model::NodeId& node);
[[nodiscard]] const model::DatasetSeen* dataset_in(const model::NodeReport* report, const model::DatasetId& dataset);
[[nodiscard]] const model::ContainerSeen* container_in(const model::NodeReport* report, const model::ApplicationName& name);
[[nodiscard]] const model::FeedSeen* feed_in(const model::NodeReport* report, const model::DatasetId& dataset,
                                             const model::NodeId& to);
/// The problem that a node reports for an application, or else for its dataset.
[[nodiscard]] const model::Problem* problem_in(const model::NodeReport* report, const model::Ownership& ownership);
/// What is wrong with a node's clock; nullopt: nothing that is known.
[[nodiscard]] std::optional<model::Problem> clock_problem(const View& view, const model::NodeId& node);
/// What its application is to be; nullptr: it has none, or one that nobody wants any more.
[[nodiscard]] const model::Wanted* wanted_of(const model::Records& records, const model::Ownership& ownership);
/// Whether its application waits at a gate before it may begin.
[[nodiscard]] bool has_gate(const model::Records& records, const model::Ownership& ownership);
/// The node's name, or its id if it is no member any more.
[[nodiscard]] std::string node_name(const model::Records& records, const model::NodeId& node);
/// What people call the subject: the application's name, or the dataset's id.
[[nodiscard]] std::string subject_name(const model::Ownership& ownership);

}  // namespace flocker::plan
