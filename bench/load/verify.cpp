// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <sstream>
#include <string>
#include <unordered_set>
#include <vector>

#include "load/commands.hpp"

namespace flocker::load {
namespace {

constexpr std::size_t shown = 10;

int report(const std::vector<std::uint64_t>& acknowledged, const std::unordered_set<std::uint64_t>& there) {
    std::uint64_t found = 0;
    boost::json::array lost;
    for (const std::uint64_t row : acknowledged) {
        if (there.contains(row)) {
            ++found;
        } else if (lost.size() < shown) {
            lost.emplace_back(row);
        }
    }
    const std::uint64_t missing = acknowledged.size() - found;
    const boost::json::object object{{"event", "verified"},
                                     {"acknowledged", acknowledged.size()},
                                     {"found", found},
                                     {"lost", missing},
                                     {"first_lost", lost},
                                     {"unacknowledged", there.size() - found}};
    fmt::print("{}\n", boost::json::serialize(object));
    return missing > 0 ? 1 : 0;
}

}  // namespace

std::vector<std::uint64_t> read_acks(std::istream& file) {
    std::vector<std::uint64_t> rows;
    std::uint64_t row = 0;
    for (std::string line; std::getline(file, line);) {
        if (std::istringstream{line} >> row) rows.push_back(row);
    }
    return rows;
}

int verify_rows(const Arguments& arguments) {
    const auto database = make_database(arguments.target);
    std::ifstream file{arguments.acks};
    if (!database || !file) {
        fmt::print(stderr, "load: {}\n", database ? arguments.acks + " can't be read" : "no such database");
        return 2;
    }
    std::vector<std::uint64_t> acknowledged = read_acks(file);
    std::ranges::sort(acknowledged);
    acknowledged.erase(std::ranges::unique(acknowledged).begin(), acknowledged.end());

    std::unordered_set<std::uint64_t> there;
    Attempt attempt = connect_patiently(*database, arguments);
    if (attempt.outcome == Outcome::done) {
        attempt = database->read_all([&](std::uint64_t row) { there.insert(row); });
    }
    if (attempt.outcome != Outcome::done) {
        fmt::print(stderr, "load: {}\n", attempt.message);
        return 2;
    }
    return report(acknowledged, there);
}

}  // namespace flocker::load
