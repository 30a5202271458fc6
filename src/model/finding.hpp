// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace flocker::model {

/// One thing that was looked at on a node, and how it is.
struct Finding {
    enum class Level : std::uint8_t {
        ok,
        warn,  ///< It works, but not well, or not for long.
        fail,  ///< Something will not work.
    };
    Level level{Level::ok};
    std::string subject;  ///< "engine", "pool", "ports", ...
    std::string text;     ///< What there is, or what is wrong.
    std::string mend;     ///< How to mend it; empty: nothing is to be mended.

    friend bool operator==(const Finding&, const Finding&) = default;
};
[[nodiscard]] inline const char* to_string(Finding::Level level) {
    switch (level) {
        case Finding::Level::ok: return "ok";
        case Finding::Level::warn: return "warn";
        case Finding::Level::fail: return "fail";
    }
    return "fail";
}

}  // namespace flocker::model
