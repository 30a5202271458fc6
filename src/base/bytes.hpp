// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>

namespace flocker {

/// An amount of data.
struct Bytes {
    std::uint64_t value{0};

    friend auto operator<=>(const Bytes&, const Bytes&) = default;
    friend Bytes operator+(Bytes a, Bytes b) { return {a.value + b.value}; }
    Bytes& operator+=(Bytes other) {
        value += other.value;
        return *this;
    }
    friend std::ostream& operator<<(std::ostream& out, Bytes bytes) { return out << bytes.value; }
};

/// "512 B", "1.4 MiB", "20 GiB": powers of 1024, three digits at most before the unit.
[[nodiscard]] std::string to_text(Bytes bytes);

}  // namespace flocker
