// SPDX-License-Identifier: Apache-2.0
#include "manifest/diagnostic.hpp"

#include <fmt/format.h>

#include "manifest/limits.hpp"

namespace flocker::manifest {

std::string to_text(const Location& location) {
    return fmt::format("{}:{}:{}", location.file, location.line, location.column);
}

std::ostream& operator<<(std::ostream& out, const Location& location) {
    return out << to_text(location);
}

std::string to_text(const Diagnostic& diagnostic) {
    return fmt::format("{}:{}:{}: {}", diagnostic.file, diagnostic.line, diagnostic.column, diagnostic.message);
}

std::ostream& operator<<(std::ostream& out, const Diagnostic& diagnostic) {
    return out << to_text(diagnostic);
}

Diagnostic diagnostic_at(const Location& location, std::string message) {
    return {location.file, location.line, location.column, std::move(message)};
}

bool Problems::full() const {
    return found_.size() > limits::problems_per_file;
}

void Problems::add(Position at, std::string message) {
    if (full()) return;
    if (found_.size() == limits::problems_per_file) {
        message = fmt::format("more than {} problems, correct the first ones and try again", limits::problems_per_file);
    }
    found_.push_back({file_, at.line, at.column, std::move(message)});
}

}  // namespace flocker::manifest
