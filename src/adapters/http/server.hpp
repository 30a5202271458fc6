// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <set>
#include <string_view>
#include <thread>

#include "adapters/http/message.hpp"
#include "adapters/posix/stream.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::http {

/// Takes the body of a response while it is being made.
///
/// Threads: the one that it was given to.
class BodyWriter {
public:
    virtual ~BodyWriter() = default;
    /// Goes to the client at once, the head before the first. An empty text only tells whether the
    /// client is still there; call it every few seconds when there is nothing to write.
    /// unavailable: the client is gone or the server stops; return then.
    [[nodiscard]] virtual Status write(std::string_view text) = 0;
    /// Before the first write: another response instead of the one that was begun.
    virtual void replace(Response response) = 0;
    /// The client must not take what it got for the whole body.
    virtual void break_off() = 0;
};

/// A response, whole, or whose body is made while it is sent (`head.body` is not used then). The
/// function runs on the connection's thread for as long as it likes, and must return soon after a
/// failed write.
struct Answer {
    // NOLINTNEXTLINE(google-explicit-constructor): most answers are just a response.
    Answer(Response response) : head(std::move(response)) {}
    Answer(Response response, std::function<void(BodyWriter&)> body)
        : head(std::move(response)), stream(std::move(body)) {}

    Response head;
    std::function<void(BodyWriter&)> stream;
};

/// Called on connections' threads, several at a time. What it throws is answered with 500.
using Respond = std::function<Answer(const Request&)>;

struct ServerLimits {
    std::size_t connections{512};
    std::size_t head_bytes{std::size_t{16} << 10U};
    std::size_t body_bytes{std::size_t{8} << 20U};
    Duration kept_idle{75s};  ///< Between two requests of one connection.
    Duration stalled{30s};    ///< Within a request or a response, while nothing moves.
    Duration request{60s};    ///< From a request's first byte to its last.
};

/// HTTP/1.1 on the streams of a listener, one thread a connection, from its construction on.
///
/// Threads: stop() from any thread but a connection's.
/// Limits:  ServerLimits; a connection too many is closed at once. A request over a limit gets 413
///          or 431, one that is not HTTP 400, and the connection ends.
/// Owns:    its threads. `listener` outlives this; stop() closes it.
class HttpServer {
public:
    HttpServer(posix::Listener& listener, Respond respond, ServerLimits limits = {});
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Closes the listener and all connections, and waits until no thread is left. Again: nothing.
    void stop();

private:
    void accept_until_stopped();
    void start(std::unique_ptr<posix::Stream> stream);
    void serve(posix::Stream& stream) const;

    posix::Listener& listener_;
    Respond respond_;
    ServerLimits limits_;
    std::mutex mutex_;  ///< Guards what follows.
    std::condition_variable changed_;
    std::set<posix::Stream*> streams_;
    std::size_t threads_{0};
    bool stopping_{false};
    std::thread accepting_;
};

}  // namespace flocker::http
