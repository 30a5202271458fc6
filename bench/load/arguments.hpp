// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "load/database.hpp"

namespace flocker::load {

enum class Command : std::uint8_t { write, verify, forget, fill, help };

struct Arguments {
    Command command{Command::write};
    Target target;
    std::string acks;  ///< File of acknowledged numbers, one a line, with their time; empty: none.
    std::chrono::microseconds interval{1000};
    std::chrono::milliseconds retry{2};
    std::optional<std::chrono::seconds> seconds;  ///< How long to write; nullopt: until told to end.
    bool connect_each{false};
    std::size_t payload{100};
    std::uint64_t bytes{0};
    std::uint64_t below{0};  ///< Rows of a lower number are forgotten.
    std::uint64_t others{0};
    std::size_t others_payload{3900};
    std::chrono::microseconds others_interval{4000};
};

extern const char* const usage;

/// The error is a sentence for people.
struct Parsed {
    Arguments arguments;
    std::string error;  ///< Empty: all is well.
};
[[nodiscard]] Parsed parse_arguments(const std::vector<std::string>& words);

/// "1048576", "512K", "10M", "4G" in powers of 1024.
[[nodiscard]] std::optional<std::uint64_t> parse_bytes(const std::string& text);

}  // namespace flocker::load
