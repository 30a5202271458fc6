// SPDX-License-Identifier: Apache-2.0
//
// Internal: SQLite's C API with owners. Throws Failure; Database::attempt() makes it an Error.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "adapters/posix/fd.hpp"
#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace flocker::sqlite {

/// What SQLite said.
class Failure : public std::runtime_error {
public:
    Failure(int code, const std::string& message, bool unknown = false)
        : std::runtime_error(message), code_(code), unknown_(unknown) {}
    [[nodiscard]] int code() const { return code_; }                 ///< SQLITE_…, not the extended one.
    [[nodiscard]] bool outcome_unknown() const { return unknown_; }  ///< It may be on the disk all the same.

private:
    int code_;
    bool unknown_;
};

/// A prepared statement with its parameters bound.
class Statement {
public:
    template <class... Values>
    Statement(sqlite3* database, std::string_view sql, const Values&... values) : database_(database) {
        prepare(sql);
        int number = 0;
        (bind(++number, values), ...);
    }

    /// To the next row; false: there is none.
    bool step();
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::uint64_t natural(int column) const { return static_cast<std::uint64_t>(integer(column)); }
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] bool is_null(int column) const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    void prepare(std::string_view sql);
    template <std::integral T>
    void bind(int number, T value) {
        bind_integer(number, static_cast<std::int64_t>(value));
    }
    void bind(int number, std::string_view value);
    void bind_integer(int number, std::int64_t value);

    sqlite3* database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// What makes a file one of ours.
struct Format {
    const char* what;             ///< For messages: "state store".
    std::int32_t application_id;  ///< In the file's header.
    int version;                  ///< The only one that can be read.
    const char* schema;
    const char* mend;  ///< What to do when the file is damaged; for messages.
};

/// The one lock that a process has on a file of ours while it uses it. `name`: for the message.
/// Errors: unavailable (another process has it).
[[nodiscard]] Result<posix::Fd> lock_file(const std::string& path, const std::string& name);

/// An open file. One thread at a time; one process at a time, by a lock on "<path>.lock". Every
/// commit is durable when it returns.
class Database {
public:
    /// Creates the file if it is not there: whole at once, readable by its owner alone. Never repairs
    /// and never replaces one that is there.
    ///
    /// Errors: corrupt (damaged, or somebody else's), invalid_argument (of a newer version), unavailable.
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::string& path, const Format& format);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    void execute(const char* sql);
    template <class... Values>
    [[nodiscard]] Statement query(std::string_view sql, const Values&... values) {
        return Statement(handle_, sql, values...);
    }
    /// For a statement whose rows are of no interest.
    template <class... Values>
    void run(std::string_view sql, const Values&... values) {
        query(sql, values...).step();
    }
    [[nodiscard]] std::int64_t rows_changed() const;
    [[nodiscard]] bool in_transaction() const;

    /// Runs work() -> Result<…>; what it throws becomes its error, with what to do about it.
    template <class Work>
    [[nodiscard]] auto attempt(const Work& work) -> decltype(work()) {
        try {
            return work();
        } catch (const Failure& failure) {
            return tl::unexpected(explain(failure));
        }
    }
    /// "state store /var/lib/flocker/state.db": the object of a message.
    [[nodiscard]] std::string name() const;
    /// Its content makes no sense; says what to do.
    [[nodiscard]] Error damaged(const std::string& how) const;

private:
    Database(std::string path, const Format& format) : path_(std::move(path)), format_(format) {}
    [[nodiscard]] Error explain(const Failure& failure) const;
    [[nodiscard]] bool has_no_room() const;
    [[nodiscard]] Status lock();
    [[nodiscard]] Status create_if_missing();
    [[nodiscard]] Status check();
    void connect(const std::string& path);
    void disconnect();

    std::string path_;
    Format format_;
    posix::Fd lock_;
    sqlite3* handle_{nullptr};
};

/// All or nothing: rolled back unless commit() has returned. Holds the file's one write lock.
class Transaction {
public:
    explicit Transaction(Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

private:
    Database& database_;
};

}  // namespace flocker::sqlite
