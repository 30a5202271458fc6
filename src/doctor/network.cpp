// SPDX-License-Identifier: Apache-2.0
#include "doctor/network.hpp"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cstdint>
#include <optional>

namespace flocker::doctor {
namespace {

struct Network {
    std::uint32_t address{0};
    std::uint32_t mask{0};
};

/// The number that all of `text` is, up to `most`.
std::optional<std::uint32_t> number_in(std::string_view text, int base, std::uint32_t most) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size() || number > most) return std::nullopt;
    return number;
}

std::optional<Network> parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto prefix = number_in(text.substr(slash + 1), 10, 32);
    if (!prefix) return std::nullopt;
    Network network;
    network.mask = *prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - *prefix);
    std::string_view rest = text.substr(0, slash);
    for (int part = 0; part < 4; ++part) {
        const auto dot = rest.find('.');
        const auto byte = number_in(rest.substr(0, dot), 10, 255);
        if (!byte || (part < 3) != (dot != std::string_view::npos)) return std::nullopt;
        network.address = (network.address << 8U) | *byte;
        if (part < 3) rest.remove_prefix(dot + 1);
    }
    return network;
}

std::uint32_t turned(std::uint32_t word) {
    return (word >> 24U) | ((word >> 8U) & 0xFF00U) | ((word << 8U) & 0xFF0000U) | (word << 24U);
}

}  // namespace

bool overlap(std::string_view a, std::string_view b) {
    const auto one = parse(a);
    const auto other = parse(b);
    if (!one || !other) return false;
    const std::uint32_t mask = one->mask & other->mask;
    return (one->address & mask) == (other->address & mask);
}

std::string network_text(std::string_view destination, std::string_view mask) {
    const auto address = number_in(destination, 16, ~std::uint32_t{0});
    const auto bits = number_in(mask, 16, ~std::uint32_t{0});
    if (!address || !bits) return {};
    const std::uint32_t at = turned(*address);
    return fmt::format("{}.{}.{}.{}/{}", at >> 24U, (at >> 16U) & 255U, (at >> 8U) & 255U, at & 255U, std::popcount(*bits));
}

}  // namespace flocker::doctor
