// SPDX-License-Identifier: Apache-2.0
#include "manifest/size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "manifest/text.hpp"

namespace flocker::manifest {
namespace {

constexpr unsigned size_bits = 63;
/// More digits say nothing: 2^-40 of a byte has 40.
constexpr std::size_t fraction_digits_max = 64;

/// 0.<digits> times 2^shift, rounded up. Long multiplication by two, so that no digit is lost.
std::uint64_t scaled_fraction(std::string digits, unsigned shift) {
    std::uint64_t whole = 0;
    for (unsigned i = 0; i < shift; ++i) {
        unsigned carry = 0;
        for (auto at = digits.rbegin(); at != digits.rend(); ++at) {
            const unsigned doubled = static_cast<unsigned>(*at - '0') * 2 + carry;
            *at = static_cast<char>('0' + doubled % 10);
            carry = doubled / 10;
        }
        whole = whole * 2 + carry;
    }
    return whole + (digits.find_first_not_of('0') == std::string::npos ? 0 : 1);
}

unsigned shift_of(char unit) {
    switch (unit) {
        case 'k': return 10;
        case 'm': return 20;
        case 'g': return 30;
        case 't': return 40;
        default: return 0;
    }
}

}  // namespace

Result<Bytes> parse_size(std::string_view text) {
    const auto refuse = [&](std::string_view wrong) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{} {}, write one like \"512M\", \"1.5G\" or \"2T\"", shown(text), wrong));
    };
    const auto lower = to_lower(text);
    const auto digits =
        static_cast<std::size_t>(std::find_if_not(lower.begin(), lower.end(), is_digit) - lower.begin());
    auto rest = std::string_view(lower).substr(digits);
    std::string fraction;
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
        fraction.assign(rest.begin(), end);
        rest.remove_prefix(fraction.size());
    }
    const auto shift = rest.empty() ? 0 : shift_of(rest.front());
    if (digits == 0 || rest.size() > 1 || (rest.size() == 1 && shift == 0)) {
        return refuse("is not a size");
    }
    if (fraction.size() > fraction_digits_max) return refuse("has too many digits");

    const std::uint64_t limit = std::uint64_t{1} << (size_bits - shift);
    std::uint64_t whole = 0;
    for (const char c : lower.substr(0, digits)) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (whole > (limit - 1 - digit) / 10) return refuse("is more than any disk holds");
        whole = whole * 10 + digit;
    }
    const auto bytes = (whole << shift) + scaled_fraction(fraction, shift);
    if (bytes >> size_bits != 0) return refuse("is more than any disk holds");
    if (bytes == 0) return refuse("is nothing");
    return Bytes{bytes};
}

}  // namespace flocker::manifest
