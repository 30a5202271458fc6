// SPDX-License-Identifier: Apache-2.0
#include "adapters/http/client.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace flocker::http {
namespace {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;

constexpr std::size_t piece_bytes = std::size_t{64} << 10U;
/// A kept connection that was idle for longer carries no request that may not be repeated: the
/// server may be about to close it.
constexpr Duration trusted_idle = 2s;
/// How long to look for the answer of a server that stopped taking the request.
constexpr Duration refusal_limit = 2s;

Instant steady_now() {
    return {std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()).count()};
}

bool may_repeat(const Request& request) {
    return request.method == "GET" || request.method == "HEAD" || request.method == "PUT" || request.method == "DELETE";
}

bool only_reads(const Request& request) {
    return request.method == "GET" || request.method == "HEAD";
}

/// Where the bytes of a response's body go.
struct Arriving {
    const ports::Sink* sink{nullptr};
    std::string text;
    std::size_t text_max{0};
    Status sink_status;
};

/// A Beast body that hands its bytes on while they are parsed.
struct ArrivingBody {
    using value_type = Arriving;

    class reader {
    public:
        template <bool IsRequest, class Fields>
        reader(beast_http::header<IsRequest, Fields>& head, value_type& body) : body_(body) {
            status_ = [&head] { return head.result_int(); };
        }
        void init(const boost::optional<std::uint64_t>&, error_code& error) {
            error = {};
            if (status_() / 100 != 2) body_.sink = nullptr;
        }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, error_code& error) {
            error = {};
            std::size_t taken = 0;
            for (const auto buffer : boost::beast::buffers_range_ref(buffers)) {
                take({static_cast<const std::byte*>(buffer.data()), buffer.size()}, error);
                if (error) break;
                taken += buffer.size();
            }
            return taken;
        }
        void finish(error_code& error) { error = {}; }

    private:
        void take(std::span<const std::byte> bytes, error_code& error) {
            if (body_.sink == nullptr) {
                if (bytes.size() > body_.text_max - body_.text.size()) {
                    error = beast_http::error::body_limit;
                    return;
                }
                body_.text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
                return;
            }
            body_.sink_status = (*body_.sink)(bytes);
            if (!body_.sink_status)
                error = boost::system::errc::make_error_code(boost::system::errc::operation_canceled);
        }

        value_type& body_;
        std::function<unsigned()> status_;
    };
};

using Parser = beast_http::response_parser<ArrivingBody>;

Response response_of(Parser& parser) {
    Response response;
    response.status = parser.get().result_int();
    for (const auto& field : parser.get()) {
        response.headers.add(std::string(field.name_string().data(), field.name_string().size()),
                             std::string(field.value().data(), field.value().size()));
    }
    response.body = std::move(parser.get().body().text);
    return response;
}

bool has_control_characters(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// Gives back first what was read too far.
class StreamAfterHead final : public posix::Stream {
public:
    StreamAfterHead(std::string first, std::unique_ptr<posix::Stream> rest)
        : first_(std::move(first)), rest_(std::move(rest)) {}

    Result<std::size_t> read_some(std::span<std::byte> buffer) override {
        if (first_.empty()) return rest_->read_some(buffer);
        const std::size_t size = std::min(buffer.size(), first_.size());
        std::ranges::copy(bytes_of(std::string_view(first_).substr(0, size)), buffer.begin());
        first_.erase(0, size);
        return size;
    }
    Status write_all(std::span<const std::byte> bytes) override { return rest_->write_all(bytes); }
    void finish_writing() override { rest_->finish_writing(); }
    void close() override { rest_->close(); }
    void set_idle_limit(Duration limit) override { rest_->set_idle_limit(limit); }
    [[nodiscard]] std::string peer() const override { return rest_->peer(); }

private:
    std::string first_;
    std::unique_ptr<posix::Stream> rest_;
};

/// One chunk of a chunked body: its size, the bytes, a line's end.
Status write_chunk(posix::Stream& stream, std::span<const std::byte> bytes, std::string& scratch) {
    std::array<char, 20> size{};
    const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    scratch.assign(size.data(), static_cast<std::size_t>(length));
    scratch.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    scratch += "\r\n";
    return stream.write_all(bytes_of(scratch));
}

}  // namespace

/// One request on one connection, as far as it got.
struct HttpClient::Attempt {
    bool on_reused{false};
    bool sent{false};      ///< The whole request was written.
    bool answered{false};  ///< At least a byte of the answer came.
    bool ours{false};      ///< The error is the source's or the sink's, to be returned as it is.
    bool keep{false};      ///< The connection can carry another exchange.
    std::optional<Response> response;
    Error error{ErrorCode::unavailable, {}};
};

HttpClient::HttpClient(Dial dial, std::string host, ClientLimits limits)
    : dial_(std::move(dial)), host_(std::move(host)), limits_(limits) {}

HttpClient::~HttpClient() = default;

void HttpClient::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    if (stream_) stream_->close();
}

void HttpClient::disconnect() {
    std::unique_ptr<posix::Stream> gone;
    const std::lock_guard lock(mutex_);
    gone = std::move(stream_);
    pending_.clear();
}

Status HttpClient::connect(const Request& request) {
    if (stream_ && !may_repeat(request) && steady_now() - idle_since_ > trusted_idle) disconnect();
    if (!stream_) {
        {
            const std::lock_guard lock(mutex_);
            if (closed_) return fail(ErrorCode::unavailable, "the connection to " + host_ + " was closed");
        }
        FLOCKER_TRY(auto stream, dial_());
        const std::lock_guard lock(mutex_);
        stream_ = std::move(stream);
        reused_ = false;
    }
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(ErrorCode::unavailable, "the connection to " + host_ + " was closed");
    return {};
}

Status HttpClient::check(const Request& request) const {
    const bool bad_line = has_control_characters(request.method) || has_control_characters(request.target) ||
                          request.target.find(' ') != std::string::npos || request.target.empty();
    const bool bad_header = std::ranges::any_of(request.headers, [](const Header& line) {
        return has_control_characters(line.name) || has_control_characters(line.value);
    });
    if (bad_line || bad_header)
        return fail(ErrorCode::invalid_argument, "request has a character that HTTP does not allow");
    return {};
}

std::string HttpClient::head_of(const Request& request, bool chunked) const {
    Headers headers = request.headers;
    headers.erase("Content-Length");
    headers.erase("Transfer-Encoding");
    if (!headers.find("Host")) headers.add("Host", host_);
    if (chunked) {
        headers.add("Transfer-Encoding", "chunked");
    } else if (!request.body.empty() || !(only_reads(request) || request.method == "DELETE")) {
        headers.add("Content-Length", std::to_string(request.body.size()));
    }
    std::string head = request.method + " " + request.target + " HTTP/1.1\r\n";
    for (const Header& line : headers) head += line.name + ": " + line.value + "\r\n";
    return head + "\r\n";
}

void HttpClient::send(const Request& request, const Exchange& how, Attempt& attempt) {
    const auto written = [&](Status status) {
        if (!status) attempt.error = std::move(status).error();
        return status.has_value();
    };
    std::string head = head_of(request, static_cast<bool>(how.source));
    if (!how.source) head += request.body;
    if (!written(stream_->write_all(bytes_of(head)))) return;
    if (how.source) {
        std::vector<std::byte> piece(piece_bytes);
        std::string scratch;
        while (true) {
            const auto size = how.source(piece);
            if (!size) {
                attempt.ours = true;
                attempt.error = size.error();
                return;
            }
            if (*size == 0) break;
            if (!written(write_chunk(*stream_, std::span(piece).first(*size), scratch))) return;
        }
        if (!written(stream_->write_all(bytes_of("0\r\n\r\n")))) return;
    }
    attempt.sent = true;
}

void HttpClient::receive_one(const Request& request, const Exchange& how, Attempt& attempt) {
    Parser parser;
    parser.eager(true);
    parser.header_limit(static_cast<std::uint32_t>(limits_.head_bytes));
    parser.skip(request.method == "HEAD");
    parser.body_limit(boost::none);
    parser.get().body().text_max = limits_.body_bytes;
    if (how.sink) parser.get().body().sink = &how.sink;
    std::vector<std::byte> piece(piece_bytes);
    bool starved = pending_.empty();
    while (!parser.is_done()) {
        error_code error;
        if (starved) {
            const auto got = stream_->read_some(piece);
            if (!got) {
                attempt.error = got.error();
                return;
            }
            if (*got == 0) {
                if (parser.got_some()) parser.put_eof(error);
                if (error || !parser.is_done()) {
                    attempt.error = {ErrorCode::unavailable,
                                     host_ + " closed the connection before its answer was whole"};
                    return;
                }
                break;
            }
            attempt.answered = true;
            pending_.append(reinterpret_cast<const char*>(piece.data()), *got);
        }
        const std::size_t used = parser.put(boost::asio::const_buffer(pending_.data(), pending_.size()), error);
        pending_.erase(0, used);
        if (!parser.get().body().sink_status) {
            attempt.ours = true;
            attempt.error = parser.get().body().sink_status.error();
            return;
        }
        if (error && error != beast_http::error::need_more) {
            attempt.ours = true;
            attempt.error = {ErrorCode::corrupt, host_ + " did not answer in HTTP: " + error.message()};
            return;
        }
        starved = used == 0 || pending_.empty() || error == beast_http::error::need_more;
    }
    attempt.response = response_of(parser);
    attempt.keep = parser.keep_alive() && pending_.empty();
}

void HttpClient::receive(const Request& request, const Exchange& how, Attempt& attempt) {
    do {
        attempt.response.reset();
        receive_one(request, how, attempt);
        // Interim answers (100 Continue) precede the one that counts.
    } while (attempt.response && attempt.response->status / 100 == 1 && attempt.response->status != 101);
}

HttpClient::Attempt HttpClient::attempt_once(const Request& request, const Exchange& how) {
    Attempt attempt;
    if (Status connected = connect(request); !connected) {
        attempt.ours = true;
        attempt.error = std::move(connected).error();
        return attempt;
    }
    attempt.on_reused = std::exchange(reused_, true);
    stream_->set_idle_limit(how.idle_limit);
    send(request, how, attempt);
    if (attempt.ours) return attempt;
    // A server may answer that it does not want the request before it has taken all of it.
    if (!attempt.sent) stream_->set_idle_limit(refusal_limit);
    const Error send_error = attempt.error;
    receive(request, how, attempt);
    if (!attempt.sent && !attempt.ours) attempt.error = send_error;
    attempt.keep = attempt.keep && attempt.sent;
    return attempt;
}

Result<Response> HttpClient::outcome_of(const Request& request, Attempt attempt) const {
    if (attempt.response) return std::move(*attempt.response);
    if (!attempt.ours && attempt.sent && !only_reads(request)) attempt.error.code = ErrorCode::timed_out;
    return tl::unexpected(std::move(attempt.error));
}

Result<Response> HttpClient::exchange(const Request& request, const Exchange& how) {
    FLOCKER_CHECK_OK(check(request));
    Attempt attempt = attempt_once(request, how);
    const bool was_gone = attempt.on_reused && !attempt.response && !attempt.answered && !attempt.ours &&
                          attempt.error.code == ErrorCode::unavailable;
    if (was_gone && may_repeat(request) && !how.source) {
        disconnect();
        attempt = attempt_once(request, how);
    }
    if (!attempt.response || !attempt.keep) disconnect();
    idle_since_ = steady_now();
    return outcome_of(request, std::move(attempt));
}

Result<Upgraded> HttpClient::upgrade(Request request, const std::string& protocol, Duration idle_limit) {
    request.headers.set("Connection", "Upgrade");
    request.headers.set("Upgrade", protocol);
    FLOCKER_CHECK_OK(check(request));
    disconnect();
    Attempt attempt = attempt_once(request, {.idle_limit = idle_limit});
    if (!attempt.response || attempt.response->status != 101) {
        disconnect();
        FLOCKER_TRY(Response refused, outcome_of(request, std::move(attempt)));
        return Upgraded{std::move(refused), nullptr};
    }
    const std::lock_guard lock(mutex_);
    if (closed_) return fail(ErrorCode::unavailable, "the connection to " + host_ + " was closed");
    stream_->set_idle_limit(Duration::zero());
    return Upgraded{std::move(*attempt.response),
                    std::make_unique<StreamAfterHead>(std::exchange(pending_, {}), std::move(stream_))};
}

}  // namespace flocker::http
