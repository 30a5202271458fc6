// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// This node is birch. It has e3-s4 and the set-aside e3-s9 of db; alder has e3-s5.
class SnapshotMountsTest : public TestWorld, public ::testing::Test {
protected:
    SnapshotMountsTest() {
        const auto id = [](std::uint64_t sequence) { return model::SnapshotId{model::Epoch{3}, sequence}; };
        volume.dataset = model::DatasetId{"11111111-2222-4333-8444-555555555555"};
        volume.application = "db";
        volume.owner_node = "alder";
        volume.copies = {{"alder", true, true, {}, true, false, false, true, {{id(5), clock_start}}},
                         {"birch", false, true, {}, false, false, false, {}, {{id(4), clock_start}}}};
        volume.copies[1].set_aside = {{id(9), clock_start, {5U << 20U}}};
        world.own_node = {[this](const std::string& config) -> Result<std::string> {
                              calls.push_back("name " + config);
                              return name;
                          },
                          [this](const std::string&, const model::DatasetId& dataset, const std::string& snapshot,
                                 const std::string& path) -> Status {
                              calls.push_back("mount " + dataset.value.substr(0, 4) + " " + snapshot + " " + path);
                              return outcome;
                          },
                          [this](const std::string& path) -> Status {
                              calls.push_back("unmount " + path);
                              return outcome;
                          }};
    }
    int mount(const std::string& volume_name, const std::string& snapshot, std::vector<std::string> more = {}) {
        calls.clear();
        more.insert(more.begin(), {"volume", "mount", volume_name, snapshot, "/mnt"});
        return run(more);
    }
    api::VolumeEntry volume;
    Result<std::string> name{"birch"};
    Status outcome;
    std::vector<std::string> calls;
};

TEST_F(SnapshotMountsTest, MountASnapshotOfThisNode) {
    answer("GET", "/v1/volumes/db", volume);
    EXPECT_EQ(mount("db", "e3-s9"), 0) << err.str();
    EXPECT_THAT(calls, ElementsAre("name /etc/flocker", "mount 1111 e3-s9 /mnt"));
    EXPECT_EQ(out.str(), "e3-s9 of db is at /mnt, read-only. When you are done: flocker volume umount /mnt\n");
    EXPECT_EQ(mount("db", "e3-s9", {"--json", "--config-dir", "/srv/config"}), 0);
    EXPECT_EQ(calls.front(), "name /srv/config");
    EXPECT_EQ(out.str(),
              "{\"mounted\":\"/mnt\",\"volume\":\"11111111-2222-4333-8444-555555555555\",\"snapshot\":\"e3-s9\","
              "\"node\":\"birch\"}\n");
    EXPECT_EQ(run({"volume", "umount", "/mnt"}), 0);
    EXPECT_EQ(calls.back(), "unmount /mnt");
    EXPECT_EQ(run({"volume", "umount", "/mnt", "--json"}), 0);
    EXPECT_EQ(out.str(), "{\"unmounted\":\"/mnt\"}\n");
}

TEST_F(SnapshotMountsTest, SayWhereASnapshotIsThatIsNotHere) {
    answer("GET", "/v1/volumes/db", volume);
    outcome = fail(ErrorCode::not_found, "dataset 1111 has no snapshot e3-s5 on this node");
    EXPECT_EQ(mount("db", "e3-s5"), 1);
    EXPECT_EQ(err.str(), "flocker: e3-s5 is not on birch, this node: it is on alder; run this there\n");
    EXPECT_EQ(mount("db", "e3-s1"), 1);
    EXPECT_EQ(err.str(),
              "flocker: there is no snapshot e3-s1 of db; on birch, this node, there is aside-e3-s9, e3-s4\n");
    name = std::string("cedar");
    EXPECT_EQ(mount("db", "e3-s1"), 1);
    EXPECT_THAT(err.str(), HasSubstr("on cedar, this node, there is none of it"));
}

TEST_F(SnapshotMountsTest, SayWhatElseIsWrongAsItIs) {
    answer("GET", "/v1/volumes/db", volume);
    outcome = fail(ErrorCode::not_found, "/mnt is not there: create the folder first");
    EXPECT_EQ(mount("db", "e3-s9"), 1);
    EXPECT_EQ(err.str(), "flocker: /mnt is not there: create the folder first\n");
    outcome = fail(ErrorCode::conflict, "/mnt is not empty: use an empty folder");
    EXPECT_EQ(mount("db", "e3-s9"), 1);
    EXPECT_EQ(err.str(), "flocker: /mnt is not empty: use an empty folder\n");
    EXPECT_EQ(run({"volume", "umount", "/mnt"}), 1);
    name = fail(ErrorCode::denied, "only root can mount and unmount a snapshot: run this with sudo");
    EXPECT_EQ(mount("db", "e3-s9"), 1);
    EXPECT_THAT(err.str(), HasSubstr("sudo"));
    EXPECT_EQ(calls.size(), 1U) << "nothing was tried";
}

TEST_F(SnapshotMountsTest, NeedNoControlServiceForTheVolumesId) {
    EXPECT_EQ(mount("db", "e3-s9"), 1) << "only it knows whose volume that is";
    EXPECT_EQ(mount(volume.dataset.value, "e3-s9"), 0) << err.str();
    EXPECT_EQ(calls.back(), "mount 1111 e3-s9 /mnt");
}

}  // namespace
}  // namespace flocker::cli
