// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace flocker::api {

/// Of this build: "0.1.0".
[[nodiscard]] std::string version();

}  // namespace flocker::api
