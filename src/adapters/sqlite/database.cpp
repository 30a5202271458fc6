// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite/database.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "adapters/posix/error_text.hpp"
#include "adapters/posix/files.hpp"

namespace flocker::sqlite {
namespace {

constexpr int busy_limit_ms = 5000;
constexpr int text_limit = 64 * 1024 * 1024;

[[noreturn]] void raise(sqlite3* database, int code) {
    throw Failure(code & 0xFF, database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code));
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
}

void Statement::prepare(std::string_view sql) {
    sqlite3_stmt* made = nullptr;
    const int code = sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &made, nullptr);
    if (code != SQLITE_OK) raise(database_, code);
    statement_.reset(made);
}

void Statement::bind_integer(int number, std::int64_t value) {
    if (const int code = sqlite3_bind_int64(statement_.get(), number, value); code != SQLITE_OK) raise(database_, code);
}

void Statement::bind(int number, std::string_view value) {
    // A null pointer would bind NULL.
    const char* data = value.empty() ? "" : value.data();
    const int code = sqlite3_bind_text64(statement_.get(), number, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    if (code != SQLITE_OK) raise(database_, code);
}

bool Statement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    raise(database_, code);
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
    const auto* data = sqlite3_column_text(statement_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return data == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(data), size);
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, const Format& format) {
    std::unique_ptr<Database> database(new Database(path, format));
    FLOCKER_CHECK_OK(database->lock());
    FLOCKER_CHECK_OK(database->attempt([&] { return database->create_if_missing(); }));
    FLOCKER_CHECK_OK(database->attempt([&] {
        database->connect(path);
        return database->check();
    }));
    return database;
}

Database::~Database() {
    disconnect();
}

Result<posix::Fd> lock_file(const std::string& path, const std::string& name) {
    const std::string lock_path = path + ".lock";
    posix::Fd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock) return fail(ErrorCode::unavailable, name + ": cannot open " + lock_path + ": " + posix::reason_of(errno));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
    const std::string reason = errno == EWOULDBLOCK ? "another process has it open" : posix::reason_of(errno);
    return fail(ErrorCode::unavailable, name + ": " + reason);
}

Status Database::lock() {
    FLOCKER_TRY(lock_, lock_file(path_, name()));
    return {};
}

Status Database::create_if_missing() {
    std::error_code ignored;
    if (std::filesystem::exists(path_, ignored)) {
        // An empty file would pass for a new database, and everything would be forgotten.
        if (std::filesystem::file_size(path_, ignored) == 0) return tl::unexpected(damaged("it is empty"));
        return {};
    }
    if (std::filesystem::exists(path_ + "-wal", ignored)) {
        return tl::unexpected(damaged("only its log " + path_ + "-wal is there"));
    }
    // Made under another name, so that a crash leaves none or all of it.
    const std::string prepared = path_ + ".new";
    for (const char* suffix : {"", "-journal"}) std::filesystem::remove(prepared + suffix, ignored);
    const posix::Fd file(::open(prepared.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) {
        return fail(ErrorCode::unavailable, name() + ": cannot create " + prepared + ": " + posix::reason_of(errno));
    }
    connect(prepared);
    {
        Transaction transaction(*this);
        execute(format_.schema);
        execute(("PRAGMA application_id = " + std::to_string(format_.application_id)).c_str());
        execute(("PRAGMA user_version = " + std::to_string(format_.version)).c_str());
        transaction.commit();
    }
    disconnect();
    std::filesystem::rename(prepared, path_, ignored);
    if (ignored) return fail(ErrorCode::unavailable, name() + ": cannot create it: " + ignored.message());
    return posix::sync_folder_of(path_);
}

Status Database::check() {
    const auto number = [this](const char* pragma) {
        auto query = this->query(pragma);
        query.step();
        return query.integer(0);
    };
    if (number("PRAGMA application_id") != format_.application_id) {
        return fail(ErrorCode::corrupt,
                    path_ + " is a database, but no " + format_.what + " of Flocker: name another file");
    }
    const auto version = number("PRAGMA user_version");
    if (version > format_.version) {
        return fail(ErrorCode::invalid_argument,
                    name() + " was written by a newer Flocker (format " + std::to_string(version) +
                        ", this one knows " + std::to_string(format_.version) + "): run that version or a later one");
    }
    if (version < format_.version) return tl::unexpected(damaged("its format is " + std::to_string(version)));
    // SQLite reads zeros where the last page was cut. With a log to be replayed that page is in the log.
    std::error_code ignored;
    const auto log_size = std::filesystem::file_size(path_ + "-wal", ignored);
    if (ignored || log_size == 0) {
        const auto page_size = static_cast<std::uintmax_t>(number("PRAGMA page_size"));
        if (std::filesystem::file_size(path_, ignored) % page_size != 0)
            return tl::unexpected(damaged("its end was cut off"));
    }
    {
        auto verdict = query("PRAGMA integrity_check(1)");
        if (!verdict.step() || verdict.text(0) != "ok") return tl::unexpected(damaged(verdict.text(0)));
    }
    auto mode = query("PRAGMA journal_mode = WAL");
    if (!mode.step() || mode.text(0) != "wal") {
        return fail(ErrorCode::unavailable,
                    name() + ": its file system does not support a write-ahead log, move it to a local one");
    }
    return {};
}

void Database::connect(const std::string& path) {
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (const int code = sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr); code != SQLITE_OK)
        raise(handle_, code);
    sqlite3_busy_timeout(handle_, busy_limit_ms);
    sqlite3_limit(handle_, SQLITE_LIMIT_LENGTH, text_limit);
    execute("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON");
}

void Database::disconnect() {
    sqlite3_close_v2(handle_);
    handle_ = nullptr;
}

void Database::execute(const char* sql) {
    if (const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr); code != SQLITE_OK) raise(handle_, code);
}

std::int64_t Database::rows_changed() const {
    return sqlite3_changes64(handle_);
}

bool Database::in_transaction() const {
    return sqlite3_get_autocommit(handle_) == 0;
}

std::string Database::name() const {
    return std::string(format_.what) + " " + path_;
}

Error Database::damaged(const std::string& how) const {
    return {ErrorCode::corrupt, name() + " is damaged (" + how + "): " + format_.mend};
}

bool Database::has_no_room() const {
    // As much as a log begins with.
    constexpr std::uintmax_t room_needed = 64 * 1024;
    std::error_code unknown;
    const auto room = std::filesystem::space(std::filesystem::path(path_).parent_path(), unknown);
    return !unknown && room.available < room_needed;
}

Error Database::explain(const Failure& failure) const {
    const std::string said = failure.what();
    if (failure.outcome_unknown()) {
        return {ErrorCode::timed_out, name() + ": nobody can tell whether it was written (" + said + ")"};
    }
    switch (failure.code()) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return damaged(said);
        case SQLITE_FULL: return {ErrorCode::unavailable, name() + ": its disk is full, make room on it"};
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return {ErrorCode::unavailable, name() + ": another process is writing to it"};
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
        case SQLITE_IOERR:
        case SQLITE_NOLFS:
        case SQLITE_NOMEM:
            // The file beside it that is shared between connections can't be made either.
            if (has_no_room()) return {ErrorCode::unavailable, name() + ": its disk is full, make room on it"};
            return {ErrorCode::unavailable, name() + ": " + said + ": look at its disk and its permissions"};
        case SQLITE_TOOBIG: return {ErrorCode::invalid_argument, name() + ": too large a value"};
        default: return {ErrorCode::internal, name() + ": " + said};
    }
}

Transaction::Transaction(Database& database) : database_(database) {
    database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
    if (!database_.in_transaction()) return;
    try {
        database_.execute("ROLLBACK");
    } catch (const Failure&) {
        // It is rolled back when the file is opened again.
    }
}

void Transaction::commit() {
    try {
        database_.execute("COMMIT");
    } catch (const Failure& failure) {
        // The log may hold all of it although the disk did not confirm that.
        if (failure.code() == SQLITE_IOERR) throw Failure(failure.code(), failure.what(), true);
        throw;
    }
}

}  // namespace flocker::sqlite
