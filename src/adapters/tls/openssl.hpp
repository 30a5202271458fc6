// SPDX-License-Identifier: Apache-2.0
//
// OpenSSL's objects with an owner. Only for this folder's .cpp files.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace flocker::tls {

template <auto free_function>
struct FreeWith {
    template <class T>
    void operator()(T* object) const {
        free_function(object);
    }
};
inline void free_names(GENERAL_NAMES* names) {
    GENERAL_NAMES_free(names);
}

using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, FreeWith<X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreeWith<free_names>>;
using ContextPtr = std::unique_ptr<SSL_CTX, FreeWith<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, FreeWith<SSL_free>>;

/// The newest reason in OpenSSL's queue of this thread; empties the queue.
[[nodiscard]] std::string take_reason();

/// nullptr unless `pem` begins with one.
[[nodiscard]] CertificatePtr parse_certificate(std::string_view pem);
[[nodiscard]] KeyPtr parse_key(std::string_view pem);

[[nodiscard]] std::string common_name_of(const X509* certificate);
/// SHA-256 of the DER form, in lower case hex.
[[nodiscard]] std::string fingerprint_of(const X509* certificate);
[[nodiscard]] Instant to_instant(const ASN1_TIME* time);
[[nodiscard]] std::string to_hex(const unsigned char* bytes, std::size_t size);

}  // namespace flocker::tls
