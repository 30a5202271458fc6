// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class VerifyVolumeTest : public TestWorld, public ::testing::Test {
protected:
    VerifyVolumeTest() {
        add([](api::VerifyLine& line) {
            line.begun = api::VerifyBegun{"db",
                                          model::DatasetId{"11111111-2222-4333-8444-555555555555"},
                                          "alder",
                                          {model::Epoch{3}, 17},
                                          {"birch", "cedar"}};
        });
    }
    void add(const std::function<void(api::VerifyLine&)>& make) {
        api::VerifyLine line;
        make(line);
        body += api::to_json(line) + "\n";
    }
    void progress(const std::string& node, std::uint64_t bytes) {
        add([&](api::VerifyLine& line) {
            line.progress = api::VerifyProgress{node, 12, 90, {bytes}, {4U << 20U}, false};
        });
    }
    void verdict(const std::string& node, std::optional<bool> equal, const std::string& first = "",
                 const std::string& reason = "") {
        add([&](api::VerifyLine& line) {
            line.verdict = api::VerifyVerdict{
                node, equal, reason, equal ? std::string(64, 'a') : "", std::string(64, 'a'), 90, {4U << 20U}, first};
        });
    }
    int verify(std::vector<std::string> more = {}, const std::string& parameters = "") {
        answers("GET", "/v1/volumes/db/verify" + parameters)
            .push_back({200, {{"Content-Type", "application/x-ndjson"}}, body});
        more.insert(more.begin(), {"volume", "verify", "db"});
        return run(more);
    }
    std::string body;
};

TEST_F(VerifyVolumeTest, SaysThatAllIsEqual) {
    progress("alder", 1U << 20U);
    verdict("birch", true);
    verdict("cedar", true);
    EXPECT_EQ(verify(), 0) << err.str();
    EXPECT_EQ(out.str(),
              "db at e3-s17, compared with its owner alder:\n"
              "\n"
              "REPLICA   VERDICT   DIGEST\n"
              "birch     equal     aaaaaaaaaaaaaaaa   4.0 MiB in 90 entries\n"
              "cedar     equal     aaaaaaaaaaaaaaaa   4.0 MiB in 90 entries\n");
    EXPECT_EQ(err.str(), "");
}

TEST_F(VerifyVolumeTest, SaysWhatDiffersAndFails) {
    verdict("birch", false, "base/1/2619");
    verdict("cedar", {}, "", "cedar does not answer");
    EXPECT_EQ(verify(), 1);
    EXPECT_THAT(out.str(), HasSubstr("birch     differs        aaaaaaaaaaaaaaaa   first at base/1/2619\n"));
    EXPECT_EQ(err.str(),
              "flocker: the replica of db on birch differs from its owner alder at e3-s17, first at base/1/2619\n"
              "flocker: the replica on cedar was not compared: cedar does not answer\n");
}

TEST_F(VerifyVolumeTest, PrintsOneObjectAsJson) {
    verdict("birch", false, "base/1/2619");
    EXPECT_EQ(verify({"--replica", "birch", "--json"}, "?replica=birch"), 1);
    EXPECT_THAT(
        out.str(),
        StartsWith(R"({"volume":"db","dataset":"11111111-2222-4333-8444-555555555555","owner":"alder",)"
                   R"("snapshot":"e3-s17","replicas":[{"replica":"birch","equal":false,"reason":"","digest":"aaa)"));
    EXPECT_THAT(out.str(), HasSubstr(R"("first_difference":"base/1/2619"}]})"));
}

TEST_F(VerifyVolumeTest, ShowsHowFarBothSidesAreOnATerminal) {
    world.out_is_terminal = true;
    world.width = 100;
    environment["NO_COLOR"] = "1";
    progress("alder", 1U << 20U);
    progress("birch", 2U << 20U);
    verdict("birch", true);
    EXPECT_EQ(verify(), 0);
    EXPECT_THAT(out.str(), HasSubstr("  alder   25 %  1.0 MiB of 4.0 MiB, 12 of 90 entries"));
    EXPECT_THAT(out.str(), HasSubstr("  birch   50 %  2.0 MiB of 4.0 MiB, 12 of 90 entries"));
}

TEST_F(VerifyVolumeTest, SaysWhyItEnded) {
    add([](api::VerifyLine& line) {
        line.error = Error{ErrorCode::unavailable, "alder: cannot read base/1: Input/output error"};
    });
    EXPECT_EQ(verify(), 1);
    EXPECT_EQ(err.str(), "flocker: alder: cannot read base/1: Input/output error\n");
    EXPECT_EQ(run({"volume", "verify", "none"}), 1);
    body.clear();
    answers("GET", "/v1/volumes/db/verify").clear();
    EXPECT_EQ(verify(), 1);
    EXPECT_THAT(err.str(), HasSubstr("ended before it had compared anything"));
}

}  // namespace
}  // namespace flocker::cli
