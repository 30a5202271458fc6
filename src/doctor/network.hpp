// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace flocker::doctor {

/// Whether two IPv4 networks like "10.213.0.0/16" have an address in common; false if one can't be read.
[[nodiscard]] bool overlap(std::string_view a, std::string_view b);
/// "10.213.0.0/16" from /proc/net/route's two words in hexadecimal, least byte first; empty: they are none.
[[nodiscard]] std::string network_text(std::string_view destination, std::string_view mask);

}  // namespace flocker::doctor
