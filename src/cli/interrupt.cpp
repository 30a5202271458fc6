// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace flocker::cli {
namespace {

// What a signal's function may touch: plain memory that nobody changes while it can be called.
std::array<char, 512> farewell_text{};
std::size_t farewell_size = 0;

extern "C" void say_farewell(int /*signal*/) {
    const ssize_t ignored = ::write(STDERR_FILENO, farewell_text.data(), farewell_size);
    static_cast<void>(ignored);
    ::_exit(130);
}

}  // namespace

void set_farewell(const std::string& farewell) {
    std::signal(SIGINT, SIG_DFL);
    if (farewell.empty()) return;
    farewell_size = std::min(farewell.size(), farewell_text.size());
    std::copy_n(farewell.begin(), farewell_size, farewell_text.begin());
    std::signal(SIGINT, say_farewell);
}

}  // namespace flocker::cli
