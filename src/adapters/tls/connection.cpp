// SPDX-License-Identifier: Apache-2.0
#include "adapters/tls/connection.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>

#include "adapters/tls/tls_stream.hpp"

namespace flocker::tls {
namespace {

using Clock = std::chrono::steady_clock;

/// A machine that vanished without a word is noticed within half a minute even on an idle connection.
void notice_vanished_peer(int fd) {
    const auto set = [fd](int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set(IPPROTO_TCP, TCP_KEEPIDLE, 15);
    set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

bool is_refusal_of_certificate(int reason) {
    switch (reason) {
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED: return true;
        default: return false;
    }
}

std::string explain_chain(X509_STORE_CTX* store, const Verification& verification) {
    const X509* certificate = X509_STORE_CTX_get_current_cert(store);
    if (certificate == nullptr) certificate = X509_STORE_CTX_get0_cert(store);
    const std::string of = "the certificate of " + verification.place;
    switch (X509_STORE_CTX_get_error(store)) {
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return of + " expired on " + to_utc_text(to_instant(X509_get0_notAfter(certificate))) +
                   "; renew it, or set this machine's clock";
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return of + " is not valid before " + to_utc_text(to_instant(X509_get0_notBefore(certificate))) +
                   "; set the clocks of both machines";
        case X509_V_ERR_INVALID_PURPOSE: return of + " is not made for this side of a connection";
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        case X509_V_ERR_CERT_UNTRUSTED: return of + " is not from this cluster's CA";
        default: return of + " is not good: " + X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
    }
}

/// Trusts the one certificate that the other side sent along and whose fingerprint is the pinned one.
bool verify_pinned(X509_STORE_CTX* store, Verification& verification) {
    STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
    for (int i = 0; sent != nullptr && i < sk_X509_num(sent); ++i) {
        X509* candidate = sk_X509_value(sent, i);
        if (fingerprint_of(candidate) != verification.pinned_fingerprint) continue;
        STACK_OF(X509)* trusted = sk_X509_new_null();
        if (trusted == nullptr || sk_X509_push(trusted, candidate) == 0) break;
        X509_STORE_CTX_set0_trusted_stack(store, trusted);
        const bool good = X509_verify_cert(store) == 1;
        if (!good) verification.problem = explain_chain(store, verification);
        sk_X509_free(trusted);
        return good;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    verification.problem = verification.place +
                           " is not of the cluster that the token is from (its CA has another fingerprint); "
                           "get a new token";
    return false;
}

}  // namespace

int verify_chain(X509_STORE_CTX* store, void* /*unused*/) {
    auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& verification = *static_cast<Verification*>(SSL_get_app_data(ssl));
    if (!verification.pinned_fingerprint.empty()) return verify_pinned(store, verification) ? 1 : 0;
    if (X509_verify_cert(store) == 1) return 1;
    verification.problem = explain_chain(store, verification);
    return 0;
}

TlsConnection::TlsConnection(posix::Fd socket, SslPtr ssl, Side side, Verification verification)
    : verification_(std::move(verification)), side_(side), ssl_(std::move(ssl)) {
    socket_.fd = std::move(socket);
    const int flags = ::fcntl(socket_.fd.get(), F_GETFL);
    ::fcntl(socket_.fd.get(), F_SETFL, flags | O_NONBLOCK);
    notice_vanished_peer(socket_.fd.get());
    BIO* bio = BIO_new(bio_method());
    if (bio == nullptr) {
        failed_ = Error{ErrorCode::internal, "TLS with " + verification_.place + ": " + take_reason()};
        return;
    }
    BIO_set_data(bio, &socket_);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), &verification_);
    if (side == Side::client) {
        SSL_set_connect_state(ssl_.get());
    } else {
        SSL_set_accept_state(ssl_.get());
    }
}

// OpenSSL's own socket BIO would raise SIGPIPE.
BIO_METHOD* TlsConnection::bio_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "flocker socket");
        BIO_meth_set_read_ex(made, bio_read);
        BIO_meth_set_write_ex(made, bio_write);
        BIO_meth_set_ctrl(made, bio_control);
        return made;
    }();
    return method;
}

int TlsConnection::bio_read(BIO* bio, char* data, std::size_t size, std::size_t* done) {
    auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *done = 0;
    ssize_t count = 0;
    do {
        count = ::recv(socket.fd.get(), data, size, 0);
    } while (count < 0 && errno == EINTR);
    if (count > 0) {
        *done = static_cast<std::size_t>(count);
        return 1;
    }
    if (count == 0) {
        socket.ended = true;
    } else if (errno == EAGAIN) {
        BIO_set_retry_read(bio);
    } else {
        socket.error = errno;
    }
    return 0;
}

int TlsConnection::bio_write(BIO* bio, const char* data, std::size_t size, std::size_t* done) {
    auto& socket = *static_cast<Socket*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *done = 0;
    ssize_t count = 0;
    do {
        count = ::send(socket.fd.get(), data, size, MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    if (count >= 0) {
        *done = static_cast<std::size_t>(count);
        return 1;
    }
    if (errno == EAGAIN) {
        BIO_set_retry_write(bio);
    } else {
        socket.error = errno;
    }
    return 0;
}

long TlsConnection::bio_control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
    if (command == BIO_CTRL_EOF) return static_cast<Socket*>(BIO_get_data(bio))->ended ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

Error TlsConnection::explain_failure(int ssl_error, const char* purpose) const {
    const auto& place = verification_.place;
    const std::string doing = std::string(purpose) + " " + place + ": ";
    if (closed_) return {ErrorCode::unavailable, doing + "the connection was closed"};
    if (!verification_.problem.empty()) return {ErrorCode::denied, verification_.problem};
    const unsigned long code = ERR_peek_last_error();
    const int reason = ERR_GET_REASON(code);
    if (ssl_error == SSL_ERROR_SSL && code != 0 && ERR_GET_LIB(code) == ERR_LIB_SSL) {
        if (is_refusal_of_certificate(reason)) {
            return {ErrorCode::denied,
                    place + " refused our certificate: " + take_reason() + "; see its log, and compare the clocks"};
        }
        switch (reason) {
            case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
                ERR_clear_error();
                return {ErrorCode::denied, place + " showed no certificate"};
            case SSL_R_UNEXPECTED_EOF_WHILE_READING:
                ERR_clear_error();
                return {ErrorCode::unavailable, doing + "the other side closed the connection"};
            case SSL_R_WRONG_VERSION_NUMBER:
            case SSL_R_HTTP_REQUEST:
            case SSL_R_HTTPS_PROXY_REQUEST:
            case SSL_R_UNSUPPORTED_PROTOCOL:
            case SSL_R_PACKET_LENGTH_TOO_LONG:
            case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
                ERR_clear_error();
                return {ErrorCode::unavailable, place + " does not speak TLS 1.3"};
            default: break;
        }
        return {ErrorCode::unavailable, doing + take_reason()};
    }
    ERR_clear_error();
    if (socket_.error != 0) {
        return {ErrorCode::unavailable, doing + std::generic_category().message(socket_.error)};
    }
    return {ErrorCode::unavailable, doing + "the other side closed the connection"};
}

template <class Operation>
Result<TlsConnection::Step> TlsConnection::step(Operation operation, const char* purpose) const {
    const std::lock_guard lock(ssl_mutex_);
    if (failed_) return tl::unexpected(*failed_);
    ERR_clear_error();
    std::size_t bytes = 0;
    const int outcome = operation(ssl_.get(), &bytes);
    if (outcome == 1) return Step{bytes, 0};
    const int error = SSL_get_error(ssl_.get(), outcome);
    if (error == SSL_ERROR_WANT_READ) return Step{0, POLLIN};
    if (error == SSL_ERROR_WANT_WRITE) return Step{0, POLLOUT};
    if (error == SSL_ERROR_ZERO_RETURN) return Step{0, 0};
    Error failure = explain_failure(error, purpose);
    // After a failed write there may still be something to read: why the other side hung up.
    if (error == SSL_ERROR_SSL) failed_ = failure;
    return tl::unexpected(std::move(failure));
}

Status TlsConnection::await(short events, Duration limit, const char* purpose) const {
    const bool for_ever = limit == Duration::zero();
    // Beyond a day the limit is as good as none, and the sum can't overflow.
    const auto deadline = Clock::now() + std::min<Duration>(limit, std::chrono::hours(24));
    for (;;) {
        if (closed_) break;
        timespec left{};
        if (!for_ever) {
            const auto ns = std::max<std::int64_t>(0, Duration(deadline - Clock::now()).count());
            left.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
            left.tv_nsec = static_cast<long>(ns % 1'000'000'000);
        }
        pollfd waited{socket_.fd.get(), events, 0};
        const int count = ::ppoll(&waited, 1, for_ever ? nullptr : &left, nullptr);
        if (closed_) break;
        if (count > 0) return {};
        if (count == 0) {
            return fail(ErrorCode::timed_out, std::string(purpose) + " " + verification_.place +
                                                  ": nothing moved for " + flocker::to_text(limit));
        }
        if (errno != EINTR) {
            return fail(ErrorCode::unavailable, std::string(purpose) + " " + verification_.place + ": " +
                                                    std::generic_category().message(errno));
        }
    }
    return fail(ErrorCode::unavailable,
                std::string(purpose) + " " + verification_.place + ": the connection was closed");
}

Status TlsConnection::shake_hands(Duration limit) const {
    const char* const purpose = side_ == Side::client ? "connecting to" : "greeting";
    const auto deadline = Clock::now() + limit;
    for (;;) {
        FLOCKER_TRY(const Step done, step([](SSL* ssl, std::size_t*) { return SSL_do_handshake(ssl); }, purpose));
        if (done.wait_for == 0) break;
        Duration left{};
        if (limit != Duration::zero()) left = std::max<Duration>(deadline - Clock::now(), 1ms);
        FLOCKER_CHECK_OK(await(done.wait_for, left, purpose));
    }
    const std::lock_guard lock(ssl_mutex_);
    if (X509* certificate = SSL_get0_peer_certificate(ssl_.get()); certificate != nullptr) {
        peer_ = common_name_of(certificate);
        // An empty name means "no certificate" to who reads it.
        if (peer_.empty()) return fail(ErrorCode::denied, "the certificate of " + verification_.place + " has no name");
    }
    return {};
}

Status TlsConnection::handshake(Duration limit) const {
    const std::lock_guard lock(handshake_mutex_);
    if (!handshake_) handshake_ = shake_hands(limit);
    return *handshake_;
}

std::string TlsConnection::peer() const {
    if (!handshake(handshake_limit)) return {};
    const std::lock_guard lock(handshake_mutex_);
    return peer_;
}

Result<std::size_t> TlsConnection::read_some(std::span<std::byte> buffer) {
    constexpr const char* purpose = "reading from";
    FLOCKER_CHECK_OK(handshake(handshake_limit));
    if (buffer.empty()) return 0;
    for (;;) {
        FLOCKER_TRY(const Step done,
                    step([buffer](SSL* ssl,
                                  std::size_t* bytes) { return SSL_read_ex(ssl, buffer.data(), buffer.size(), bytes); },
                         purpose));
        if (done.wait_for == 0) return done.bytes;
        FLOCKER_CHECK_OK(await(done.wait_for, idle_limit(), purpose));
    }
}

Status TlsConnection::write_all(std::span<const std::byte> bytes) {
    constexpr const char* purpose = "writing to";
    FLOCKER_CHECK_OK(handshake(handshake_limit));
    while (!bytes.empty()) {
        const auto done = step(
            [bytes](SSL* ssl, std::size_t* written) { return SSL_write_ex(ssl, bytes.data(), bytes.size(), written); },
            purpose);
        if (!done) {
            if (const auto refusal = refusal_waiting()) return tl::unexpected(*refusal);
            return tl::unexpected(done.error());
        }
        if (done->wait_for == 0) {
            bytes = bytes.subspan(done->bytes);
        } else {
            FLOCKER_CHECK_OK(await(done->wait_for, idle_limit(), purpose));
        }
    }
    return {};
}

// A server that refuses our certificate says so and hangs up; who writes at that moment sees the
// hang-up first, and the reason lies unread in the socket.
std::optional<Error> TlsConnection::refusal_waiting() const {
    const std::lock_guard lock(ssl_mutex_);
    if (side_ != Side::client || closed_) return std::nullopt;
    char byte = 0;
    std::size_t bytes = 0;
    ERR_clear_error();
    if (SSL_peek_ex(ssl_.get(), &byte, 1, &bytes) == 1) return std::nullopt;
    const unsigned long code = ERR_peek_last_error();
    if (code == 0 || !is_refusal_of_certificate(ERR_GET_REASON(code))) return std::nullopt;
    failed_ = explain_failure(SSL_ERROR_SSL, "writing to");
    return failed_;
}

void TlsConnection::finish_writing() {
    if (!handshake(handshake_limit)) return;
    for (;;) {
        const auto done = step(
            [](SSL* ssl, std::size_t*) {
                const int outcome = SSL_shutdown(ssl);
                return outcome == 0 ? 1 : outcome;  // 0: ours is sent, theirs has not come yet
            },
            "finishing with");
        if (!done || done->wait_for == 0) break;
        if (!await(done->wait_for, idle_limit(), "finishing with")) break;
    }
    ::shutdown(socket_.fd.get(), SHUT_WR);
}

void TlsConnection::close() {
    closed_ = true;
    ::shutdown(socket_.fd.get(), SHUT_RDWR);
}

}  // namespace flocker::tls
