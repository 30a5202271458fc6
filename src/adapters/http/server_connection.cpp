// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/server_connection.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/string_body.hpp>
#include <chrono>
#include <exception>
#include <utility>

namespace flocker::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using Parser = beast_http::request_parser<beast_http::string_body>;
using Clock = std::chrono::steady_clock;

constexpr std::size_t piece_bytes = std::size_t{16} << 10U;
/// A client that is gone is looked for this long; the shortest wait that is not "for ever".
constexpr Duration look_limit = 1ms;
/// How long the client may take to read a last answer before the connection is closed under it.
constexpr Duration linger_limit = 1s;
constexpr std::size_t linger_bytes = std::size_t{1} << 20U;

std::string text_of(boost::beast::string_view view) {
    return {view.data(), view.size()};
}

unsigned status_of(const error_code& error) {
    if (error == beast_http::error::header_limit) return 431;
    if (error == beast_http::error::body_limit) return 413;
    return 400;
}

/// Header lines are ours, but a value may hold a user's text.
std::string without_control_characters(std::string text) {
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
    return text;
}

bool has_body(unsigned status) {
    return status / 100 != 1 && status != 204 && status != 304;
}

Response internal_error() {
    Response response;
    response.status = 500;
    response.headers.add("Content-Type", "text/plain");
    response.body = "internal error\n";
    return response;
}

Request request_of(Parser& parser) {
    Request request;
    auto& message = parser.get();
    request.method = text_of(message.method_string());
    request.target = text_of(message.target());
    for (const auto& field : message) request.headers.add(text_of(field.name_string()), text_of(field.value()));
    request.body = std::move(message.body());
    return request;
}

}  // namespace

std::optional<std::size_t> ServerConnection::receive(Duration limit) {
    std::array<std::byte, piece_bytes> piece;
    stream_.set_idle_limit(limit);
    const auto got = stream_.read_some(piece);
    if (!got) return std::nullopt;
    pending_.append(reinterpret_cast<const char*>(piece.data()), *got);
    return *got;
}

unsigned ServerConnection::parse(Request& request) {
    Parser parser;
    parser.eager(true);
    parser.header_limit(static_cast<std::uint32_t>(limits_.head_bytes));
    parser.body_limit(limits_.body_bytes);
    const auto deadline = Clock::now() + limits_.request;
    bool continued = false;
    bool starved = false;
    while (!parser.is_done()) {
        if (starved) {
            const bool waits = parser.is_header_done() && !continued &&
                               beast_http::token_list(parser.get()[beast_http::field::expect]).exists("100-continue");
            if (waits) {
                continued = true;
                if (!write("HTTP/1.1 100 Continue\r\n\r\n")) return 408;
            }
            if (Clock::now() > deadline || receive(limits_.stalled).value_or(0) == 0) return 408;
        }
        error_code error;
        const std::size_t used = parser.put(boost::asio::const_buffer(pending_.data(), pending_.size()), error);
        pending_.erase(0, used);
        if (error && error != beast_http::error::need_more) return status_of(error);
        // The parser keeps nothing: a head that is not whole stays pending.
        if (!parser.is_header_done() && pending_.size() > limits_.head_bytes) return 431;
        starved = used == 0 || pending_.empty() || error == beast_http::error::need_more;
    }
    keep_alive_ = parser.keep_alive();
    chunks_known_ = parser.get().version() >= 11;
    request = request_of(parser);
    head_only_ = request.method == "HEAD";
    return 200;
}

std::optional<Request> ServerConnection::next() {
    // Blank lines before a request are to be ignored.
    pending_.erase(0, std::min(pending_.find_first_not_of("\r\n"), pending_.size()));
    if (pending_.empty() && receive(limits_.kept_idle).value_or(0) == 0) return std::nullopt;
    Request request;
    const unsigned status = parse(request);
    if (status == 200) {
        request.peer = stream_.peer();
        return request;
    }
    keep_alive_ = false;
    head_only_ = false;
    Response refusal;
    refusal.status = status;
    refusal.body = std::string(reason(status)) + "\n";
    static_cast<void>(send_whole(refusal));
    return std::nullopt;
}

Status ServerConnection::write(std::string_view text) {
    stream_.set_idle_limit(limits_.stalled);
    return stream_.write_all(std::as_bytes(std::span(text)));
}

std::string ServerConnection::head_of(const Response& response, const std::string& framing) const {
    std::string head =
        "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(reason(response.status)) + "\r\n";
    for (const auto& [name, value] : response.headers) head += name + ": " + without_control_characters(value) + "\r\n";
    head += framing;
    if (!keep_alive_) head += "Connection: close\r\n";
    return head + "\r\n";
}

bool ServerConnection::send_whole(const Response& response) {
    std::string text;
    if (has_body(response.status)) {
        text = head_of(response, "Content-Length: " + std::to_string(response.body.size()) + "\r\n");
        if (!head_only_) text += response.body;
    } else {
        text = head_of(response, "");
    }
    return write(text).has_value() && keep_alive_;
}

/// The head goes out with the first piece, so that the maker of the body may think of another.
class ServerConnection::Body final : public BodyWriter {
public:
    Body(ServerConnection& connection, Response head) : connection_(connection), head_(std::move(head)) {}

    Status write(std::string_view text) override {
        if (!status_) return status_;
        if (replaced_) status_ = fail(ErrorCode::unavailable, "the response was replaced");
        if (status_) status_ = text.empty() ? begin_and_look() : send(text);
        return status_;
    }
    void replace(Response response) override {
        if (begun_) return break_off();
        head_ = std::move(response);
        replaced_ = true;
    }
    void break_off() override {
        status_ = fail(ErrorCode::unavailable, "the response was broken off");
        broken_ = true;
    }

    /// Whether another request may follow.
    [[nodiscard]] bool finish() {
        if (replaced_) return connection_.send_whole(head_);
        if (status_) status_ = begin("");
        if (status_ && connection_.chunks_known_) status_ = connection_.write("0\r\n\r\n");
        return status_ && connection_.keep_alive_;
    }
    [[nodiscard]] bool broken() const { return broken_; }

private:
    Status begin(std::string_view first) {
        if (std::exchange(begun_, true)) return first.empty() ? Status{} : connection_.write(first);
        const char* const framing = connection_.chunks_known_ ? "Transfer-Encoding: chunked\r\n" : "";
        return connection_.write(connection_.head_of(head_, framing) + std::string(first));
    }
    Status begin_and_look() {
        FLOCKER_CHECK_OK(begin(""));
        return connection_.look_for_client();
    }
    Status send(std::string_view text) {
        if (!connection_.chunks_known_) return begin(text);
        std::array<char, 20> size{};
        const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", text.size());
        std::string chunk(size.data(), static_cast<std::size_t>(length));
        chunk += text;
        chunk += "\r\n";
        return begin(chunk);
    }

    ServerConnection& connection_;
    Response head_;
    Status status_;
    bool begun_{false};
    bool replaced_{false};
    bool broken_{false};
};

bool ServerConnection::send_streamed(Answer& answer) {
    if (head_only_) {
        keep_alive_ = false;
        return write(head_of(answer.head, "")).has_value() && keep_alive_;
    }
    // Without chunks only the connection's end tells where the body ends.
    if (!chunks_known_) keep_alive_ = false;
    Body body(*this, std::move(answer.head));
    try {
        answer.stream(body);
    } catch (const std::exception&) {
        body.replace(internal_error());
    }
    if (body.broken()) {
        stream_.close();
        return false;
    }
    return body.finish();
}

bool ServerConnection::answer(const Request& request, const Respond& respond) {
    try {
        Answer answer = respond(request);
        return answer.stream ? send_streamed(answer) : send_whole(answer.head);
    } catch (const std::exception&) {
        return send_whole(internal_error());
    }
}

Status ServerConnection::look_for_client() {
    std::array<std::byte, 1024> piece;
    stream_.set_idle_limit(look_limit);
    const auto got = stream_.read_some(piece);
    if (!got && got.error().code == ErrorCode::timed_out) return {};
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return fail(ErrorCode::unavailable, "the client is gone");
    // It sends its next request already.
    pending_.append(reinterpret_cast<const char*>(piece.data()), *got);
    if (pending_.size() > limits_.head_bytes) return fail(ErrorCode::unavailable, "the client sends too much");
    return {};
}

// Closing with unread bytes in the socket would reset the connection, and the client would lose the
// answer that tells why.
void ServerConnection::end() {
    stream_.finish_writing();
    const auto deadline = Clock::now() + linger_limit;
    std::size_t drained = 0;
    while (Clock::now() < deadline && drained < linger_bytes) {
        const auto got = receive(linger_limit);
        if (!got || *got == 0) break;
        drained += *got;
        pending_.clear();
    }
}

}  // namespace flocker::http
