// SPDX-License-Identifier: Apache-2.0
//
// What holds when a node became the control service with a copy of the records that may lack the last
// commits. What they said is on the pools of those who acted on it.
#pragma once

#include <set>
#include <vector>

#include "plan/view.hpp"

namespace flocker::plan {

/// The records that a new control service begins with. Its revisions, moves and, as long as a member has not
/// been heard, epochs are higher than any that the old one may have given after the copy was made.
[[nodiscard]] model::Records taken_over(model::Records copy, Instant now);

/// What the rest of the cluster knows that an older copy does not.
struct Known {
    model::Revision newest;            ///< The highest that anything on any node is known to rest on.
    std::vector<model::Node> members;  ///< As the newest copy has them.
};

/// As taken_over(), with a copy of any age: outranks also what other control services said since then, and whoever
/// joined since then is a member.
[[nodiscard]] model::Records restored(model::Records copy, const Known& known, Instant now);

/// How often the control service has been taken over; grows, and decides between two that say they are it.
[[nodiscard]] std::uint64_t term_of(model::Revision revision);
/// The lowest revision of a term.
[[nodiscard]] model::Revision first_of_term(std::uint64_t term);

/// Whether enough is known to decide anything: every member has said what is on its pool, or had time to.
[[nodiscard]] bool is_informed(const View& view);

/// Members whose pools are not known yet may have what the records do not know of: nothing may be made anew that one
/// of them could have. Empty: there are none.
[[nodiscard]] std::set<model::NodeId> unheard_members(const model::Records& records);

/// Takes from the members that are heard for the first time what their pools know better: a higher epoch is
/// the truth, and so is any copy of a volume that the records have only planned, or do not know. Empty: nobody new.
[[nodiscard]] std::vector<model::Change> heed_pools(const View& view);

/// This node is told nothing for now, and goes on with what it was told last: it has not been heard; or its
/// pool is sealed on a word that the copy does not have, and a member that may have become the owner then is
/// still to be heard.
[[nodiscard]] bool is_withheld(const View& view, const model::NodeId& node);

/// The cutover under way may have been committed or given up without the copy's knowledge: its target or its
/// source is still to be heard. It goes neither on nor back until then, but by a failover.
[[nodiscard]] bool is_unproven(const View& view, const model::Ownership& ownership);

/// Of the next owner. Higher than any that an unheard member may have.
[[nodiscard]] model::Epoch next_epoch(const model::Records& records, const model::Ownership& ownership);

}  // namespace flocker::plan
