// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// db on alder; e3-s9 was set aside on birch, e3-s8 on birch and on cedar.
class SetAsideTest : public TestWorld, public ::testing::Test {
protected:
    SetAsideTest() {
        volume.dataset = model::DatasetId{"11111111-2222-4333-8444-555555555555"};
        volume.application = "db";
        volume.owner_node = "alder";
        volume.copies = {{"alder", true, true, {}, true, false, false, true, {{id(20), clock_start}}},
                         {"birch", false, true, {}, false, false, false, {}, {}},
                         {"cedar", false, true, {}, false, false, false, {}, {}}};
        volume.copies[1].set_aside = {{id(8), clock_start, {1U << 20U}}, {id(9), clock_start, {5U << 20U}}};
        volume.copies[2].set_aside = {{id(8), clock_start, {1U << 20U}}};
        answer("GET", "/v1/volumes/db", volume);
    }
    static model::SnapshotId id(std::uint64_t sequence) { return {model::Epoch{3}, sequence}; }
    void can_be_removed(const std::string& snapshot, const std::string& node) {
        answers("DELETE", "/v1/volumes/" + volume.dataset.value + "/set-aside/" + snapshot + "?node=" + node)
            .push_back({204, {}, {}});
    }
    int remove(std::vector<std::string> more, const std::string& typed = "") {
        more.insert(more.begin(), {"volume", "snapshots", "rm", "db"});
        return run(more, typed);
    }
    [[nodiscard]] std::size_t deleted() const {
        return static_cast<std::size_t>(std::ranges::count(asked, "DELETE", &http::Request::method));
    }
    api::VolumeEntry volume;
};

TEST_F(SetAsideTest, IsRemovedOnTheNodeThatHasIt) {
    can_be_removed("e3-s9", "birch");
    EXPECT_EQ(remove({"e3-s9", "--yes"}), 0) << err.str();
    EXPECT_EQ(out.str(), "e3-s9, set aside on birch, is being removed.\n");
    EXPECT_EQ(remove({"aside-e3-s9", "--yes", "--json"}), 0) << "its name on the pool does as well";
    EXPECT_EQ(out.str(), "{\"removing\":\"e3-s9\",\"node\":\"birch\"}\n");
}

TEST_F(SetAsideTest, IsRemovedOnlyWhenSomebodyAgrees) {
    can_be_removed("e3-s9", "birch");
    EXPECT_EQ(remove({"e3-s9"}, "y\n"), 2) << "nobody can be asked";
    EXPECT_THAT(err.str(), HasSubstr("--yes"));
    world.in_is_terminal = true;
    EXPECT_EQ(remove({"e3-s9"}, "\n"), 1);
    EXPECT_THAT(
        out.str(),
        StartsWith("e3-s9 was set aside on birch (5.0 MiB, last written 2025-10-09T08:53:20.000Z). No other node "
                   "has it, and there is no way back. Remove it? [y/N] "));
    EXPECT_EQ(deleted(), 0U);
    EXPECT_EQ(remove({"e3-s9"}, "y\n"), 0);
    EXPECT_EQ(deleted(), 1U);
}

TEST_F(SetAsideTest, HasToBeToldApart) {
    can_be_removed("e3-s8", "cedar");
    EXPECT_EQ(remove({"e3-s8", "--yes"}), 2);
    EXPECT_THAT(err.str(), HasSubstr("there is e3-s8 on birch, e3-s8 on cedar; say which with --node"));
    EXPECT_EQ(remove({"e3-s8", "--yes", "--node", "cedar"}), 0);
}

TEST_F(SetAsideTest, IsNothingElse) {
    EXPECT_EQ(remove({"e3-s20", "--yes"}), 1);
    EXPECT_THAT(err.str(), HasSubstr("replication uses it"));
    EXPECT_EQ(remove({"e3-s7", "--yes"}), 1);
    EXPECT_THAT(err.str(), HasSubstr("there is e3-s8 on birch, e3-s9 on birch, e3-s8 on cedar"));
    EXPECT_EQ(remove({"live", "--yes"}), 2);
    EXPECT_EQ(deleted(), 0U);
}

}  // namespace
}  // namespace flocker::cli
