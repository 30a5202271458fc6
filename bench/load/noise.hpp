// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string>

namespace flocker::load {

/// Bytes that no compressor makes smaller, faster than a disk takes them. Never the same twice.
class Noise {
public:
    /// Writes over all of `block`.
    void fill(std::string& block) {
        std::size_t at = 0;
        for (; at + sizeof(std::uint64_t) <= block.size(); at += sizeof(std::uint64_t)) {
            const std::uint64_t next = splitmix();
            std::memcpy(block.data() + at, &next, sizeof next);
        }
        for (; at < block.size(); ++at) block[at] = static_cast<char>(splitmix() & 0xff);
    }

private:
    std::uint64_t splitmix() {
        state_ += 0x9e3779b97f4a7c15;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    std::uint64_t state_{(std::uint64_t{std::random_device{}()} << 32) | std::random_device{}()};
};

}  // namespace flocker::load
