// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <thread>

#include "load/commands.hpp"

namespace flocker::load {

std::unique_ptr<Database> make_database(const Target& target) {
    if (target.kind == "postgres") return make_postgres(target);
    if (target.kind == "redis") return make_redis(target);
    if (target.kind == "rabbitmq") return make_rabbitmq(target);
    if (target.kind == "ledger") return make_ledger(target);
    return nullptr;
}

Attempt connect_patiently(Database& database, const Arguments& arguments) {
    const auto deadline = std::chrono::steady_clock::now() + arguments.target.patience;
    for (;;) {
        Attempt attempt = database.connect();
        if (attempt.outcome == Outcome::done || std::chrono::steady_clock::now() >= deadline) return attempt;
        std::this_thread::sleep_for(arguments.retry);
    }
}

int fill_database(const Arguments& arguments) {
    const auto database = make_database(arguments.target);
    if (!database) {
        fmt::print(stderr, "load: '{}' is no database; there are postgres, redis and ledger\n", arguments.target.kind);
        return 2;
    }
    const auto begun = std::chrono::steady_clock::now();
    Attempt attempt = connect_patiently(*database, arguments);
    if (attempt.outcome == Outcome::done) attempt = database->fill(arguments.bytes);
    if (attempt.outcome != Outcome::done) {
        fmt::print(stderr, "load: {}\n", attempt.message);
        return 1;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    fmt::print("{{\"event\":\"filled\",\"bytes\":{},\"seconds\":{:.3f}}}\n", arguments.bytes, took.count());
    return 0;
}

}  // namespace flocker::load
