// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include "load/commands.hpp"

namespace flocker::load {

int forget_rows(const Arguments& arguments) {
    const auto database = make_database(arguments.target);
    if (!database) {
        fmt::print(stderr, "load: '{}' is no database; there are postgres, redis and ledger\n", arguments.target.kind);
        return 2;
    }
    Attempt attempt = connect_patiently(*database, arguments);
    if (attempt.outcome == Outcome::done) attempt = database->forget(arguments.below);
    if (attempt.outcome == Outcome::done) return 0;
    fmt::print(stderr, "load: {}\n", attempt.message);
    return 1;
}

}  // namespace flocker::load
