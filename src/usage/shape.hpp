// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace flocker::usage {

/// An option, or an argument by its place.
struct OptionShape {
    std::vector<std::string> names;  ///< "--tail", "-f"; empty: an argument by its place.
    std::string place;               ///< What such an argument is called: "APPLICATION".
    std::string type;                ///< Of the value: "TEXT", "DURATION", "FILE"; empty: it is a flag.
    std::string help;
    std::string fallback;  ///< What holds if it is not said; may be empty.
    bool required{false};
    bool many{false};  ///< It takes any number of values.

    /// What stands there: the type, unless it is any text; then by the place's name.
    [[nodiscard]] const std::string& kind() const { return place.empty() || type != "TEXT" ? type : place; }
    friend bool operator==(const OptionShape&, const OptionShape&) = default;
};

struct CommandShape {
    std::string name;
    std::string help;
    std::string example;  ///< What follows the options in `--help`.
    std::vector<OptionShape> options;
    std::vector<CommandShape> subcommands;

    friend bool operator==(const CommandShape&, const CommandShape&) = default;
};

}  // namespace flocker::usage
