// SPDX-License-Identifier: Apache-2.0
#include "adapters/tls/digest.hpp"

#include <openssl/sha.h>

#include <array>

#include "adapters/tls/openssl.hpp"

namespace flocker::tls {

std::string digest(std::string_view text) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> bytes{};
    SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data());
    return to_hex(bytes.data(), bytes.size());
}

}  // namespace flocker::tls
