// SPDX-License-Identifier: Apache-2.0
//
// Each runs to its end, prints what it found as JSON on standard output, and returns the exit status.
#pragma once

#include <cstdint>
#include <istream>
#include <vector>

#include "load/arguments.hpp"

namespace flocker::load {

/// Writes rows until it is told to end. Takes over the process: signals, standard input, the end.
[[nodiscard]] int write_rows(const Arguments& arguments);
[[nodiscard]] int verify_rows(const Arguments& arguments);
[[nodiscard]] int forget_rows(const Arguments& arguments);
[[nodiscard]] int fill_database(const Arguments& arguments);

/// Connects, again each `retry` until `target.patience` is over. Outcome of the last attempt.
[[nodiscard]] Attempt connect_patiently(Database& database, const Arguments& arguments);

/// The numbers in a file of acknowledged ones, each of which is the first word of its line.
[[nodiscard]] std::vector<std::uint64_t> read_acks(std::istream& file);

}  // namespace flocker::load
