// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "usage/shape.hpp"

namespace flocker::usage {

struct Candidate {
    std::string word;
    std::string help;

    friend bool operator==(const Candidate&, const Candidate&) = default;
};

/// What may stand at a place in a line.
struct Wanted {
    std::vector<Candidate> words;    ///< Subcommands and options.
    std::vector<std::string> kinds;  ///< Of the names that may stand there: "APPLICATION", "FILE".
    std::map<std::string, std::string> given;  ///< Arguments by their place that stand before it.

    friend bool operator==(const Wanted&, const Wanted&) = default;
};

/// Of the last word of `words`, which may be empty; the words are those after the program's name. Options may stand
/// anywhere, those of a command also after its subcommands. The word that is there already is not looked at, but for
/// whether an option begins there.
[[nodiscard]] Wanted wanted_at_end(const CommandShape& program, const std::vector<std::string>& words);

}  // namespace flocker::usage
