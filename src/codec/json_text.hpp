// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace flocker::codec {

/// Appends `text` as a JSON string with its quotes. Valid UTF-8 whatever comes in: each byte that
/// is no part of a character becomes U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace flocker::codec
