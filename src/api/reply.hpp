// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "adapters/http/message.hpp"
#include "base/result.hpp"
#include "ports/byte_stream.hpp"

namespace flocker::api {

/// What a request is answered with: a response, whole, or one whose body is made while it is sent.
struct Reply {
    http::Response response;
    /// Not empty: makes the body, on the connection's thread, until it is complete or the sink fails.
    /// An empty write to the sink sends nothing and tells whether the client is still there.
    std::function<Status(const ports::Sink&)> body;
};

[[nodiscard]] unsigned http_status(ErrorCode code);
/// What code an answer of that status stands for, if its body does not say.
[[nodiscard]] ErrorCode code_for(unsigned status);

[[nodiscard]] http::Response json_response(unsigned status, std::string body);
[[nodiscard]] http::Response error_response(const Error& error);
[[nodiscard]] http::Response error_response(unsigned status, const Error& error);

/// Makes the body of a reply into a writer of the server (http::BodyWriter): an error before the
/// first byte becomes the response, one after it breaks the body off.
template <class Writer>
void write_body(const Reply& reply, Writer& writer) {
    bool begun = false;
    const Status outcome = reply.body([&](std::span<const std::byte> bytes) -> Status {
        begun = true;
        return writer.write(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    });
    if (outcome) return;
    if (begun) {
        writer.break_off();
    } else {
        writer.replace(error_response(outcome.error()));
    }
}

}  // namespace flocker::api
