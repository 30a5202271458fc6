// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "model/application.hpp"

namespace flocker::plan {

/// What is run in the container before its cutover, while it still serves: the application's own
/// hooks.before_move, or else what is known to make the stop of its image shorter. Empty: nothing.
[[nodiscard]] std::vector<std::string> hook_of(const model::Application& application);
/// The user wrote it, so its failure is one of the move; that of a built-in one is not.
[[nodiscard]] inline bool hook_must_succeed(const model::Application& application) {
    return application.before_move.has_value();
}

}  // namespace flocker::plan
