// SPDX-License-Identifier: Apache-2.0
//
// What a person carries from the cluster to a new node: one word to paste. It says where the control
// service is, which CA is the right one, and that the bearer may join.
//
//   token    = "FLKT-1-" base64url(payload), without padding
//   payload  = u8 count, then for each endpoint: u8 length, "host:port"
//              32 bytes  SHA-256 of the CA certificate
//              16 bytes  the secret
//              4 bytes   the first of the SHA-256 of all before: finds a torn paste
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace flocker::tls {

struct Endpoint {
    std::string address;  ///< IPv4 address or host name.
    std::uint16_t port{0};

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct JoinToken {
    std::vector<Endpoint> control;      ///< 1 to 8; try them in this order.
    std::string authority_fingerprint;  ///< See tls::fingerprint().
    std::string secret;                 ///< 32 characters of lower case hex.

    friend bool operator==(const JoinToken&, const JoinToken&) = default;
};

inline constexpr std::size_t token_endpoints_max = 8;

/// With a fresh secret of 128 bits. Errors: invalid_argument (endpoints, fingerprint).
[[nodiscard]] Result<JoinToken> make_token(std::vector<Endpoint> control, const std::string& authority_fingerprint);
[[nodiscard]] std::string to_text(const JoinToken& token);
/// Leading and trailing white space is allowed.
/// Errors: invalid_argument, with what to do.
[[nodiscard]] Result<JoinToken> parse_token(std::string_view text);

/// What the store keeps instead of the secret: its SHA-256 in lower case hex.
[[nodiscard]] std::string secret_digest(const std::string& secret);

}  // namespace flocker::tls
