// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace flocker::load {

enum class Outcome : std::uint8_t {
    done,
    refused,  ///< Nobody listens there (ECONNREFUSED).
    reset,    ///< The connection broke before it gave its first answer.
    failed,   ///< Anything else: it broke later, did not answer in time, or the server says no.
};

struct Attempt {
    Outcome outcome{Outcome::done};
    std::string message;  ///< Empty when done.
};

struct Target {
    std::string kind;  ///< "postgres", "redis", "rabbitmq" or "ledger".
    std::string host;
    std::uint16_t port{0};
    /// How long a connection may be held, and an answer may take, before it is an error.
    std::chrono::milliseconds patience{60'000};
};

/// One connection to a database that keeps numbered rows.
///
/// Threads:   one at a time.
/// Repeating: connect() gives up the connection there was. After an attempt that was not `done`, the
///            connection is gone.
class Database {
public:
    virtual ~Database() = default;
    /// Done when the server has answered on it.
    [[nodiscard]] virtual Attempt connect() = 0;
    virtual void disconnect() = 0;
    /// The highest row there is, 0 if there is none. Makes the table if there is none.
    [[nodiscard]] virtual Attempt prepare(std::uint64_t& highest) = 0;
    /// Done: the server has acknowledged it as durable.
    [[nodiscard]] virtual Attempt write(std::uint64_t row, const std::string& payload) = 0;
    /// The same for a row of another kind, which there may be already. prepare() has been called, on any connection.
    [[nodiscard]] virtual Attempt overwrite(std::uint64_t row, const std::string& payload) = 0;
    /// Removes the rows below that number, also from the log that is read when the server starts.
    [[nodiscard]] virtual Attempt forget(std::uint64_t below) = 0;
    /// Calls `found` for every row, in no order.
    [[nodiscard]] virtual Attempt read_all(const std::function<void(std::uint64_t)>& found) = 0;
    /// Adds about `bytes` of data that can't be compressed, beside the rows.
    [[nodiscard]] virtual Attempt fill(std::uint64_t bytes) = 0;
};

/// nullptr: there is no such kind.
[[nodiscard]] std::unique_ptr<Database> make_database(const Target& target);

[[nodiscard]] std::unique_ptr<Database> make_postgres(const Target& target);
[[nodiscard]] std::unique_ptr<Database> make_redis(const Target& target);
[[nodiscard]] std::unique_ptr<Database> make_rabbitmq(const Target& target);
[[nodiscard]] std::unique_ptr<Database> make_ledger(const Target& target);

}  // namespace flocker::load
