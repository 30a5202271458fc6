// SPDX-License-Identifier: Apache-2.0
#include "plan/hooks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flocker::plan {
namespace {

using ::testing::HasSubstr;

std::string script_for(const std::string& image) {
    model::Application application;
    application.image = image;
    const auto command = hook_of(application);
    return command.empty() ? "" : command.back();
}

TEST(Hooks, AreBuiltInForImagesThatAreKnown) {
    for (const char* image : {"postgres:15", "docker.io/library/postgres:15", "registry:5000/team/postgres:15-alpine",
                              "flocker/postgresql:15", "postgis/postgis:15-3.4", "postgres@sha256:00"}) {
        EXPECT_THAT(script_for(image), HasSubstr("CHECKPOINT")) << image;
    }
    for (const char* image : {"mysql:8", "mariadb:10"}) {
        EXPECT_THAT(script_for(image), HasSubstr("innodb_max_dirty_pages_pct")) << image;
    }
    EXPECT_THAT(script_for("redis:7"), HasSubstr("BGREWRITEAOF"));
}

TEST(Hooks, AreNotGuessedFromPartsOfAName) {
    for (const char* image : {"postgres-exporter:1", "pgbouncer:1", "team/redis-commander:1", "redis/insight:1", "web:1"}) {
        EXPECT_EQ(script_for(image), "") << image;
    }
}

TEST(Hooks, AreTheUsersOwnWhereTheManifestHasThem) {
    model::Application application;
    application.image = "postgres:15";
    EXPECT_FALSE(hook_must_succeed(application));
    application.before_move = {"flush", "all"};
    EXPECT_EQ(hook_of(application), (std::vector<std::string>{"flush", "all"}));
    EXPECT_TRUE(hook_must_succeed(application));
    application.before_move->clear();
    EXPECT_TRUE(hook_of(application).empty()) << "an empty one turns the built-in one off";
}

}  // namespace
}  // namespace flocker::plan
