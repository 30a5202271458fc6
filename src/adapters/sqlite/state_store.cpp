// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite/state_store.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "adapters/sqlite/database.hpp"
#include "codec/json.hpp"

namespace flocker::sqlite {
namespace {

constexpr Format format{
    "state store", 0x666C6B73 /* "flks" */, 1,
    "CREATE TABLE nodes (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE wanted (application TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE ownerships (subject TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE events (number INTEGER PRIMARY KEY, document TEXT NOT NULL) STRICT;"
    "CREATE TABLE meta (row INTEGER PRIMARY KEY CHECK (row = 1), revision INTEGER NOT NULL, last_move INTEGER NOT "
    "NULL) STRICT;"
    "INSERT INTO meta VALUES (1, 0, 0);",
    "put a backup in force with `flocker restore FILE` on this node, or let another node, which has a copy, become the "
    "control service: `flocker control takeover` there. Until then applications go on running as they are"};

/// Came later than the format, which is else the same.
constexpr const char* settings_table =
    "CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID";

struct Meta {
    std::uint64_t revision;
    std::uint64_t last_move;
};

Meta read_meta(Database& database) {
    auto query = database.query("SELECT revision, last_move FROM meta");
    if (!query.step()) return {0, 0};
    return {query.natural(0), query.natural(1)};
}

/// What is written must be readable for ever after, or the store could never be loaded again.
template <class T>
Result<std::string> document_of(const std::string& what, const T& value) {
    std::string text = codec::encode(value);
    if (const auto back = codec::decode<T>(text); !back) {
        return fail(ErrorCode::invalid_argument, "cannot keep " + what + ": " + back.error().message);
    }
    return text;
}

/// Change for change what model::apply() does, in the open transaction.
class Writer {
public:
    Writer(Database& database, Meta& meta) : database_(database), meta_(meta) {}

    Status operator()(const model::PutNode& put) {
        return write("node " + put.node.name, "INSERT OR REPLACE INTO nodes VALUES (?, ?)", put.node.id.value,
                     put.node);
    }
    Status operator()(const model::EraseNode& erase) { return run("DELETE FROM nodes WHERE id = ?", erase.node.value); }
    Status operator()(const model::PutWanted& put) {
        const auto& name = put.wanted.application.name.value;
        return write("application " + name, "INSERT OR REPLACE INTO wanted VALUES (?, ?)", name, put.wanted);
    }
    Status operator()(const model::EraseWanted& erase) {
        return run("DELETE FROM wanted WHERE application = ?", erase.application.value);
    }
    Status operator()(const model::PutOwnership& put) {
        if (put.ownership.move) meta_.last_move = std::max(meta_.last_move, put.ownership.move->id.value);
        meta_.last_move = std::max(meta_.last_move, put.ownership.won_by.value);
        const auto& subject = put.ownership.subject.value;
        return write("ownership of " + subject, "INSERT OR REPLACE INTO ownerships VALUES (?, ?)", subject,
                     put.ownership);
    }
    Status operator()(const model::EraseOwnership& erase) {
        return run("DELETE FROM ownerships WHERE subject = ?", erase.subject.value);
    }
    Status operator()(const model::PutSettings& put) {
        return write("settings", "INSERT OR REPLACE INTO settings VALUES (?, ?)", "cluster", put.settings);
    }
    Status operator()(const model::PutTakeover& put) {
        if (!put.takeover) return run("DELETE FROM settings WHERE name = ?", "takeover");
        return write("takeover", "INSERT OR REPLACE INTO settings VALUES (?, ?)", "takeover", *put.takeover);
    }
    Status operator()(const model::AddEvent& add) {
        FLOCKER_TRY(const auto document, document_of("event", add.event));
        return run("INSERT INTO events (document) VALUES (?)", document);
    }

private:
    template <class T>
    Status write(const std::string& what, const char* sql, const std::string& key, const T& value) {
        FLOCKER_TRY(const auto document, document_of(what, value));
        return run(sql, key, document);
    }
    template <class... Values>
    Status run(const char* sql, const Values&... values) {
        database_.run(sql, values...);
        return {};
    }

    Database& database_;
    Meta& meta_;
};

Result<model::Revision> write_changes(Database& database, model::Revision expected,
                                      const std::vector<model::Change>& changes) {
    Transaction transaction(database);
    Meta meta = read_meta(database);
    if (meta.revision != expected.value) {
        return fail(ErrorCode::conflict, "the records are at revision " + std::to_string(meta.revision) + ", not " +
                                             std::to_string(expected.value));
    }
    ++meta.revision;
    Writer writer(database, meta);
    for (const auto& change : changes) FLOCKER_CHECK_OK(std::visit(writer, change));
    database.run("UPDATE meta SET revision = ?, last_move = ?", meta.revision, meta.last_move);
    database.run("DELETE FROM events WHERE number <= (SELECT max(number) FROM events) - ?",
                 SqliteStateStore::events_kept);
    transaction.commit();
    return model::Revision{meta.revision};
}

/// The rows of "SELECT key, document", each given to take(key, value).
template <class T, class Take>
Status read_documents(Database& database, const char* sql, const char* what, const Take& take) {
    auto query = database.query(sql);
    while (query.step()) {
        auto value = codec::decode<T>(query.text(1));
        if (!value)
            return tl::unexpected(
                database.damaged(std::string(what) + " " + query.text(0) + ": " + value.error().message));
        take(query.text(0), *std::move(value));
    }
    return {};
}

Result<model::Records> read_records(Database& database) {
    model::Records records;
    const Meta meta = read_meta(database);
    records.revision = model::Revision{meta.revision};
    records.last_move = meta.last_move;
    FLOCKER_CHECK_OK(read_documents<model::Node>(
        database, "SELECT id, document FROM nodes", "node",
        [&](std::string key, model::Node value) { records.nodes.emplace(std::move(key), std::move(value)); }));
    FLOCKER_CHECK_OK(read_documents<model::Wanted>(database, "SELECT application, document FROM wanted", "application",
                                                   [&](std::string key, model::Wanted value) {
                                                       records.configuration.emplace(std::move(key), std::move(value));
                                                   }));
    FLOCKER_CHECK_OK(read_documents<model::Ownership>(database, "SELECT subject, document FROM ownerships",
                                                      "ownership of", [&](std::string key, model::Ownership value) {
                                                          records.ownerships.emplace(std::move(key), std::move(value));
                                                      }));
    FLOCKER_CHECK_OK(read_documents<model::ClusterSettings>(
        database, "SELECT name, document FROM settings WHERE name = 'cluster'", "settings of",
        [&](const std::string&, model::ClusterSettings value) { records.settings = value; }));
    FLOCKER_CHECK_OK(read_documents<model::Takeover>(
        database, "SELECT name, document FROM settings WHERE name = 'takeover'", "word of the",
        [&](const std::string&, model::Takeover value) { records.takeover = std::move(value); }));
    return records;
}

Result<std::vector<model::Event>> read_events(Database& database, std::uint64_t after, std::uint32_t limit) {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    std::vector<model::Event> events;
    auto query = database.query("SELECT number, document FROM events WHERE number > ? ORDER BY number LIMIT ?",
                                std::min(after, most), limit);
    while (query.step()) {
        auto event = codec::decode<model::Event>(query.text(1));
        if (!event) return tl::unexpected(database.damaged("event " + query.text(0) + ": " + event.error().message));
        event->number = query.natural(0);
        events.push_back(*std::move(event));
    }
    return events;
}

Result<std::unique_ptr<Database>> open_database(const std::string& path) {
    FLOCKER_TRY(auto database, Database::open(path, format));
    FLOCKER_CHECK_OK(database->attempt(std::function<Status()>([&]() -> Status {
        database->run(settings_table);
        return {};
    })));
    return database;
}

Status write_all(Database& database, const model::Records& records, const std::vector<model::Event>& events) {
    Transaction transaction(database);
    for (const char* table : {"nodes", "wanted", "ownerships", "settings"}) database.run(std::string("DELETE FROM ") + table);
    Meta meta{records.revision.value, records.last_move};
    Writer writer(database, meta);
    for (const auto& [id, node] : records.nodes) FLOCKER_CHECK_OK(writer(model::PutNode{node}));
    for (const auto& [name, wanted] : records.configuration) FLOCKER_CHECK_OK(writer(model::PutWanted{wanted}));
    for (const auto& [subject, ownership] : records.ownerships) FLOCKER_CHECK_OK(writer(model::PutOwnership{ownership}));
    FLOCKER_CHECK_OK(writer(model::PutSettings{records.settings}));
    FLOCKER_CHECK_OK(writer(model::PutTakeover{records.takeover}));
    database.run("UPDATE meta SET revision = ?, last_move = ?", meta.revision, meta.last_move);
    for (const model::Event& event : events) {
        FLOCKER_TRY(const auto document, document_of("event", event));
        database.run("INSERT OR REPLACE INTO events (number, document) VALUES (?, ?)", event.number, document);
    }
    transaction.commit();
    return {};
}

}  // namespace

Result<model::Records> read_file_of_records(const std::string& path) {
    FLOCKER_TRY(const auto database, open_database(path));
    return database->attempt(std::function<Result<model::Records>()>([&] { return read_records(*database); }));
}

Result<std::vector<model::Event>> read_file_of_events(const std::string& path) {
    FLOCKER_TRY(const auto database, open_database(path));
    return database->attempt(std::function<Result<std::vector<model::Event>>()>(
        [&] { return read_events(*database, 0, SqliteStateStore::events_kept); }));
}

Status write_file_of_records(const std::string& path, const model::Records& records,
                             const std::vector<model::Event>& events) {
    FLOCKER_TRY(const auto database, open_database(path));
    return database->attempt(std::function<Status()>([&] { return write_all(*database, records, events); }));
}

Result<posix::Fd> hold_file_of_records(const std::string& path) {
    return lock_file(path, std::string(format.what) + " " + path);
}

Error records_unusable(const std::string& path, const std::string& how) {
    return {ErrorCode::corrupt, std::string(format.what) + " " + path + " " + how + ": " + format.mend};
}

std::string fault_alone(const Error& error) {
    return error.message.substr(0, error.message.find(std::string(": ") + format.mend));
}

Result<std::unique_ptr<SqliteStateStore>> SqliteStateStore::open(const std::string& path, ports::Loop& loop) {
    FLOCKER_TRY(auto database, open_database(path));
    return std::unique_ptr<SqliteStateStore>(new SqliteStateStore(std::move(database), loop));
}

SqliteStateStore::SqliteStateStore(std::unique_ptr<Database> database, ports::Loop& loop)
    : loop_(loop), database_(std::move(database)) {}

SqliteStateStore::~SqliteStateStore() = default;

template <class T>
void SqliteStateStore::serve(std::function<Result<T>()> work, Done<T> done) {
    thread_.run([this, work = std::move(work), done = std::move(done)] {
        auto outcome = database_->attempt(work);
        loop_.post([done, outcome = std::move(outcome)]() mutable { done(std::move(outcome)); });
    });
}

void SqliteStateStore::load(Done<model::Records> done) {
    serve<model::Records>([this] { return read_records(*database_); }, std::move(done));
}

void SqliteStateStore::commit(model::Revision expected, const std::vector<model::Change>& changes,
                              Done<model::Revision> done) {
    serve<model::Revision>([this, expected, changes] { return write_changes(*database_, expected, changes); },
                           std::move(done));
}

void SqliteStateStore::events(std::uint64_t after, std::uint32_t limit, Done<std::vector<model::Event>> done) {
    serve<std::vector<model::Event>>([this, after, limit] { return read_events(*database_, after, limit); },
                                     std::move(done));
}

}  // namespace flocker::sqlite
