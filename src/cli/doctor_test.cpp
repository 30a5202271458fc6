// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using model::Finding;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Key;

class DoctorTest : public TestWorld, public ::testing::Test {
protected:
    DoctorTest() {
        world.own_node.name = [](const std::string&) -> Result<std::string> { return "alder"; };
        world.own_node.examine = [this](const std::string& config) {
            looked_in = config;
            return findings;
        };
        world.own_node.diagnostics = [](const std::string&) { return std::map<std::string, std::string>{{"mounts.txt", "x"}}; };
        world.own_node.pack = [this](const std::string& path, const std::string& name,
                                     const std::map<std::string, std::string>& files) -> Status {
            packed_path = path;
            packed_name = name;
            packed = files;
            return pack_outcome;
        };
    }

    std::vector<Finding> findings{{Finding::Level::ok, "engine", "docker 20.10.24", ""},
                                  {Finding::Level::warn, "pool", "without noatime", "mount -o remount,noatime /pool"}};
    std::string looked_in;
    std::string packed_path;
    std::string packed_name;
    std::map<std::string, std::string> packed;
    Status pack_outcome;
};

TEST_F(DoctorTest, SaysEachFindingAndHowToMendIt) {
    EXPECT_EQ(run({"doctor"}), 0);
    EXPECT_EQ(out.str(), "ok    engine    docker 20.10.24\n"
                         "warn  pool      without noatime\n"
                         "                mount -o remount,noatime /pool\n");
    EXPECT_EQ(looked_in, "/etc/flocker");
    EXPECT_TRUE(asked.empty()) << "it works where there is no cluster yet";
}

TEST_F(DoctorTest, EndsWithOneIfAnythingFails) {
    findings.push_back({Finding::Level::fail, "ports", "port 4523 is taken by \"nginx\"", "stop it"});
    EXPECT_EQ(run({"doctor", "--json", "--config-dir", "/x"}), 1);
    EXPECT_EQ(looked_in, "/x");
    EXPECT_EQ(out.str(),
              R"({"findings":[{"level":"ok","subject":"engine","text":"docker 20.10.24","mend":""},)"
              R"({"level":"warn","subject":"pool","text":"without noatime","mend":"mount -o remount,noatime /pool"},)"
              R"({"level":"fail","subject":"ports","text":"port 4523 is taken by \"nginx\"","mend":"stop it"}]})"
              "\n");
}

TEST_F(DoctorTest, PacksWhatTheNodeAndTheControlServiceSay) {
    answer("GET", "/v1/status", cluster({}));
    EXPECT_EQ(run({"diagnostics"}), 0) << err.str();
    EXPECT_EQ(packed_name, "flocker-diagnostics-alder-20251009T085320Z");
    EXPECT_EQ(packed_path, packed_name + ".tar.gz");
    for (const char* file : {"mounts.txt", "doctor.txt", "doctor.json", "flocker.txt", "status.json", "volumes.json",
                             "nodes.json", "moves.json", "events.json", "settings.json"}) {
        EXPECT_THAT(packed, Contains(Key(file)));
    }
    EXPECT_THAT(packed["status.json"], HasSubstr("\"revision\""));
    EXPECT_THAT(packed["volumes.json"], HasSubstr("nobody answers")) << "what can't be had says why";
    EXPECT_THAT(out.str(), AllOf(HasSubstr(packed_path), HasSubstr("look through it")));
}

TEST_F(DoctorTest, PacksWhatTheNodeSaysWithoutAControlService) {
    world.connect = [](const Access&) -> Result<api::Transport> { return fail(ErrorCode::unavailable, "no way"); };
    EXPECT_EQ(run({"diagnostics", "/tmp/here.tar.gz", "--json"}), 0) << err.str();
    EXPECT_EQ(packed_path, "/tmp/here.tar.gz");
    EXPECT_EQ(packed["status.json"], "no way\n");
    pack_outcome = fail(ErrorCode::unavailable, "cannot write /tmp/here.tar.gz: no space left on device");
    EXPECT_EQ(run({"diagnostics", "/tmp/here.tar.gz"}), 1);
    EXPECT_THAT(err.str(), HasSubstr("no space left"));
}

}  // namespace
}  // namespace flocker::cli
