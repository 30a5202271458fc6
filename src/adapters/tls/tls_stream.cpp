// SPDX-License-Identifier: Apache-2.0
#include "adapters/tls/tls_stream.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <mutex>
#include <utility>

#include "adapters/posix/fd_stream.hpp"
#include "adapters/tls/connection.hpp"

namespace flocker::tls {
namespace {

// The fast one first; all three are good.
constexpr const char* ciphers = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr std::size_t read_ahead_bytes = std::size_t{64} * 1024;

Result<ContextPtr> make_context() {
    ContextPtr context(SSL_CTX_new(TLS_method()));
    if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(context.get(), ciphers) != 1) {
        return fail(ErrorCode::internal, "preparing TLS: " + take_reason());
    }
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    // Connections are kept, so sessions need not be. A resumed one would skip the check of the
    // certificate, too.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context.get(), 0);
    SSL_CTX_set_read_ahead(context.get(), 1);
    SSL_CTX_set_default_read_buffer_len(context.get(), read_ahead_bytes);
    SSL_CTX_set_verify_depth(context.get(), 1);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    SSL_CTX_set_cert_verify_callback(context.get(), verify_chain, nullptr);
    return context;
}

std::string place_of(const std::string& address, std::uint16_t port) {
    return address + ":" + std::to_string(port);
}

std::string place_of_peer(int fd) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) == 0) {
        if (storage.ss_family == AF_INET) {
            const auto& inet = reinterpret_cast<const sockaddr_in&>(storage);
            if (::inet_ntop(AF_INET, &inet.sin_addr, text.data(), text.size()) != nullptr) {
                return place_of(text.data(), ntohs(inet.sin_port));
            }
        } else if (storage.ss_family == AF_INET6) {
            const auto& inet = reinterpret_cast<const sockaddr_in6&>(storage);
            if (::inet_ntop(AF_INET6, &inet.sin6_addr, text.data(), text.size()) != nullptr) {
                return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(inet.sin6_port));
            }
        }
    }
    return "a client";
}

Result<ContextPtr> context_of(const Credentials& credentials) {
    CertificatePtr authority = parse_certificate(credentials.authority);
    const CertificatePtr certificate = parse_certificate(credentials.certificate);
    const KeyPtr key = parse_key(credentials.key);
    if (!authority) return fail(ErrorCode::invalid_argument, "the CA's certificate can't be read");
    if (!certificate) return fail(ErrorCode::invalid_argument, "our certificate can't be read");
    if (!key) return fail(ErrorCode::invalid_argument, "our private key can't be read");
    FLOCKER_TRY(ContextPtr context, make_context());
    if (SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1 || SSL_CTX_check_private_key(context.get()) != 1) {
        return fail(ErrorCode::invalid_argument,
                    "our private key does not belong to our certificate: " + take_reason());
    }
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context.get(), authority.get()) != 1 ||
        // The CA's own goes along, so that who joins can compare its fingerprint. Takes ownership.
        SSL_CTX_add_extra_chain_cert(context.get(), authority.get()) != 1) {
        return fail(ErrorCode::internal, "preparing TLS: " + take_reason());
    }
    static_cast<void>(authority.release());
    return context;
}

}  // namespace

/// What new streams are made from.
class CurrentContext {
public:
    explicit CurrentContext(std::shared_ptr<ssl_ctx_st> context) : context_(std::move(context)) {}
    [[nodiscard]] SslPtr make() {
        const std::lock_guard lock(mutex_);
        return SslPtr(SSL_new(context_.get()));
    }
    void replace(std::shared_ptr<ssl_ctx_st> context) {
        const std::lock_guard lock(mutex_);
        context_ = std::move(context);
    }

private:
    std::mutex mutex_;
    std::shared_ptr<ssl_ctx_st> context_;  ///< A stream made from it keeps it alive.
};

namespace {

class TlsListener final : public posix::Listener {
public:
    TlsListener(std::unique_ptr<posix::FdListener> sockets, std::shared_ptr<CurrentContext> context,
                ClientCertificates clients)
        : sockets_(std::move(sockets)), context_(std::move(context)), clients_(clients) {}

    Result<std::unique_ptr<posix::Stream>> accept() override {
        FLOCKER_TRY(posix::Fd socket, sockets_->accept_fd());
        SslPtr ssl = context_->make();
        if (!ssl) return fail(ErrorCode::internal, "accepting a TLS connection: " + take_reason());
        const bool required = clients_ == ClientCertificates::required;
        SSL_set_verify(ssl.get(), SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
        Verification verification{place_of_peer(socket.get()), {}, {}};
        return std::make_unique<TlsConnection>(std::move(socket), std::move(ssl), Side::server,
                                               std::move(verification));
    }
    void close() override { sockets_->close(); }
    [[nodiscard]] std::uint16_t port() const override { return sockets_->port(); }

private:
    std::unique_ptr<posix::FdListener> sockets_;
    std::shared_ptr<CurrentContext> context_;
    ClientCertificates clients_;
};

}  // namespace

ExpectedPeer peer_is(std::string common_name) {
    return [wished = std::move(common_name)](const std::string& name) { return name == wished; };
}

TlsContext::TlsContext(std::shared_ptr<ssl_ctx_st> context, std::string pinned_fingerprint)
    : context_(std::make_shared<CurrentContext>(std::move(context))), pinned_fingerprint_(std::move(pinned_fingerprint)) {}

Result<TlsContext> TlsContext::make(const Credentials& credentials) {
    FLOCKER_TRY(ContextPtr context, context_of(credentials));
    return TlsContext(std::shared_ptr<ssl_ctx_st>(std::move(context)), {});
}

Status TlsContext::renew(const Credentials& credentials) const {
    FLOCKER_TRY(ContextPtr context, context_of(credentials));
    context_->replace(std::shared_ptr<ssl_ctx_st>(std::move(context)));
    return {};
}

Result<TlsContext> TlsContext::pinned(const std::string& authority_fingerprint) {
    if (authority_fingerprint.size() != 64 ||
        authority_fingerprint.find_first_not_of("0123456789abcdef") != std::string::npos) {
        return fail(ErrorCode::invalid_argument, "'" + authority_fingerprint + "' is not the fingerprint of a CA");
    }
    FLOCKER_TRY(ContextPtr context, make_context());
    return TlsContext(std::shared_ptr<ssl_ctx_st>(std::move(context)), authority_fingerprint);
}

Result<std::unique_ptr<posix::Stream>> TlsContext::connect(const std::string& address, std::uint16_t port,
                                                           Duration limit, const ExpectedPeer& expected) const {
    const auto begin = std::chrono::steady_clock::now();
    FLOCKER_TRY(posix::Fd socket, posix::connect_tcp_fd(address, port, limit));
    SslPtr ssl = context_->make();
    if (!ssl) return fail(ErrorCode::internal, "connecting to " + place_of(address, port) + ": " + take_reason());
    const std::string place = place_of(address, port);
    auto stream = std::make_unique<TlsConnection>(std::move(socket), std::move(ssl), Side::client,
                                                  Verification{place, pinned_fingerprint_, {}});
    Duration left{};
    if (limit != Duration::zero()) {
        left = std::max<Duration>(limit - (std::chrono::steady_clock::now() - begin), 1ms);
    }
    FLOCKER_CHECK_OK(stream->handshake(left));
    const std::string peer = stream->peer();
    if (!expected(peer))
        return fail(ErrorCode::denied, place + " is '" + peer + "', which is not whom we want to reach");
    return stream;
}

posix::Connector TlsContext::connector(ExpectedPeer expected) const {
    return [context = *this, expected = std::move(expected)](const std::string& address, std::uint16_t port,
                                                             Duration limit) {
        return context.connect(address, port, limit, expected);
    };
}

Result<std::unique_ptr<posix::Listener>> TlsContext::listen(const std::string& address, std::uint16_t port,
                                                            ClientCertificates clients) const {
    if (!pinned_fingerprint_.empty()) {
        return fail(ErrorCode::invalid_argument, "there is no certificate to listen with yet");
    }
    FLOCKER_TRY(std::unique_ptr<posix::FdListener> sockets, posix::listen_tcp(address, port));
    return std::make_unique<TlsListener>(std::move(sockets), context_, clients);
}

}  // namespace flocker::tls
