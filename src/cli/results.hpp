// SPDX-License-Identifier: Apache-2.0
//
// How a deployment or a move ended, for people and for programs. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/documents.hpp"
#include "cli/table.hpp"
#include "cli/watch.hpp"
#include "manifest/diagnostic.hpp"

namespace flocker::cli {

/// What was done, with the measured downtime of each move; what failed, on which node and why; what
/// is not there yet.
[[nodiscard]] std::string results_text(const std::vector<Outcome>& outcomes, Duration took, const Look& look);

/// {"steps": […], "left_alone": […], "results": […], "settled": …}
[[nodiscard]] std::string results_json(const api::PlanDocument& plan, const std::vector<Outcome>& outcomes,
                                       bool settled);
/// {"refusals": [{"file", "line", "column", "message"}]}
[[nodiscard]] std::string refusals_json(const std::vector<manifest::Diagnostic>& problems);

}  // namespace flocker::cli
