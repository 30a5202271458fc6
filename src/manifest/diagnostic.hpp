// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <ostream>
#include <string>
#include <vector>

namespace flocker::manifest {

/// A file as it was read. `file` is what messages call it.
struct SourceText {
    std::string file;
    std::string text;
};

/// A place in a text. Both count from 1; a column is a character, not a byte.
struct Position {
    unsigned line{1};
    unsigned column{1};

    friend auto operator<=>(const Position&, const Position&) = default;
};

/// A place in a file.
struct Location {
    std::string file;
    unsigned line{1};
    unsigned column{1};

    friend bool operator==(const Location&, const Location&) = default;
};
/// "app.yml:3:5"
[[nodiscard]] std::string to_text(const Location& location);
std::ostream& operator<<(std::ostream& out, const Location& location);

/// One problem of a file.
struct Diagnostic {
    std::string file;
    unsigned line{1};
    unsigned column{1};
    std::string message;  ///< "what is wrong, what would be right"; lower case, no full stop.

    /// By file, line, column.
    friend auto operator<=>(const Diagnostic&, const Diagnostic&) = default;
};
/// "app.yml:3:5: what is wrong, what would be right"
[[nodiscard]] std::string to_text(const Diagnostic& diagnostic);
std::ostream& operator<<(std::ostream& out, const Diagnostic& diagnostic);

/// For checks that come after parsing and know a Location from Positions.
[[nodiscard]] Diagnostic diagnostic_at(const Location& location, std::string message);

/// Collects the problems of one file.
/// Limits: keeps limits::problems_per_file of them and then says so once.
class Problems {
public:
    explicit Problems(std::string file) : file_(std::move(file)) {}

    void add(Position at, std::string message);
    [[nodiscard]] bool empty() const { return found_.empty(); }
    /// Whether add() would keep nothing more.
    [[nodiscard]] bool full() const;
    [[nodiscard]] Location location(Position at) const { return {file_, at.line, at.column}; }
    [[nodiscard]] const std::vector<Diagnostic>& found() const { return found_; }

private:
    std::string file_;
    std::vector<Diagnostic> found_;
};

}  // namespace flocker::manifest
