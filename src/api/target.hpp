// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flocker::api {

/// The target of a request, taken apart: "/v1/volumes/a%20b?tail=3" is the segments "v1", "volumes",
/// "a b" and the parameter tail.
struct Target {
    std::vector<std::string> segments;
    std::map<std::string, std::string, std::less<>> parameters;

    friend bool operator==(const Target&, const Target&) = default;
};

/// Errors: invalid_argument (not a path, a percent sign without its two digits, a parameter twice).
[[nodiscard]] Result<Target> parse_target(std::string_view text);

/// A whole number from `least` to `most`; `otherwise` if the parameter is not there.
/// Errors: invalid_argument, naming the parameter.
[[nodiscard]] Result<std::uint64_t> number(const Target& target, std::string_view name, std::uint64_t otherwise,
                                           std::uint64_t least, std::uint64_t most);
/// "1" and "true", or "0" and "false"; false if it is not there.
[[nodiscard]] Result<bool> truth(const Target& target, std::string_view name);

}  // namespace flocker::api
