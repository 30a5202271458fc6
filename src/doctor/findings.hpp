// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "doctor/facts.hpp"
#include "model/finding.hpp"

namespace flocker::doctor {

/// What the facts mean, in the order in which one would mend it. Pure.
[[nodiscard]] std::vector<model::Finding> findings(const Facts& facts);

}  // namespace flocker::doctor
