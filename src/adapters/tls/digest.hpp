// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace flocker::tls {

/// SHA-256, 64 characters of lower case hex.
[[nodiscard]] std::string digest(std::string_view text);

}  // namespace flocker::tls
