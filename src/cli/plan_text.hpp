// SPDX-License-Identifier: Apache-2.0
//
// A plan, and why there is none, as text. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/documents.hpp"
#include "cli/table.hpp"
#include "manifest/manifest.hpp"

namespace flocker::cli {

/// What starts, stops, restarts and moves; what stays as it is, counted; what is left alone.
[[nodiscard]] std::string plan_text(const api::PlanDocument& plan, const Look& look);
/// Whether something that runs is stopped by it, for good or for a moment.
[[nodiscard]] bool stops_something(const api::PlanDocument& plan);
/// Whether nothing would be done, and everything is as it should be.
[[nodiscard]] bool nothing_to_do(const api::PlanDocument& plan, const api::StatusDocument& status);

/// Where in the manifests the reasons of a refusal stand, in the order of the files.
/// `deployment_file` is for what is about no one place.
[[nodiscard]] std::vector<manifest::Diagnostic> place(const std::vector<api::RefusalEntry>& refusals,
                                                      const manifest::Positions& positions,
                                                      const std::string& deployment_file);

}  // namespace flocker::cli
