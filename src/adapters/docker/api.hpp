// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "adapters/http/client.hpp"
#include "adapters/posix/stream.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::docker {

/// One request to the engine.
struct Call {
    std::string method{"GET"};
    std::string path{};      ///< Below the version: "/containers/json?all=1".
    std::string body{};      ///< JSON; empty: none.
    ports::Source source{};  ///< A tar archive as the body, instead of `body`.
    ports::Sink sink{};      ///< Takes the body of a success as it comes.
    /// How long the engine may be silent. Zero: for ever.
    Duration idle_limit{30s};
};

/// The API of the engine behind a Unix socket, in the version that both sides know. A connection a
/// call: they cost next to nothing here, and any number can be under way.
///
/// Threads: all calls from any thread.
/// Errors:  of an answer: invalid_argument (400), not_found (404), conflict (403, 409), unavailable
///          (all others), with the engine's message. No answer: unavailable, or timed_out when the
///          engine got the request and was silent or broke off. The source's or sink's error as it is.
class Api {
public:
    explicit Api(std::string socket_path);
    Api(const Api&) = delete;
    Api& operator=(const Api&) = delete;

    [[nodiscard]] Result<http::Response> call(const Call& call);
    /// A POST that turns its connection into a raw stream, as attach and exec do.
    [[nodiscard]] Result<std::unique_ptr<posix::Stream>> hijack(const std::string& path, const std::string& body);
    /// Ends all calls under way, and refuses those that follow: unavailable.
    void close();
    [[nodiscard]] bool closed() const;
    /// False at once when close() was called, else true after `pause`.
    [[nodiscard]] bool rest(Duration pause);

private:
    class Registration;

    [[nodiscard]] http::HttpClient open() const;
    [[nodiscard]] Result<std::string> version();
    [[nodiscard]] Result<http::Response> carry_out(const http::Request& request, const http::Exchange& how);
    [[nodiscard]] tl::unexpected<Error> no_answer(Error error);

    const std::string socket_path_;
    mutable std::mutex mutex_;
    std::condition_variable closing_;
    std::set<http::HttpClient*> clients_;  ///< With a call under way.
    std::string version_;                  ///< Empty: not asked yet.
    bool closed_{false};
};

/// A request with a JSON body, or none.
[[nodiscard]] http::Request json_request(const std::string& method, const std::string& target, const std::string& body);

}  // namespace flocker::docker
