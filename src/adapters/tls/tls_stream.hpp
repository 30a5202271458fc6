// SPDX-License-Identifier: Apache-2.0
//
// TLS 1.3, and nothing older, between the machines and the people of one cluster.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "adapters/posix/stream.hpp"
#include "base/result.hpp"

struct ssl_ctx_st;

namespace flocker::tls {

/// PEM texts.
struct Credentials {
    std::string authority;    ///< The cluster's CA certificate: the only one that is trusted.
    std::string certificate;  ///< Our own.
    std::string key;          ///< Of our own.
};

/// Whether the other side's common name is the wished one.
using ExpectedPeer = std::function<bool(const std::string& common_name)>;
[[nodiscard]] ExpectedPeer peer_is(std::string common_name);

enum class ClientCertificates : std::uint8_t {
    required,
    optional,  ///< For the port where nodes join: a stream without one has an empty peer().
};

/// How long the other side may take for the handshake on an accepted stream.
inline constexpr Duration handshake_limit = std::chrono::seconds{10};

class CurrentContext;

/// Who we are and whom we trust; makes streams.
///
/// Threads: connect() and listen() from any thread. Copies are cheap and share everything.
/// The streams keep to posix::Stream, and:
///  - An accepted stream has not shaken hands yet: the first read_some(), write_all() or peer() on it
///    does (so accept() never waits for a slow client), and fails with denied if the client's
///    certificate is not good, unavailable if it does not speak TLS 1.3, timed_out after
///    handshake_limit.
///  - finish_writing() says the end in a way that can't be forged. A connection that ends without it
///    reads as unavailable, not as the end.
///  - A server learns of our certificate after connect() has returned, so that a refusal of it
///    (denied) may come from the first read or write.
///  - What was made of it keeps the certificate that it began with.
class TlsContext {
public:
    /// Errors: invalid_argument (a text can't be read, the key is of another certificate).
    [[nodiscard]] static Result<TlsContext> make(const Credentials& credentials);
    /// From now on all copies show this certificate to whomever they meet. Errors: as make().
    [[nodiscard]] Status renew(const Credentials& credentials) const;
    /// For who has no certificate yet, only the fingerprint of the right CA (see fingerprint()).
    /// Can't listen. Errors: invalid_argument.
    [[nodiscard]] static Result<TlsContext> pinned(const std::string& authority_fingerprint);

    /// A stream past its handshake: the other side's certificate is from our CA, is valid now, and
    /// its common name is as expected. The address is not what we trust. `limit` (zero: for ever)
    /// is for connecting and the handshake together.
    /// Errors: denied (the certificate), unavailable (nobody there, does not speak TLS 1.3), timed_out.
    [[nodiscard]] Result<std::unique_ptr<posix::Stream>> connect(const std::string& address, std::uint16_t port,
                                                                 Duration limit, const ExpectedPeer& expected) const;
    /// connect() with this expectation, to be handed to those who need not know of TLS.
    [[nodiscard]] posix::Connector connector(ExpectedPeer expected) const;

    /// Port 0 takes a free one. Errors: as posix::listen_tcp.
    [[nodiscard]] Result<std::unique_ptr<posix::Listener>> listen(const std::string& address, std::uint16_t port,
                                                                  ClientCertificates clients) const;

private:
    TlsContext(std::shared_ptr<ssl_ctx_st> context, std::string pinned_fingerprint);

    std::shared_ptr<CurrentContext> context_;
    std::string pinned_fingerprint_;
};

}  // namespace flocker::tls
