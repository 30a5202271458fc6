// SPDX-License-Identifier: Apache-2.0
#include "adapters/sqlite/token_store.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "adapters/sqlite/database.hpp"
#include "codec/json.hpp"

namespace flocker::sqlite {
namespace {

constexpr Format format{
    "token store", 0x666C6B74 /* "flkt" */, 1,
    "CREATE TABLE tokens (id TEXT PRIMARY KEY, secret_sha256 TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER "
    "NOT NULL,"
    " labels TEXT NOT NULL, used INTEGER, used_by TEXT NOT NULL DEFAULT '') STRICT, WITHOUT ROWID;",
    "remove it, and make new join tokens with `flocker token create`; those of before let nobody in then"};

constexpr Duration expired_kept = std::chrono::hours(30 * 24);

bool is_digest(std::string_view text) {
    return text.size() == 64 && std::all_of(text.begin(), text.end(),
                                            [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// From a row of id, created, expires, labels, used, used_by.
Result<JoinToken> token_in(const Database& database, const Statement& row) {
    JoinToken token;
    token.id = row.text(0);
    token.created = {row.integer(1)};
    token.expires = {row.integer(2)};
    auto labels = codec::decode<std::map<std::string, std::string>>(row.text(3));
    if (!labels) return tl::unexpected(database.damaged("token " + token.id + ": " + labels.error().message));
    token.labels = *std::move(labels);
    if (!row.is_null(4)) token.used = Instant{row.integer(4)};
    token.used_by = row.text(5);
    return token;
}

/// Only who knows the secret is told more than that there is no such token.
std::string reason_of_denial(Database& database, std::string_view id, std::string_view secret_sha256) {
    auto query = database.query("SELECT used FROM tokens WHERE id = ? AND secret_sha256 = ?", id, secret_sha256);
    if (!query.step()) return "is not known";
    return query.is_null(0) ? "has expired" : "has been used already";
}

}  // namespace

Result<std::unique_ptr<SqliteTokenStore>> SqliteTokenStore::open(const std::string& path) {
    FLOCKER_TRY(auto database, Database::open(path, format));
    return std::unique_ptr<SqliteTokenStore>(new SqliteTokenStore(std::move(database)));
}

SqliteTokenStore::SqliteTokenStore(std::unique_ptr<Database> database) : database_(std::move(database)) {}

SqliteTokenStore::~SqliteTokenStore() = default;

Status SqliteTokenStore::create(const JoinToken& token) {
    if (token.id.empty() || !is_digest(token.secret_sha256)) {
        return fail(ErrorCode::invalid_argument, "a join token needs an id and the SHA-256 of its secret");
    }
    const std::lock_guard lock(mutex_);
    return database_->attempt([&]() -> Status {
        Transaction transaction(*database_);
        database_->run("DELETE FROM tokens WHERE expires < ?", (token.created - expired_kept).unix_ns);
        database_->run(
            "INSERT INTO tokens (id, secret_sha256, created, expires, labels) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO "
            "NOTHING",
            token.id, token.secret_sha256, token.created.unix_ns, token.expires.unix_ns, codec::encode(token.labels));
        if (database_->rows_changed() == 0)
            return fail(ErrorCode::already_exists, "join token " + token.id + " exists already");
        transaction.commit();
        return {};
    });
}

Result<std::vector<JoinToken>> SqliteTokenStore::list() {
    const std::lock_guard lock(mutex_);
    return database_->attempt([&]() -> Result<std::vector<JoinToken>> {
        std::vector<JoinToken> tokens;
        auto rows =
            database_->query("SELECT id, created, expires, labels, used, used_by FROM tokens ORDER BY created, id");
        while (rows.step()) {
            FLOCKER_TRY(auto token, token_in(*database_, rows));
            tokens.push_back(std::move(token));
        }
        return tokens;
    });
}

Status SqliteTokenStore::revoke(std::string_view id) {
    const std::lock_guard lock(mutex_);
    return database_->attempt([&]() -> Status {
        Transaction transaction(*database_);
        database_->run("DELETE FROM tokens WHERE id = ?", id);
        if (database_->rows_changed() == 0)
            return fail(ErrorCode::not_found, "there is no join token " + std::string(id));
        transaction.commit();
        return {};
    });
}

Result<JoinToken> SqliteTokenStore::redeem(std::string_view id, std::string_view secret_sha256,
                                           std::string_view used_by, Instant now) {
    const std::lock_guard lock(mutex_);
    return database_->attempt([&]() -> Result<JoinToken> {
        Transaction transaction(*database_);
        auto redeemed = [&]() -> Result<JoinToken> {
            auto row = database_->query(
                "UPDATE tokens SET used = ?, used_by = ? WHERE id = ? AND secret_sha256 = ? AND used IS NULL AND "
                "expires > ?"
                " RETURNING id, created, expires, labels, used, used_by",
                now.unix_ns, used_by, id, secret_sha256, now.unix_ns);
            if (!row.step()) {
                return fail(ErrorCode::denied, "join token " + std::string(id) + " " +
                                                   reason_of_denial(*database_, id, secret_sha256) +
                                                   ": make a new one");
            }
            return token_in(*database_, row);
        }();
        if (redeemed) transaction.commit();
        return redeemed;
    });
}

}  // namespace flocker::sqlite
