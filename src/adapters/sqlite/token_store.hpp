// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace flocker::sqlite {

class Database;

/// Lets one node join, once. The secret itself is kept nowhere.
struct JoinToken {
    std::string id;             ///< Short; people see it in lists.
    std::string secret_sha256;  ///< 64 hexadecimal digits in lower case; empty in what list() and redeem() give.
    Instant created;
    Instant expires;
    std::map<std::string, std::string> labels;  ///< For the node that joins.
    std::optional<Instant> used;
    std::string used_by;  ///< The node that joined; empty as long as it is not used.

    friend bool operator==(const JoinToken&, const JoinToken&) = default;
};

/// The join tokens, in a SQLite file of their own.
///
/// Threads:  any, but each call blocks for the disk: never on the loop.
/// Crashing: what a call has returned survives a power loss.
/// Errors:   beyond those at the calls: unavailable (disk), timed_out (unknown; list() tells), corrupt.
class SqliteTokenStore {
public:
    /// As SqliteStateStore::open().
    [[nodiscard]] static Result<std::unique_ptr<SqliteTokenStore>> open(const std::string& path);
    ~SqliteTokenStore();
    SqliteTokenStore(const SqliteTokenStore&) = delete;
    SqliteTokenStore& operator=(const SqliteTokenStore&) = delete;

    /// Forgets those, too, that expired more than 30 days before `token.created`.
    /// Errors: already_exists (the id), invalid_argument (no id, or no digest as above).
    [[nodiscard]] Status create(const JoinToken& token);
    /// Oldest first.
    [[nodiscard]] Result<std::vector<JoinToken>> list();
    /// Errors: not_found.
    [[nodiscard]] Status revoke(std::string_view id);
    /// Uses the token up, in one step: of any number of calls at once, one succeeds. Not to be repeated: when the
    /// answer is lost, the next attempt is denied and takes a new token.
    /// Errors: denied (unknown, wrong secret, expired, used).
    [[nodiscard]] Result<JoinToken> redeem(std::string_view id, std::string_view secret_sha256,
                                           std::string_view used_by, Instant now);

private:
    explicit SqliteTokenStore(std::unique_ptr<Database> database);

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
};

}  // namespace flocker::sqlite
