// SPDX-License-Identifier: Apache-2.0
#include "adapters/tls/authority.hpp"

#include <fmt/format.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "adapters/tls/openssl.hpp"

namespace flocker::tls {
namespace {

constexpr std::string_view user_prefix = "user:";
constexpr std::string_view node_prefix = "node:";
constexpr std::string_view control_name = "control";
constexpr std::size_t common_name_max = 64;  // X.520
constexpr std::size_t cluster_name_max = 40;

tl::unexpected<Error> openssl_failure(const std::string& what) {
    return fail(ErrorCode::internal, what + ": " + take_reason());
}

std::string drain(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string{};
}

Result<std::string> to_pem(X509* certificate) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    if (!out || PEM_write_bio_X509(out.get(), certificate) != 1) return openssl_failure("writing a certificate");
    return drain(out.get());
}

Result<std::string> to_pem(X509_REQ* request) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    if (!out || PEM_write_bio_X509_REQ(out.get(), request) != 1)
        return openssl_failure("writing a certificate request");
    return drain(out.get());
}

Result<std::string> to_pem(EVP_PKEY* key) {
    const BioPtr out(BIO_new(BIO_s_secmem()));
    if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return openssl_failure("writing a private key");
    }
    return drain(out.get());
}

Result<KeyPtr> make_key() {
    KeyPtr key(EVP_EC_gen("P-256"));
    if (!key) return openssl_failure("making a key");
    return key;
}

Status set_common_name(X509_NAME* subject, const std::string& name) {
    if (name.empty() || name.size() > common_name_max ||
        X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(name.data()), static_cast<int>(name.size()),
                                   -1, 0) != 1) {
        ERR_clear_error();
        return fail(ErrorCode::invalid_argument, "'" + name + "' can't be the name in a certificate");
    }
    return {};
}

Status add_text_name(GENERAL_NAMES* names, int kind, const std::string& text) {
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
    if (text.empty() || !plain) {
        return fail(ErrorCode::invalid_argument, "'" + text + "' can't be an alternative name in a certificate");
    }
    ASN1_IA5STRING* value = ASN1_IA5STRING_new();
    GENERAL_NAME* name = GENERAL_NAME_new();
    if (value == nullptr || name == nullptr ||
        ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) != 1) {
        ASN1_IA5STRING_free(value);
        GENERAL_NAME_free(name);
        return openssl_failure("writing an alternative name");
    }
    GENERAL_NAME_set0_value(name, kind, value);
    if (sk_GENERAL_NAME_push(names, name) == 0) {
        GENERAL_NAME_free(name);
        return openssl_failure("writing an alternative name");
    }
    return {};
}

Status add_address(GENERAL_NAMES* names, const std::string& address) {
    ASN1_OCTET_STRING* value = a2i_IPADDRESS(address.c_str());
    if (value == nullptr) {
        ERR_clear_error();
        return fail(ErrorCode::invalid_argument, "'" + address + "' is not an IP address");
    }
    GENERAL_NAME* name = GENERAL_NAME_new();
    if (name != nullptr) GENERAL_NAME_set0_value(name, GEN_IPADD, value);
    if (name == nullptr || sk_GENERAL_NAME_push(names, name) == 0) {
        if (name == nullptr) ASN1_OCTET_STRING_free(value);
        GENERAL_NAME_free(name);
        return openssl_failure("writing an alternative name");
    }
    return {};
}

/// nullptr if there are none.
Result<ExtensionPtr> make_alternative_names(const AlternativeNames& wanted) {
    const NamesPtr names(GENERAL_NAMES_new());
    if (!names) return openssl_failure("writing alternative names");
    for (const auto& address : wanted.addresses) FLOCKER_CHECK_OK(add_address(names.get(), address));
    for (const auto& host : wanted.hosts) FLOCKER_CHECK_OK(add_text_name(names.get(), GEN_DNS, host));
    for (const auto& uri : wanted.uris) FLOCKER_CHECK_OK(add_text_name(names.get(), GEN_URI, uri));
    if (sk_GENERAL_NAME_num(names.get()) == 0) return ExtensionPtr{};
    ExtensionPtr extension(X509V3_EXT_i2d(NID_subject_alt_name, 0, names.get()));
    if (!extension) return openssl_failure("writing alternative names");
    return extension;
}

Status add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
    if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
        return openssl_failure("writing a certificate");
    }
    return {};
}

/// Version, a random serial number and the time of validity.
Status begin_certificate(X509* certificate, Instant now, Duration lifetime) {
    std::array<unsigned char, 16> serial{};
    if (RAND_bytes(serial.data(), static_cast<int>(serial.size())) != 1) return openssl_failure("random numbers");
    serial[0] = static_cast<unsigned char>((serial[0] & 0x7FU) | 0x40U);  // positive, and of one length
    BIGNUM* number = BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr);
    const bool numbered =
        number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
    BN_free(number);
    const auto seconds = [](Instant at) { return static_cast<time_t>(at.unix_ns / 1'000'000'000); };
    if (!numbered || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(now - clock_tolerance)) == nullptr ||
        ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(now + lifetime)) == nullptr) {
        return openssl_failure("writing a certificate");
    }
    return {};
}

Result<RequestPtr> parse_request(const std::string& pem) {
    const BioPtr reader(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    RequestPtr request(reader ? PEM_read_bio_X509_REQ(reader.get(), nullptr, nullptr, nullptr) : nullptr);
    ERR_clear_error();
    if (!request) return fail(ErrorCode::invalid_argument, "this is not a certificate request");
    EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
    if (key == nullptr || X509_REQ_verify(request.get(), key) != 1) {
        ERR_clear_error();
        return fail(ErrorCode::invalid_argument, "the certificate request is not signed by the key that is in it");
    }
    std::array<char, 32> group{};
    std::size_t size = 0;
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1 ||
        std::string_view(group.data(), size) != "prime256v1") {
        ERR_clear_error();
        return fail(ErrorCode::invalid_argument, "the key in the certificate request is not EC P-256");
    }
    return request;
}

Result<std::string> request_for(EVP_PKEY* key, const std::string& common_name, const AlternativeNames& names) {
    const RequestPtr request(X509_REQ_new());
    if (!request || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_pubkey(request.get(), key) != 1) {
        return openssl_failure("making a certificate request");
    }
    FLOCKER_CHECK_OK(set_common_name(X509_REQ_get_subject_name(request.get()), common_name));
    FLOCKER_TRY(ExtensionPtr extension, make_alternative_names(names));
    if (extension) {
        STACK_OF(X509_EXTENSION)* list = sk_X509_EXTENSION_new_null();
        const bool added = list != nullptr && sk_X509_EXTENSION_push(list, extension.get()) != 0 &&
                           X509_REQ_add_extensions(request.get(), list) == 1;
        sk_X509_EXTENSION_free(list);
        if (!added) return openssl_failure("making a certificate request");
    }
    if (X509_REQ_sign(request.get(), key, EVP_sha256()) == 0) {
        return openssl_failure("signing a certificate request");
    }
    return to_pem(request.get());
}

bool is_uuid_text(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
    }
    return true;
}

bool is_user_name(std::string_view text) {
    constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.@-";
    return !text.empty() && text.size() <= common_name_max - user_prefix.size() &&
           text.find_first_not_of(allowed) == std::string_view::npos;
}

AlternativeNames alternative_names_of(const X509* certificate) {
    AlternativeNames found;
    const NamesPtr names(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
        int kind = 0;
        const auto* value =
            static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &kind));
        if (kind != GEN_URI && kind != GEN_DNS && kind != GEN_IPADD) continue;
        const unsigned char* bytes = ASN1_STRING_get0_data(value);
        const auto size = static_cast<std::size_t>(ASN1_STRING_length(value));
        if (kind == GEN_IPADD && size == 4) {
            found.addresses.push_back(fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]));
        } else if (kind == GEN_IPADD && size == 16) {
            std::string text;
            for (std::size_t at = 0; at < 16; at += 2) {
                text += fmt::format("{}{:x}", at == 0 ? "" : ":", bytes[at] * 256 + bytes[at + 1]);
            }
            found.addresses.push_back(std::move(text));
        } else if (kind != GEN_IPADD) {
            auto& list = kind == GEN_URI ? found.uris : found.hosts;
            list.emplace_back(reinterpret_cast<const char*>(bytes), size);
        }
    }
    return found;
}

}  // namespace

std::string to_text(const Identity& identity) {
    switch (identity.role) {
        case Identity::Role::control: return std::string(control_name);
        case Identity::Role::node: return std::string(node_prefix) + identity.name;
        case Identity::Role::user: return std::string(user_prefix) + identity.name;
    }
    return {};
}

std::optional<Identity> parse_identity(std::string_view common_name) {
    if (common_name == control_name) return Identity{Identity::Role::control, {}};
    if (common_name.starts_with(node_prefix)) {
        const auto name = common_name.substr(node_prefix.size());
        if (is_uuid_text(name)) return Identity{Identity::Role::node, std::string(name)};
    }
    if (common_name.starts_with(user_prefix)) {
        const auto name = common_name.substr(user_prefix.size());
        if (is_user_name(name)) return Identity{Identity::Role::user, std::string(name)};
    }
    return std::nullopt;
}

Terms terms_for_node(const std::string& uuid, const std::string& address) {
    return {to_text(Identity{Identity::Role::node, uuid}),
            {.addresses = {address}, .hosts = {}, .uris = {"flocker://node/" + uuid}},
            true,
            certificate_lifetime};
}

Terms terms_for_user(const std::string& name) {
    return {to_text(Identity{Identity::Role::user, name}), {}, false, certificate_lifetime};
}

Terms terms_for_control(AlternativeNames names) {
    return {to_text(Identity{}), std::move(names), true, certificate_lifetime};
}

Result<Authority> create_authority(const std::string& cluster, Instant now) {
    if (cluster.empty() || cluster.size() > cluster_name_max) {
        return fail(ErrorCode::invalid_argument,
                    fmt::format("the cluster's name must have 1 to {} characters", cluster_name_max));
    }
    FLOCKER_TRY(const KeyPtr key, make_key());
    const CertificatePtr certificate(X509_new());
    if (!certificate) return openssl_failure("making a certificate");
    X509* self = certificate.get();
    FLOCKER_CHECK_OK(begin_certificate(self, now, authority_lifetime));
    FLOCKER_CHECK_OK(set_common_name(X509_get_subject_name(self), "flocker cluster " + cluster));
    if (X509_set_issuer_name(self, X509_get_subject_name(self)) != 1 || X509_set_pubkey(self, key.get()) != 1) {
        return openssl_failure("making a certificate");
    }
    FLOCKER_CHECK_OK(add_extension(self, self, NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
    FLOCKER_CHECK_OK(add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign"));
    FLOCKER_CHECK_OK(add_extension(self, self, NID_subject_key_identifier, "hash"));
    if (X509_sign(self, key.get(), EVP_sha256()) == 0) return openssl_failure("signing a certificate");
    FLOCKER_TRY(std::string certificate_pem, to_pem(self));
    FLOCKER_TRY(std::string key_pem, to_pem(key.get()));
    return Authority{std::move(certificate_pem), std::move(key_pem)};
}

Result<KeyAndRequest> make_key_and_request(const std::string& common_name, const AlternativeNames& names) {
    FLOCKER_TRY(const KeyPtr key, make_key());
    FLOCKER_TRY(std::string request, request_for(key.get(), common_name, names));
    FLOCKER_TRY(std::string key_pem, to_pem(key.get()));
    return KeyAndRequest{std::move(key_pem), std::move(request)};
}

Result<std::string> make_request(const std::string& key, const std::string& common_name) {
    const KeyPtr parsed = parse_key(key);
    ERR_clear_error();
    if (!parsed) return fail(ErrorCode::invalid_argument, "this is not a private key");
    return request_for(parsed.get(), common_name, {});
}

Result<std::string> sign(const Authority& authority, const std::string& request, const Terms& terms, Instant now) {
    const CertificatePtr issuer = parse_certificate(authority.certificate);
    const KeyPtr issuer_key = parse_key(authority.key);
    if (!issuer || !issuer_key || X509_check_private_key(issuer.get(), issuer_key.get()) != 1) {
        ERR_clear_error();
        return fail(ErrorCode::corrupt,
                    "the cluster's CA certificate and its key can't be read, or do not belong together");
    }
    FLOCKER_TRY(const RequestPtr parsed, parse_request(request));
    const CertificatePtr certificate(X509_new());
    if (!certificate) return openssl_failure("making a certificate");
    X509* made = certificate.get();
    FLOCKER_CHECK_OK(begin_certificate(made, now, terms.lifetime));
    FLOCKER_CHECK_OK(set_common_name(X509_get_subject_name(made), terms.common_name));
    if (X509_set_issuer_name(made, X509_get_subject_name(issuer.get())) != 1 ||
        X509_set_pubkey(made, X509_REQ_get0_pubkey(parsed.get())) != 1) {
        return openssl_failure("making a certificate");
    }
    FLOCKER_CHECK_OK(add_extension(made, issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
    FLOCKER_CHECK_OK(add_extension(made, issuer.get(), NID_key_usage, "critical,digitalSignature"));
    FLOCKER_CHECK_OK(
        add_extension(made, issuer.get(), NID_ext_key_usage, terms.serves ? "clientAuth,serverAuth" : "clientAuth"));
    FLOCKER_CHECK_OK(add_extension(made, issuer.get(), NID_subject_key_identifier, "hash"));
    FLOCKER_CHECK_OK(add_extension(made, issuer.get(), NID_authority_key_identifier, "keyid:always"));
    FLOCKER_TRY(const ExtensionPtr names, make_alternative_names(terms.names));
    if (names && X509_add_ext(made, names.get(), -1) != 1) return openssl_failure("making a certificate");
    if (X509_sign(made, issuer_key.get(), EVP_sha256()) == 0) return openssl_failure("signing a certificate");
    return to_pem(made);
}

Result<std::string> fingerprint(const std::string& certificate) {
    const CertificatePtr parsed = parse_certificate(certificate);
    if (!parsed) return fail(ErrorCode::corrupt, "this is not a certificate");
    return fingerprint_of(parsed.get());
}

Result<bool> is_signed_by(const std::string& certificate, const std::string& authority) {
    const CertificatePtr signed_one = parse_certificate(certificate);
    const CertificatePtr issuer = parse_certificate(authority);
    ERR_clear_error();
    if (!signed_one || !issuer) return fail(ErrorCode::corrupt, "this is not a certificate");
    const bool good = X509_verify(signed_one.get(), X509_get0_pubkey(issuer.get())) == 1;
    ERR_clear_error();
    return good;
}

Result<CertificateFacts> read_certificate(const std::string& certificate) {
    const CertificatePtr parsed = parse_certificate(certificate);
    if (!parsed) return fail(ErrorCode::corrupt, "this is not a certificate");
    return CertificateFacts{common_name_of(parsed.get()), alternative_names_of(parsed.get()),
                            to_instant(X509_get0_notBefore(parsed.get())),
                            to_instant(X509_get0_notAfter(parsed.get()))};
}

}  // namespace flocker::tls
