// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/assignment.hpp"

namespace flocker::plan {

/// The whole truth for one node, from the committed records alone.
[[nodiscard]] model::Assignment assignment_for(const model::Records& records, const model::NodeId& node);

/// Whether new connections to the application of this ownership wait: its cutover is under way.
[[nodiscard]] bool in_cutover(const model::Ownership& ownership);

}  // namespace flocker::plan
