// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/api.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "adapters/docker/messages.hpp"
#include "adapters/posix/fd_stream.hpp"

namespace flocker::docker {
namespace {

constexpr Duration connect_limit = 5s;
/// Minor versions of API 1: the oldest with all that we use, and the newest that we know.
constexpr int minor_min = 41;
constexpr int minor_max = 51;

ErrorCode code_of(unsigned status) {
    switch (status) {
        case 400: return ErrorCode::invalid_argument;
        case 404: return ErrorCode::not_found;
        case 403:
        case 409: return ErrorCode::conflict;
        default: return ErrorCode::unavailable;
    }
}

}  // namespace

http::Request json_request(const std::string& method, const std::string& target, const std::string& body) {
    http::Request request{.method = method, .target = target, .body = body};
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    return request;
}

/// While it lives, close() reaches the client.
class Api::Registration {
public:
    Registration(Api& api, http::HttpClient& client) : api_(api), client_(client) {
        const std::lock_guard lock(api_.mutex_);
        if (api_.closed_) client_.close();
        api_.clients_.insert(&client_);
    }
    ~Registration() {
        const std::lock_guard lock(api_.mutex_);
        api_.clients_.erase(&client_);
    }
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

private:
    Api& api_;
    http::HttpClient& client_;
};

Api::Api(std::string socket_path) : socket_path_(std::move(socket_path)) {}

http::HttpClient Api::open() const {
    return {[path = socket_path_] { return posix::connect_unix(path, connect_limit); }, "docker"};
}

void Api::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (http::HttpClient* client : clients_) client->close();
    closing_.notify_all();
}

bool Api::closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

bool Api::rest(Duration pause) {
    std::unique_lock lock(mutex_);
    return !closing_.wait_for(lock, pause, [this] { return closed_; });
}

tl::unexpected<Error> Api::no_answer(Error error) {
    const std::lock_guard lock(mutex_);
    // The engine that answers next may be another one.
    version_.clear();
    error.code = error.code == ErrorCode::timed_out ? ErrorCode::timed_out : ErrorCode::unavailable;
    error.message = "docker at " + socket_path_ + " does not answer: " + error.message + "; is it running?";
    return tl::unexpected<Error>(std::move(error));
}

Result<http::Response> Api::carry_out(const http::Request& request, const http::Exchange& how) {
    http::HttpClient client = open();
    const Registration registered(*this, client);
    bool theirs = false;
    const auto noted = [&theirs](auto result) {
        theirs = theirs || !result;
        return result;
    };
    http::Exchange watched{.idle_limit = how.idle_limit};
    if (how.source) watched.source = [&](std::span<std::byte> buffer) { return noted(how.source(buffer)); };
    if (how.sink) watched.sink = [&](std::span<const std::byte> bytes) { return noted(how.sink(bytes)); };
    auto response = client.exchange(request, watched);
    if (response) return response;
    if (theirs) return response;
    return no_answer(std::move(response).error());
}

Result<std::string> Api::version() {
    {
        const std::lock_guard lock(mutex_);
        if (!version_.empty()) return version_;
    }
    FLOCKER_TRY(const http::Response pong, carry_out({.target = "/_ping"}, {}));
    const std::string_view offered = pong.headers.find("Api-Version").value_or("");
    int minor = 0;
    if (!offered.starts_with("1.") ||
        std::from_chars(offered.data() + 2, offered.data() + offered.size(), minor).ec != std::errc{}) {
        return fail(ErrorCode::unavailable,
                    "what listens at " + socket_path_ + " is not docker: it names no API version");
    }
    if (minor < minor_min) {
        return fail(ErrorCode::unavailable, "docker at " + socket_path_ + " is too old: it has API version " +
                                                std::string(offered) + ", 1." + std::to_string(minor_min) +
                                                " (docker 20.10) is needed");
    }
    const std::lock_guard lock(mutex_);
    version_ = "/v1." + std::to_string(std::min(minor, minor_max));
    return version_;
}

Result<http::Response> Api::call(const Call& call) {
    FLOCKER_TRY(const std::string prefix, version());
    http::Request request = json_request(call.method, prefix + call.path, call.body);
    if (call.source) request.headers.set("Content-Type", "application/x-tar");
    FLOCKER_TRY(http::Response response,
                carry_out(request, {.source = call.source, .sink = call.sink, .idle_limit = call.idle_limit}));
    if (response.status >= 400) return fail(code_of(response.status), message_of(response.body));
    return response;
}

Result<std::unique_ptr<posix::Stream>> Api::hijack(const std::string& path, const std::string& body) {
    FLOCKER_TRY(const std::string prefix, version());
    http::HttpClient client = open();
    const Registration registered(*this, client);
    auto upgraded = client.upgrade(json_request("POST", prefix + path, body), "tcp", Call{}.idle_limit);
    if (!upgraded) return no_answer(std::move(upgraded).error());
    if (!upgraded->stream) return fail(code_of(upgraded->response.status), message_of(upgraded->response.body));
    return std::move(upgraded->stream);
}

}  // namespace flocker::docker
