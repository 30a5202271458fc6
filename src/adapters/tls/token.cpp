// SPDX-License-Identifier: Apache-2.0
#include "adapters/tls/token.hpp"

#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <charconv>
#include <optional>

#include "adapters/tls/openssl.hpp"

namespace flocker::tls {
namespace {

constexpr std::string_view prefix = "FLKT-1-";
constexpr std::size_t fingerprint_size = 32;
constexpr std::size_t secret_size = 16;
constexpr std::size_t checksum_size = 4;
constexpr std::size_t text_max = 4096;
constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string sha256(std::string_view bytes) {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
           reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

std::string hex_of(std::string_view bytes) {
    return to_hex(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

std::optional<std::string> from_hex(std::string_view hex) {
    if (hex.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
        if (error != std::errc{} || end != hex.data() + i + 2) return std::nullopt;
        bytes += static_cast<char>(value);
    }
    return bytes;
}

std::string to_base64url(std::string_view bytes) {
    std::string text;
    std::uint32_t held = 0;
    unsigned bits = 0;
    for (const char c : bytes) {
        held = (held << 8U) | static_cast<unsigned char>(c);
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            text += alphabet[(held >> bits) & 63U];
        }
    }
    if (bits > 0) text += alphabet[(held << (6 - bits)) & 63U];
    return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
    std::string bytes;
    std::uint32_t held = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const auto at = alphabet.find(c);
        if (at == std::string_view::npos) return std::nullopt;
        held = (held << 6U) | static_cast<std::uint32_t>(at);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>((held >> bits) & 255U);
        }
    }
    return bytes;
}

/// Takes the first `size` bytes off `rest`.
std::optional<std::string_view> take(std::string_view& rest, std::size_t size) {
    if (rest.size() < size) return std::nullopt;
    const auto part = rest.substr(0, size);
    rest.remove_prefix(size);
    return part;
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    const auto host = text.substr(0, colon);
    const auto digits = text.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) return std::nullopt;
    for (const char c : host) {
        if (c <= ' ' || c > '~') return std::nullopt;
    }
    return Endpoint{std::string(host), port};
}

std::string to_text(const Endpoint& endpoint) {
    return endpoint.address + ":" + std::to_string(endpoint.port);
}

std::optional<JoinToken> parse_payload(std::string_view payload) {
    if (payload.size() < checksum_size) return std::nullopt;
    std::string_view rest = payload.substr(0, payload.size() - checksum_size);
    if (sha256(rest).substr(0, checksum_size) != payload.substr(rest.size())) return std::nullopt;
    JoinToken token;
    const auto count = take(rest, 1);
    if (!count || (*count)[0] < 1 || static_cast<std::size_t>((*count)[0]) > token_endpoints_max) return std::nullopt;
    for (int i = 0; i < (*count)[0]; ++i) {
        const auto length = take(rest, 1);
        if (!length) return std::nullopt;
        const auto text = take(rest, static_cast<unsigned char>((*length)[0]));
        const auto endpoint = text ? parse_endpoint(*text) : std::nullopt;
        if (!endpoint) return std::nullopt;
        token.control.push_back(*endpoint);
    }
    const auto authority = take(rest, fingerprint_size);
    const auto secret = take(rest, secret_size);
    if (!authority || !secret || !rest.empty()) return std::nullopt;
    token.authority_fingerprint = hex_of(*authority);
    token.secret = hex_of(*secret);
    return token;
}

}  // namespace

Result<JoinToken> make_token(std::vector<Endpoint> control, const std::string& authority_fingerprint) {
    if (control.empty() || control.size() > token_endpoints_max) {
        return fail(ErrorCode::invalid_argument, "a token needs 1 to 8 addresses of the control service");
    }
    for (const auto& endpoint : control) {
        const auto text = to_text(endpoint);
        if (text.size() > 255 || parse_endpoint(text) != endpoint) {
            return fail(ErrorCode::invalid_argument, "'" + text + "' is not an address with a port");
        }
    }
    const auto authority = from_hex(authority_fingerprint);
    if (!authority || authority->size() != fingerprint_size || hex_of(*authority) != authority_fingerprint) {
        return fail(ErrorCode::invalid_argument, "'" + authority_fingerprint + "' is not the fingerprint of a CA");
    }
    std::array<unsigned char, secret_size> secret{};
    if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1) {
        return fail(ErrorCode::internal, "random numbers: " + take_reason());
    }
    return JoinToken{std::move(control), authority_fingerprint, to_hex(secret.data(), secret.size())};
}

std::string to_text(const JoinToken& token) {
    std::string payload(1, static_cast<char>(token.control.size()));
    for (const auto& endpoint : token.control) {
        const auto text = to_text(endpoint);
        payload += static_cast<char>(text.size());
        payload += text;
    }
    payload += from_hex(token.authority_fingerprint).value_or("");
    payload += from_hex(token.secret).value_or("");
    payload += sha256(payload).substr(0, checksum_size);
    return std::string(prefix) + to_base64url(payload);
}

Result<JoinToken> parse_token(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return fail(ErrorCode::invalid_argument, "the join token is empty");
    text = text.substr(first, text.find_last_not_of(blanks) - first + 1);
    if (!text.starts_with(prefix)) {
        return fail(ErrorCode::invalid_argument,
                    text.starts_with("FLKT-")
                        ? "the join token is of another version of flocker; make one with the version that runs here"
                        : "this is not a join token: it does not begin with FLKT-1-");
    }
    const auto payload = text.size() <= text_max ? from_base64url(text.substr(prefix.size())) : std::nullopt;
    auto token = payload ? parse_payload(*payload) : std::nullopt;
    // Only one spelling of each token: the spare bits of the last character must be zero.
    if (!token || to_text(*token) != text) {
        return fail(ErrorCode::invalid_argument, "the join token is damaged; copy it again, all of it");
    }
    return *std::move(token);
}

std::string secret_digest(const std::string& secret) {
    return hex_of(sha256(secret));
}

}  // namespace flocker::tls
