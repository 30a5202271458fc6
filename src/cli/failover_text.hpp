// SPDX-License-Identifier: Apache-2.0
//
// A failover before and after, as text and as JSON. Pure.
#pragma once

#include <string>

#include "api/documents.hpp"
#include "cli/following.hpp"
#include "cli/table.hpp"

namespace flocker::cli {

/// Who could take over, who will, and what will not be there then.
[[nodiscard]] std::string failover_text(const api::FailoverDocument& failover, const Look& look);
/// What came of it.
[[nodiscard]] std::string failover_result_text(const api::FailoverDocument& failover, const Followed& followed,
                                               const Look& look);
/// {"failover": {…}, "outcome", "reason", "settled"}. nullptr: nobody has watched it.
[[nodiscard]] std::string failover_json(const api::FailoverDocument& failover, const std::string& outcome,
                                        const Followed* followed);
/// The one step that it is for who watches it.
[[nodiscard]] api::PlanDocument plan_of(const api::FailoverDocument& failover);

}  // namespace flocker::cli
