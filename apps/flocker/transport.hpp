// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/client.hpp"
#include "cli/context.hpp"

namespace flocker {

/// Requests to the control service of a context, over mutual TLS, on one connection that is kept. It
/// connects with the first call.
/// Errors: invalid_argument (the context's PEM texts).
[[nodiscard]] Result<api::Transport> connect(const cli::Access& access);

}  // namespace flocker
