// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "base/result.hpp"
#include "model/assignment.hpp"

namespace flocker::ports {

/// The last assignment that an agent saw, kept on its disk, so that a node which starts while the
/// control service is away goes on with what it had (P7).
class AssignmentCache {
public:
    virtual ~AssignmentCache() = default;
    virtual void load(Done<std::optional<model::Assignment>> done) = 0;
    virtual void save(const model::Assignment& assignment, Done<void> done) = 0;
};

}  // namespace flocker::ports
