// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "api/documents.hpp"
#include "cli/table.hpp"

namespace flocker::cli {

/// `flocker status`: nodes, applications, and what does not work. Pure.
[[nodiscard]] std::string status_text(const api::StatusDocument& status, const Look& look);
[[nodiscard]] std::string nodes_text(const std::vector<api::NodeEntry>& nodes, const Look& look);

}  // namespace flocker::cli
