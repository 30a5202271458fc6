// SPDX-License-Identifier: Apache-2.0
//
// One TLS connection. Only for this folder's .cpp files.
//
// An SSL object bears one thread at a time, and a stream has a reader and a writer. So the socket is
// non-blocking, each step on the SSL object is done under a lock, and the waiting is done by poll()
// outside of it.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/posix/fd.hpp"
#include "adapters/posix/stream.hpp"
#include "adapters/tls/openssl.hpp"

namespace flocker::tls {

/// What the check of the other side's certificate needs, and what it found.
struct Verification {
    std::string place;               ///< "10.0.0.2:4524"
    std::string pinned_fingerprint;  ///< Empty: the context's CA is trusted.
    std::string problem;             ///< Empty: none was found.
};
/// For SSL_CTX_set_cert_verify_callback; the SSL object's app data is the Verification.
int verify_chain(X509_STORE_CTX* store, void* unused);

enum class Side : std::uint8_t { client, server };

class TlsConnection final : public posix::Stream {
public:
    TlsConnection(posix::Fd socket, SslPtr ssl, Side side, Verification verification);

    Result<std::size_t> read_some(std::span<std::byte> buffer) override;
    Status write_all(std::span<const std::byte> bytes) override;
    void finish_writing() override;
    void close() override;
    void set_idle_limit(Duration limit) override { idle_limit_ns_ = limit.count(); }
    [[nodiscard]] std::string peer() const override;

    /// Once; later calls return the first outcome. `limit` zero: for ever.
    [[nodiscard]] Status handshake(Duration limit) const;

private:
    /// What the BIO under the SSL object works on.
    struct Socket {
        posix::Fd fd;
        bool ended{false};
        int error{0};  ///< errno of the last call that failed.
    };
    struct Step {
        std::size_t bytes{0};
        short wait_for{0};  ///< POLLIN or POLLOUT; 0: the step is done.
    };

    static BIO_METHOD* bio_method();
    static int bio_read(BIO* bio, char* data, std::size_t size, std::size_t* done);
    static int bio_write(BIO* bio, const char* data, std::size_t size, std::size_t* done);
    static long bio_control(BIO* bio, int command, long number, void* pointer);

    /// Runs `operation` (an SSL_ call; 1 is success) under the lock.
    template <class Operation>
    [[nodiscard]] Result<Step> step(Operation operation, const char* purpose) const;
    [[nodiscard]] Status await(short events, Duration limit, const char* purpose) const;
    [[nodiscard]] Status shake_hands(Duration limit) const;
    [[nodiscard]] Error explain_failure(int ssl_error, const char* purpose) const;
    [[nodiscard]] std::optional<Error> refusal_waiting() const;
    [[nodiscard]] Duration idle_limit() const { return Duration{idle_limit_ns_.load()}; }

    mutable Socket socket_;
    mutable Verification verification_;
    Side side_;
    std::atomic<std::int64_t> idle_limit_ns_{0};
    std::atomic<bool> closed_{false};

    mutable std::mutex ssl_mutex_;         ///< Guards ssl_, socket_'s flags and failed_.
    mutable std::optional<Error> failed_;  ///< The SSL object may not be used any more.
    mutable std::mutex handshake_mutex_;   ///< Guards handshake_ and peer_.
    mutable std::optional<Status> handshake_;
    mutable std::string peer_;
    SslPtr ssl_;  ///< Last: its BIO points to socket_.
};

}  // namespace flocker::tls
