// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// What libFuzzer calls with each input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace flocker::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first byte off, as a choice among `count`.
inline unsigned choose(std::string_view& text, unsigned count) {
    if (text.empty()) return 0;
    const unsigned choice = static_cast<unsigned char>(text.front()) % count;
    text.remove_prefix(1);
    return choice;
}

/// What must hold whatever the input is.
inline void expect(bool holds, const char* claim) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", claim);
    std::abort();
}

}  // namespace flocker::fuzz
