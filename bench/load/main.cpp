// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <csignal>

#include "load/commands.hpp"

int main(int count, char** words) {
    using namespace flocker::load;
    const Parsed parsed = parse_arguments({words + 1, words + count});
    if (!parsed.error.empty()) {
        fmt::print(stderr, "load: {}\n", parsed.error);
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN);
    switch (parsed.arguments.command) {
        case Command::write: return write_rows(parsed.arguments);
        case Command::verify: return verify_rows(parsed.arguments);
        case Command::forget: return forget_rows(parsed.arguments);
        case Command::fill: return fill_database(parsed.arguments);
        case Command::help: fmt::print("{}", usage); return 0;
    }
    return 2;
}
