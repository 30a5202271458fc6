// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace flocker::cli {

/// From now on Ctrl-C writes `farewell` to stderr and ends the process with 130, whatever it is
/// doing; empty: the system's own way again.
///
/// Threads: call on the main thread.
void set_farewell(const std::string& farewell);

}  // namespace flocker::cli
