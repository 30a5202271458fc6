// SPDX-License-Identifier: Apache-2.0
//
// sim [--seeds N] [--first SEED] [--seed SEED] [--story]
// Runs simulated clusters until a promise breaks. A failing seed is run once more, with its story.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "sim/scenario.hpp"

namespace {

using namespace flocker::sim;

struct Arguments {
    std::uint64_t first{1};
    std::uint64_t seeds{200};
    bool story{false};
};

Weather weather_of(std::uint64_t seed) {
    if (seed % 8 == 0) return Weather::calm;
    if (seed % 8 == 1) return Weather::control_away;
    if (seed % 8 == 2) return Weather::cramped;
    return Weather::storm;
}

void tell(const Outcome& outcome, std::size_t last_lines) {
    const std::size_t from = outcome.story.size() > last_lines ? outcome.story.size() - last_lines : 0;
    for (std::size_t i = from; i < outcome.story.size(); ++i) std::cout << outcome.story[i] << '\n';
}

bool parse(int argc, char** argv, Arguments& arguments) {
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        const bool has_value = i + 1 < argc;
        if (word == "--seeds" && has_value) {
            arguments.seeds = std::strtoull(argv[++i], nullptr, 10);
        } else if (word == "--first" && has_value) {
            arguments.first = std::strtoull(argv[++i], nullptr, 10);
        } else if (word == "--seed" && has_value) {
            arguments.first = std::strtoull(argv[++i], nullptr, 10);
            arguments.seeds = 1;
        } else if (word == "--story") {
            arguments.story = true;
        } else {
            return false;
        }
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    if (!parse(argc, argv, arguments)) {
        std::cerr << "usage: sim [--seeds N] [--first SEED] [--seed SEED] [--story]\n";
        return 2;
    }
    std::uint64_t acknowledged = 0, moves = 0, failed = 0;
    std::map<std::string, std::uint64_t> marks;
    for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
        const Outcome outcome = run(seed, weather_of(seed), arguments.story);
        if (arguments.story) tell(outcome, outcome.story.size());
        if (!outcome.violation.empty()) {
            const Outcome again = run(seed, weather_of(seed), true);
            if (!arguments.story) tell(again, 200);
            std::cout << "\nseed " << seed << " broke " << outcome.violation << "\n"
                      << (again.digest == outcome.digest ? "replay: sim --seed " : "NOT DETERMINISTIC: sim --seed ") << seed
                      << " --story\n";
            return 1;
        }
        acknowledged += outcome.acknowledged;
        moves += outcome.moves;
        failed += outcome.moves_failed;
        for (const auto& [mark, count] : outcome.marks) marks[mark] += count;
    }
    std::cout << arguments.seeds << " seeds held every promise: " << acknowledged << " writes acknowledged, " << moves
              << " moves, " << failed << " given up";
    for (const auto& [mark, count] : marks) std::cout << ", " << count << " " << mark;
    std::cout << '\n';
    return 0;
}
