// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace flocker {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace flocker

/// What must hold if our own code is right. Stays on in release builds and ends the process; never
/// for input from outside.
#define FLOCKER_CHECK(condition) \
    ((condition) ? static_cast<void>(0) : ::flocker::check_failed(#condition, __FILE__, __LINE__))
