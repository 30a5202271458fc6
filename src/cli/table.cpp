// SPDX-License-Identifier: Apache-2.0
#include "cli/table.hpp"

#include <algorithm>
#include <numeric>

#include "base/check.hpp"
#include "cli/text.hpp"

namespace flocker::cli {
namespace {

constexpr std::size_t gap = 3;
constexpr std::size_t narrowest = 6;

const char* code_of(Tone tone) {
    switch (tone) {
        case Tone::plain: return "";
        case Tone::strong: return "\x1b[1m";
        case Tone::good: return "\x1b[32m";
        case Tone::busy: return "\x1b[33m";
        case Tone::bad: return "\x1b[31m";
        case Tone::faint: return "\x1b[2m";
    }
    return "";
}

}  // namespace

std::string toned(const std::string& text, Tone tone, const Look& look) {
    if (!look.colour || tone == Tone::plain || text.empty()) return text;
    return code_of(tone) + text + "\x1b[0m";
}

Table::Table(std::vector<std::string> heading) {
    for (std::string& title : heading) heading_.emplace_back(std::move(title), Tone::strong);
}

std::string Table::text(const Look& look) const {
    std::vector<std::size_t> widths;
    for (const Cell& title : heading_) widths.push_back(columns(title.text));
    for (const auto& row : rows_) {
        FLOCKER_CHECK(row.size() == widths.size());
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns(row[i].text));
    }
    const std::size_t gaps = gap * (widths.size() - 1);
    while (look.width > 0 && std::accumulate(widths.begin(), widths.end(), gaps) > look.width) {
        auto& widest = *std::ranges::max_element(widths);
        if (widest <= narrowest) break;
        --widest;
    }

    std::string out;
    const auto write = [&](const std::vector<Cell>& row) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string shown = cut(printable(row[i].text), widths[i]);
            line += toned(shown, row[i].tone, look);
            if (i + 1 < row.size()) line += std::string(widths[i] - columns(shown) + gap, ' ');
        }
        line.erase(std::min(line.find_last_not_of(' ') + 1, line.size()));
        out += line + "\n";
    };
    write(heading_);
    for (const auto& row : rows_) write(row);
    return out;
}

}  // namespace flocker::cli
