// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/documents.hpp"

namespace flocker::api {

/// Whether what a stranger says of itself may become a member's record. Says nothing of the token.
/// Errors: invalid_argument.
[[nodiscard]] Status check(const JoinDocument& join);

}  // namespace flocker::api
