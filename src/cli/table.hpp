// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace flocker::cli {

enum class Tone : std::uint8_t { plain, strong, good, busy, bad, faint };

/// How text looks where it is shown.
struct Look {
    unsigned width{0};  ///< In columns; 0: without limit.
    bool colour{false};
};

[[nodiscard]] std::string toned(const std::string& text, Tone tone, const Look& look);

struct Cell {
    // NOLINTNEXTLINE(google-explicit-constructor): most cells are just text.
    Cell(std::string written, Tone how = Tone::plain) : text(std::move(written)), tone(how) {}
    // NOLINTNEXTLINE(google-explicit-constructor)
    Cell(const char* written) : text(written) {}

    std::string text;
    Tone tone{Tone::plain};
};

/// Rows under a heading, as wide as they have to be and no wider than the terminal: the widest column
/// gives way.
class Table {
public:
    explicit Table(std::vector<std::string> heading);
    /// As many cells as the heading has.
    void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    [[nodiscard]] std::string text(const Look& look) const;

private:
    std::vector<Cell> heading_;
    std::vector<std::vector<Cell>> rows_;
};

}  // namespace flocker::cli
