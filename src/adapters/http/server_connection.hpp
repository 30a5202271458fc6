// SPDX-License-Identifier: Apache-2.0
//
// One connection of the server. Only for this folder's .cpp files.
#pragma once

#include <optional>
#include <string>

#include "adapters/http/server.hpp"

namespace flocker::http {

/// Reads requests and writes responses on one stream, in turn.
class ServerConnection {
public:
    ServerConnection(posix::Stream& stream, const ServerLimits& limits) : stream_(stream), limits_(limits) {}

    /// The next request. nullopt: there is none to come; what was wrong has been answered.
    [[nodiscard]] std::optional<Request> next();
    /// Whether another request may follow.
    [[nodiscard]] bool answer(const Request& request, const Respond& respond);
    /// The client sees all that was sent, then the end.
    void end();

private:
    class Body;

    [[nodiscard]] std::optional<std::size_t> receive(Duration limit);
    /// The status of what is wrong with the request.
    [[nodiscard]] unsigned parse(Request& request);
    [[nodiscard]] bool send_whole(const Response& response);
    [[nodiscard]] bool send_streamed(Answer& answer);
    [[nodiscard]] std::string head_of(const Response& response, const std::string& framing) const;
    [[nodiscard]] Status write(std::string_view text);
    [[nodiscard]] Status look_for_client();

    posix::Stream& stream_;
    const ServerLimits& limits_;
    std::string pending_;      ///< Received and not used yet.
    bool keep_alive_{true};    ///< As the last request asked for it.
    bool head_only_{false};    ///< The last request was HEAD.
    bool chunks_known_{true};  ///< The last request was of HTTP/1.1.
};

}  // namespace flocker::http
