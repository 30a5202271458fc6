// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace flocker::manifest {

/// "10.0.0.1" as a number, most significant part first. nullopt if it is anything else.
[[nodiscard]] std::optional<std::uint32_t> parse_ipv4(std::string_view text);

/// A name of a machine as DNS has it, '_' allowed too; not something that looks like an address.
[[nodiscard]] bool is_hostname(std::string_view text);

/// A node's name: letters, digits and '-', at most 63, not '-' at an end, not digits only.
[[nodiscard]] bool is_dns_label(std::string_view text);

}  // namespace flocker::manifest
