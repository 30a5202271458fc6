// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.hpp"

namespace flocker::btrfs {

/// What an errno means to a caller: "cannot open /pool/flocker: no such file or directory".
[[nodiscard]] tl::unexpected<Error> fail_os(int error_number, const std::string& what);

}  // namespace flocker::btrfs
