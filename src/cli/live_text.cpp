// SPDX-License-Identifier: Apache-2.0
#include "cli/live_text.hpp"

namespace flocker::cli {

void LiveText::show(const std::vector<std::string>& lines) {
    // In one write, so that no half of it is ever seen.
    std::string text;
    if (shown_ > 0) text += "\x1b[" + std::to_string(shown_) + "A\r";
    for (const std::string& line : lines) text += "\x1b[2K" + line + "\n";
    if (shown_ > lines.size()) text += "\x1b[J";
    shown_ = lines.size();
    out_ << text << std::flush;
}

}  // namespace flocker::cli
