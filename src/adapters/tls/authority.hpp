// SPDX-License-Identifier: Apache-2.0
//
// The cluster's certificate authority and what it says about people and machines.
//
//   common name    who                     shows it to            alternative names
//   control        the control service     agents and users       the addresses that it is reached at
//   node:<uuid>    an agent                control, other agents  flocker://node/<uuid> and its address
//   user:<name>    a person                the REST API           none
//
// All keys are EC P-256. All texts are PEM. `now` is the caller's clock; a certificate is valid from
// five minutes before it, because clocks differ.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::tls {

struct Authority {
    std::string certificate;
    std::string key;
};

struct KeyAndRequest {
    std::string key;
    std::string request;
};

struct AlternativeNames {
    std::vector<std::string> addresses;  ///< IPv4 or IPv6.
    std::vector<std::string> hosts;      ///< DNS names.
    std::vector<std::string> uris;

    friend bool operator==(const AlternativeNames&, const AlternativeNames&) = default;
};

/// Who a certificate is for.
struct Identity {
    enum class Role : std::uint8_t { control, node, user };
    Role role{Role::control};
    std::string name;  ///< The node's UUID or the user's name; empty for control.

    friend bool operator==(const Identity&, const Identity&) = default;
};
/// The common name.
[[nodiscard]] std::string to_text(const Identity& identity);
/// nullopt unless it is exactly what to_text writes for a valid identity. A user's name has 1 to 59
/// characters of [A-Za-z0-9_.@-].
[[nodiscard]] std::optional<Identity> parse_identity(std::string_view common_name);

/// What the CA says in a certificate. The CA decides it, not who asks for one.
struct Terms {
    std::string common_name;
    AlternativeNames names;
    bool serves{true};  ///< May be shown by the side that listens. All may be shown by the other.
    Duration lifetime{};
};
[[nodiscard]] Terms terms_for_node(const std::string& uuid, const std::string& address);
[[nodiscard]] Terms terms_for_user(const std::string& name);
[[nodiscard]] Terms terms_for_control(AlternativeNames names);

/// What a certificate says.
struct CertificateFacts {
    std::string common_name;
    AlternativeNames names;
    Instant valid_from;
    Instant valid_until;
};

inline constexpr Duration authority_lifetime = std::chrono::hours{24 * 3652};
inline constexpr Duration certificate_lifetime = std::chrono::hours{24 * 365};
inline constexpr Duration clock_tolerance = std::chrono::minutes{5};

/// Errors: invalid_argument (the name is empty or longer than 40 characters).
[[nodiscard]] Result<Authority> create_authority(const std::string& cluster, Instant now);

/// A new key, and the request to be signed. The key need never leave the machine that made it.
/// Errors: invalid_argument (a name or an address that can't be written into a certificate).
[[nodiscard]] Result<KeyAndRequest> make_key_and_request(const std::string& common_name,
                                                         const AlternativeNames& names = {});

/// The same for a key that is there already. Errors: invalid_argument (also: not a key).
[[nodiscard]] Result<std::string> make_request(const std::string& key, const std::string& common_name);

/// The certificate for the key in `request`. Of the request only the key is believed, after its
/// owner has proved to have it.
/// Errors: invalid_argument (not a request, its signature is wrong, another kind of key, the terms
/// can't be written), corrupt (the authority's texts).
[[nodiscard]] Result<std::string> sign(const Authority& authority, const std::string& request, const Terms& terms,
                                       Instant now);

/// SHA-256 of the certificate, 64 characters of lower case hex.
/// Errors: corrupt (not a certificate).
[[nodiscard]] Result<std::string> fingerprint(const std::string& certificate);
/// Errors: corrupt (one of them is not a certificate).
[[nodiscard]] Result<bool> is_signed_by(const std::string& certificate, const std::string& authority);
[[nodiscard]] Result<CertificateFacts> read_certificate(const std::string& certificate);

}  // namespace flocker::tls
