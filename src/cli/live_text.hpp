// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace flocker::cli {

/// Lines on a terminal that are drawn again in place.
class LiveText {
public:
    explicit LiveText(std::ostream& out) : out_(out) {}
    /// What was shown before is gone. No line may be wider than the terminal.
    void show(const std::vector<std::string>& lines);
    void clear() { show({}); }

private:
    std::ostream& out_;
    std::size_t shown_{0};
};

}  // namespace flocker::cli
