// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "adapters/http/message.hpp"
#include "adapters/posix/stream.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/byte_stream.hpp"

namespace flocker::http {

/// Opens a connection to the one server that a client talks to.
using Dial = std::function<Result<std::unique_ptr<posix::Stream>>()>;

struct ClientLimits {
    std::size_t head_bytes{std::size_t{64} << 10U};
    /// Of a body that is collected; one that goes to a sink has no limit.
    std::size_t body_bytes{std::size_t{64} << 20U};
};

/// How one request is carried out, beside what it says.
struct Exchange {
    /// When set: the request's body, sent in chunks as it comes; Request::body is not used.
    ports::Source source{};
    /// When set: takes the body of a 2xx response as it arrives, and Response::body stays empty.
    ports::Sink sink{};
    /// How long the server may neither send nor take a byte. Zero: for ever.
    Duration idle_limit{30s};
};

/// A connection that no longer speaks HTTP.
struct Upgraded {
    Response response;
    /// nullptr: refused; the response says why.
    std::unique_ptr<posix::Stream> stream;
};

/// Requests to one server over HTTP/1.1. Keeps its connection for the next request as long as the
/// server does, and opens another one when it is gone. Follows no redirects.
///
/// Threads: one exchange at a time; close() from any thread.
/// Errors:  whatever the dial returned; unavailable (the request did not arrive whole, or the answer
///          to a GET or HEAD broke off); timed_out (the request arrived, but no whole answer came: it
///          may have taken effect); corrupt (not HTTP, or over the limits); whatever the source or the
///          sink returned. An answer of any status is a success here.
/// Repeats: a GET, HEAD, PUT or DELETE once by itself when a kept connection turns out to be gone;
///          other methods never, and they use no connection that was idle for long.
class HttpClient {
public:
    /// `host` is what the Host header says: "10.0.0.2:4523".
    HttpClient(Dial dial, std::string host, ClientLimits limits = {});
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    [[nodiscard]] Result<Response> exchange(const Request& request, const Exchange& how = {});
    /// Asks to go on in another protocol ("tcp"). The stream has no idle limit.
    [[nodiscard]] Result<Upgraded> upgrade(Request request, const std::string& protocol, Duration idle_limit);
    /// Ends the exchange under way, and all that follow, with unavailable.
    void close();

private:
    struct Attempt;

    [[nodiscard]] Status connect(const Request& request);
    void disconnect();
    [[nodiscard]] Status check(const Request& request) const;
    [[nodiscard]] std::string head_of(const Request& request, bool chunked) const;
    void send(const Request& request, const Exchange& how, Attempt& attempt);
    void receive(const Request& request, const Exchange& how, Attempt& attempt);
    void receive_one(const Request& request, const Exchange& how, Attempt& attempt);
    [[nodiscard]] Attempt attempt_once(const Request& request, const Exchange& how);
    [[nodiscard]] Result<Response> outcome_of(const Request& request, Attempt attempt) const;

    Dial dial_;
    std::string host_;
    ClientLimits limits_;
    std::mutex mutex_;  ///< Guards which stream there is, and `closed_`; not its use.
    std::unique_ptr<posix::Stream> stream_;
    bool closed_{false};
    bool reused_{false};  ///< The connection has carried an exchange before.
    Instant idle_since_;
    std::string pending_;  ///< Received and not used yet.
};

}  // namespace flocker::http
