// SPDX-License-Identifier: Apache-2.0
//
// Small texts for people, and how wide they are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "model/application.hpp"

namespace flocker::cli {

/// Columns on a terminal: a character each.
[[nodiscard]] std::size_t columns(std::string_view text);
/// At most `width` columns; what is cut off is shown as "…".
[[nodiscard]] std::string cut(std::string_view text, std::size_t width);
[[nodiscard]] std::string padded(std::string_view text, std::size_t width);
/// Without control characters, which what comes from elsewhere might have.
[[nodiscard]] std::string printable(std::string_view text);

/// "now", "12 s", "4 min", "3 h", "5 d": one unit.
[[nodiscard]] std::string age_text(Duration age);
/// "5432->15432, 80, 53/udp": internal to external, one number if they are equal.
[[nodiscard]] std::string ports_text(const std::vector<model::Port>& ports);
/// "one node", "3 nodes".
[[nodiscard]] std::string counted(std::size_t count, std::string_view noun);

}  // namespace flocker::cli
