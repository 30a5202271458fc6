// SPDX-License-Identifier: Apache-2.0
#include "doctor/diagnostics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "adapters/tls/testing.hpp"
#include "codec/json.hpp"
#include "manifest/daemon_config.hpp"
#include "setup/command.hpp"
#include "setup/layout.hpp"

namespace flocker::doctor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string password = "swordfish-4711";
const std::string token = "FLKT-1-c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";

class ANodeWithSecrets : public ::testing::Test {
protected:
    ANodeWithSecrets() {
        std::string pattern = (std::filesystem::temp_directory_path() / "flkt-doctor-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        const setup::ConfigFolder config{folder_};
        const auto credentials = cluster_.credentials(tls::terms_for_node(tls::testing::alder, "127.0.0.1"));
        write(config.authority(), credentials.authority);
        write(config.certificate("node"), credentials.certificate);
        write(config.key("node"), credentials.key);
        write(config.authority_key(), cluster_.authority().key);
        key_body_ = credentials.key.substr(40, 40);
        manifest::DaemonConfig daemon;
        daemon.node = {model::NodeId{tls::testing::alder}, "alder", "127.0.0.1"};
        daemon.control = {"127.0.0.1", 1, 2, true};
        daemon.pool = folder_ + "/pool";
        daemon.state = folder_;
        write(config.daemon(), manifest::to_yaml(daemon));
        write(setup::StateFolder{folder_}.assignment(), codec::encode(assignment()));
        write(setup::StateFolder{folder_}.node(), R"({"note":")" + password + " " + token + R"("})");
    }
    ~ANodeWithSecrets() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    ANodeWithSecrets(const ANodeWithSecrets&) = delete;
    ANodeWithSecrets& operator=(const ANodeWithSecrets&) = delete;

    static model::Assignment assignment() {
        model::Assignment told;
        told.node = model::NodeId{tls::testing::alder};
        told.revision = model::Revision{12};
        model::ApplicationAssignment db;
        db.application.name = model::ApplicationName{"database"};
        db.application.image = "postgres:15";
        db.application.environment = {{"POSTGRES_PASSWORD", password}, {"POSTGRES_DB", "database"}};
        db.application.command = {{"postgres", "--secret", password}};
        db.application.before_move = {{"psql", password}};
        told.applications = {db};
        return told;
    }
    static void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

    std::string folder_;
    std::string key_body_;
    tls::testing::TestCluster cluster_;
};

TEST_F(ANodeWithSecrets, GivesNoneOfThemAway) {
    std::string all;
    for (const auto& [name, text] : diagnostics(folder_)) all += name + "\n" + text;
    EXPECT_THAT(all, AllOf(HasSubstr("database"), HasSubstr("POSTGRES_PASSWORD"), HasSubstr("postgres:15"), HasSubstr("node: ")));
    EXPECT_THAT(all, Not(HasSubstr(password)));
    EXPECT_THAT(all, Not(HasSubstr(token)));
    EXPECT_THAT(all, Not(HasSubstr(key_body_)));
    EXPECT_THAT(all, Not(HasSubstr("PRIVATE KEY")));
}

TEST_F(ANodeWithSecrets, IsPackedIntoOneArchiveThatOnlyItsOwnerReads) {
    const std::string archive = folder_ + "/x.tar.gz";
    ASSERT_TRUE(pack(archive, "flocker-alder", diagnostics(folder_)).has_value());
    struct stat seen {};
    ASSERT_EQ(::stat(archive.c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 0777U, 0600U);
    const auto listed = setup::run_command({"tar", "-tzf", archive});
    ASSERT_TRUE(listed.has_value()) << listed.error();
    EXPECT_THAT(*listed, AllOf(HasSubstr("flocker-alder/mounts.txt"), HasSubstr("flocker-alder/assignment.json")));
    const auto text = setup::run_command({"tar", "-xzOf", archive});
    EXPECT_THAT(*text, AllOf(HasSubstr("POSTGRES_PASSWORD"), Not(HasSubstr(password))));
    EXPECT_EQ(pack("/nonexistent/x", "y", {}).error().code, ErrorCode::unavailable);
}

TEST(Scrubbing, TakesOutKeysTokensAndValuesAndLeavesTheRest) {
    EXPECT_EQ(scrubbed("a -----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY----- b", {}), "a (left out) b");
    EXPECT_EQ(scrubbed("a -----BEGIN PRIVATE KEY-----\ncut off", {}), "a (left out)");
    EXPECT_EQ(scrubbed("-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----", {}),
              "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----");
    EXPECT_EQ(scrubbed("join with " + token + ", or FLKT-1-...", {}), "join with (left out), or FLKT-1-...");
    EXPECT_EQ(scrubbed("x=" + password + password, {password}), "x=(left out)(left out)");
    EXPECT_EQ(scrubbed("true", {"true", ""}), "true") << "too short to be one";
}

}  // namespace
}  // namespace flocker::doctor
