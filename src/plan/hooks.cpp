// SPDX-License-Identifier: Apache-2.0
#include "plan/hooks.hpp"

#include <array>
#include <string_view>

namespace flocker::plan {
namespace {

/// What is left to be written when PostgreSQL stops is what was written since this.
constexpr const char* postgres =
    "exec psql -X -q -U \"${POSTGRES_USER:-postgres}\" -d \"${POSTGRES_DB:-${POSTGRES_USER:-postgres}}\" -c CHECKPOINT";

/// InnoDB writes its dirty pages while it serves, instead of while it stops.
constexpr const char* mysql =
    "client=$(command -v mariadb || command -v mysql) || exit 1; "
    "MYSQL_PWD=\"${MARIADB_ROOT_PASSWORD:-${MYSQL_ROOT_PASSWORD:-}}\" exec \"$client\" -u root -e "
    "'SET @was = @@GLOBAL.innodb_max_dirty_pages_pct; SET GLOBAL innodb_max_dirty_pages_pct = 0; DO SLEEP(2); "
    "SET GLOBAL innodb_max_dirty_pages_pct = @was'";

/// Redis looks for its stop signal "hz" times a second, ten by default. And it reads its append-only file when
/// it starts: one that has grown to twice its base is made short.
constexpr const char* redis =
    "redis-cli CONFIG SET hz 100 >/dev/null; "
    "ask() { redis-cli INFO persistence | tr -d '\\r' | sed -n \"s/^$1://p\"; }; "
    "[ \"$(ask aof_enabled)\" = 1 ] || exit 0; "
    "base=$(ask aof_base_size); [ \"$(ask aof_current_size)\" -gt $((2 * base + 67108864)) ] || exit 0; "
    "redis-cli BGREWRITEAOF && while [ \"$(ask aof_rewrite_in_progress)\" = 1 ]; do sleep 0.1; done";

struct Known {
    std::string_view image;  ///< The last part of the repository.
    const char* script;
};
constexpr std::array<Known, 7> known{{{"postgres", postgres},
                                      {"postgresql", postgres},
                                      {"postgis", postgres},
                                      {"mysql", mysql},
                                      {"mariadb", mysql},
                                      {"percona", mysql},
                                      {"redis", redis}}};

std::string_view repository_name(std::string_view image) {
    image = image.substr(0, image.find('@'));
    const auto slash = image.rfind('/');
    if (slash != std::string_view::npos) image.remove_prefix(slash + 1);
    return image.substr(0, image.find(':'));
}

}  // namespace

std::vector<std::string> hook_of(const model::Application& application) {
    if (application.before_move) return *application.before_move;
    const std::string_view name = repository_name(application.image);
    for (const Known& each : known) {
        if (name == each.image) return {"/bin/sh", "-c", each.script};
    }
    return {};
}

}  // namespace flocker::plan
