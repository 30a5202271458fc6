// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.hpp"

#include <fmt/format.h>

#include <array>

namespace flocker {

std::string to_text(Bytes bytes) {
    if (bytes.value < 1024) return fmt::format("{} B", bytes.value);
    static constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    auto amount = static_cast<double>(bytes.value) / 1024;
    std::size_t unit = 0;
    while (amount >= 1000 && unit + 1 < units.size()) {
        amount /= 1024;
        ++unit;
    }
    return amount < 10 ? fmt::format("{:.1f} {}", amount, units[unit])
                       : fmt::format("{:.0f} {}", amount, units[unit]);
}

}  // namespace flocker
