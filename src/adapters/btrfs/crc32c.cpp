// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/crc32c.hpp"

#include <array>
#include <cstring>

namespace flocker::btrfs {
namespace {

constexpr std::uint32_t reversed_polynomial = 0x82F63B78;

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) value = (value & 1U) != 0 ? (value >> 1U) ^ reversed_polynomial : value >> 1U;
        table[i] = value;
    }
    return table;
}

constexpr std::array<std::uint32_t, 256> table = make_table();

std::uint32_t by_table(std::uint32_t sum, std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) sum = table[(sum ^ static_cast<std::uint32_t>(byte)) & 0xFFU] ^ (sum >> 8U);
    return sum;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t sum, std::span<const std::byte> bytes) {
    std::uint64_t wide = sum;
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, 8);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    auto narrow = static_cast<std::uint32_t>(wide);
    for (; at < bytes.size(); ++at) narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(bytes[at]));
    return narrow;
}
#endif

}  // namespace

std::uint32_t crc32c(std::uint32_t seed, std::span<const std::byte> bytes) {
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction) return by_instruction(seed, bytes);
#endif
    return by_table(seed, bytes);
}

}  // namespace flocker::btrfs
