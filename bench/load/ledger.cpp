// SPDX-License-Identifier: Apache-2.0
//
// The ledger's lines (see bench/ledger.c): "row NUMBER PAYLOAD" and "fill BYTES...".
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

#include "load/database.hpp"
#include "load/noise.hpp"
#include "load/tcp.hpp"

namespace flocker::load {
namespace {

template <typename Number>
std::optional<Number> parse(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

class Ledger final : public Database {
public:
    explicit Ledger(Target target) : target_(std::move(target)) {}
    ~Ledger() override { disconnect(); }
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    Attempt connect() override {
        disconnect();
        if (Attempt made = connect_tcp(target_, socket_); made.outcome != Outcome::done) return made;
        std::string answer;
        if (ask("count\n", answer)) return {};
        disconnect();
        return while_new(error_);
    }

    void disconnect() override {
        if (socket_ >= 0) close(socket_);
        socket_ = -1;
        unread_.clear();
    }

    Attempt prepare(std::uint64_t& highest) override {
        highest = 0;
        return read_all([&](std::uint64_t row) { highest = std::max(highest, row); });
    }

    Attempt write(std::uint64_t row, const std::string& payload) override {
        return add("row " + std::to_string(row) + ' ' + payload);
    }

    /// It only grows.
    Attempt overwrite(std::uint64_t row, const std::string& payload) override {
        return add("fill " + std::to_string(row) + ' ' + payload);
    }

    Attempt forget(std::uint64_t) override { return {Outcome::failed, "the ledger forgets nothing"}; }

    Attempt read_all(const std::function<void(std::uint64_t)>& found) override {
        std::string line;
        if (!ask("list\n", line)) return broken();
        const auto count = parse<std::uint64_t>(line);
        if (!count) return refused_by_server(line);
        for (std::uint64_t i = 0; i < *count; ++i) {
            if (!read_line(line)) return broken();
            std::string_view rest{line};
            if (!rest.starts_with("row ")) continue;
            rest.remove_prefix(4);
            if (const auto row = parse<std::uint64_t>(rest.substr(0, rest.find(' ')))) found(*row);
        }
        return {};
    }

    Attempt fill(std::uint64_t bytes) override {
        Noise noise;
        std::string block;
        for (std::uint64_t left = bytes; left > 0; left -= block.size()) {
            block.resize(std::min<std::uint64_t>(left, 1 << 20));
            noise.fill(block);
            std::ranges::replace(block, '\n', '\t');
            if (Attempt added = add("fill " + block); added.outcome != Outcome::done) return added;
        }
        return {};
    }

private:
    Attempt add(const std::string& text) {
        std::string answer;
        if (!ask("add " + text + "\n", answer)) return broken();
        return answer.starts_with("ok ") ? Attempt{} : refused_by_server(answer);
    }

    bool ask(const std::string& request, std::string& answer) {
        std::string_view left{request};
        while (!left.empty()) {
            const ssize_t sent = send(socket_, left.data(), left.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent < 0) {
                error_ = errno;
                return false;
            }
            left.remove_prefix(static_cast<std::size_t>(sent));
        }
        return read_line(answer);
    }

    /// Without its newline. False: `error_` says why, 0 when the server closed the connection.
    bool read_line(std::string& line) {
        std::size_t searched = 0;
        for (;;) {
            if (const auto end = unread_.find('\n', searched); end != std::string::npos) {
                line.assign(unread_, 0, end);
                unread_.erase(0, end + 1);
                return true;
            }
            searched = unread_.size();
            if (!wait_for(socket_, POLLIN, target_.patience)) {
                error_ = ETIMEDOUT;
                return false;
            }
            char block[1 << 16];
            const ssize_t got = recv(socket_, block, sizeof block, 0);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) {
                error_ = got < 0 ? errno : 0;
                return false;
            }
            unread_.append(block, static_cast<std::size_t>(got));
        }
    }

    Attempt broken() {
        disconnect();
        return {Outcome::failed, error_ == 0 ? "the server closed the connection" : std::generic_category().message(error_)};
    }

    Attempt refused_by_server(const std::string& answer) {
        disconnect();
        return {Outcome::failed, "the ledger says: " + answer};
    }

    Target target_;
    int socket_{-1};
    int error_{0};
    std::string unread_;
};

}  // namespace

std::unique_ptr<Database> make_ledger(const Target& target) { return std::make_unique<Ledger>(target); }

}  // namespace flocker::load
