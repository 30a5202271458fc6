// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConfigTest : public TestWorld, public ::testing::Test {
protected:
    ConfigTest() { answer("GET", "/v1/settings", model::ClusterSettings{}); }
};

TEST_F(ConfigTest, ShowsWhatHolds) {
    EXPECT_EQ(run({"config"}), 0) << err.str();

    EXPECT_EQ(out.str(),
              "KEY               VALUE\n"
              "replicas          1           copies of a volume beside its owner's, where its manifest says nothing\n"
              "lag               1s          how far a replica may be behind, where the manifest says nothing\n"
              "failover          manual      manual or automatic: when a node is lost, where the manifest says nothing\n"
              "replace-after     10m         a replica on a node that is lost for so long is made elsewhere\n"
              "full-copies-max   2           first copies under way at a time; what a move needs comes on top\n"
              "bandwidth         unlimited   what each node sends to replicas, where the node has no limit of its own\n");
    EXPECT_EQ(run({"config", "--json"}), 0);
    EXPECT_EQ(out.str(), R"({"replicas":1,"lag_ns":1000000000,"failover":"manual","replace_after_ns":600000000000,)"
                         R"("full_copies_max":2,"bandwidth":{"times":[]}})"
                         "\n");
}

TEST_F(ConfigTest, SendsOnlyWhatIsToBeChanged) {
    model::ClusterSettings after;
    after.replicas = 2;
    after.lag = 2500ms;
    answer("PUT", "/v1/settings", after);

    EXPECT_EQ(run({"config", "set", "replicas", "2", "lag", "2s500ms"}), 0) << err.str();

    EXPECT_EQ(asked.back().body, R"({"replicas":2,"lag_ns":2500000000})");
    EXPECT_EQ(out.str(), "replicas: 1 -> 2\nlag: 1s -> 2s500ms\n");
    EXPECT_EQ(run({"config", "set", "failover", "automatic", "replace-after", "1h", "full-copies-max", "4"}), 0);
    EXPECT_EQ(asked.back().body, R"({"failover":"automatic","replace_after_ns":3600000000000,"full_copies_max":4})");
    EXPECT_EQ(run({"config", "set", "bandwidth", "50MB/s; 08:00-18:00 10MB/s"}), 0);
    EXPECT_EQ(asked.back().body, R"({"bandwidth":{"bytes_per_second":50000000,"times":[{"from_minute":480,)"
                                 R"("until_minute":1080,"bytes_per_second":10000000}]}})");
    EXPECT_EQ(run({"config", "set", "replicas", "2", "--json"}), 0);
    EXPECT_EQ(api::from_json<model::ClusterSettings>(out.str()).value(), after);
}

TEST_F(ConfigTest, LimitsANode) {
    answer("PUT", "/v1/nodes/birch/bandwidth", api::NodeBandwidth{});

    EXPECT_EQ(run({"node", "set", "birch", "bandwidth", "10MB/s"}), 0) << err.str();
    EXPECT_EQ(asked.back().body, R"({"bandwidth":{"bytes_per_second":10000000,"times":[]}})");
    EXPECT_EQ(out.str(), "birch: bandwidth 10MB/s\n");
    EXPECT_EQ(run({"node", "set", "birch", "bandwidth", "default"}), 0);
    EXPECT_EQ(asked.back().body, "{}");
    EXPECT_EQ(out.str(), "birch: bandwidth as `flocker config` says\n");
    EXPECT_EQ(run({"node", "set", "birch", "bandwidth", "fast"}), 2);
    EXPECT_THAT(err.str(), HasSubstr("\"fast\" is no bandwidth"));
    EXPECT_EQ(run({"node", "set", "birch", "speed", "10MB/s"}), 2);
}

TEST_F(ConfigTest, RefusesWhatNoKeyCanBe) {
    const auto refused = [&](std::vector<std::string> words, const std::string& message) {
        words.insert(words.begin(), {"config", "set"});
        EXPECT_EQ(run(words), 2) << words.back();
        EXPECT_EQ(err.str(), "flocker: " + message + "\n");
    };
    refused({"lags", "1s"},
            "no setting is called \"lags\"; the keys are replicas, lag, failover, replace-after, full-copies-max, bandwidth");
    refused({"replicas"}, "\"replicas\" has no value; write KEY VALUE");
    refused({"replicas", "two"}, "replicas: \"two\" is no whole number");
    refused({"replicas", "99999999999"}, "replicas: \"99999999999\" is no whole number");
    refused({"lag", "soon"}, "lag: \"soon\" is no duration; write it like 90s, 10m or 1h30m");
    refused({"replicas", "2", "failover", "auto"}, "failover: \"auto\" is neither manual nor automatic");
    refused({"bandwidth", "10MB"},
            "bandwidth: \"10MB\" is no bandwidth; write it like 10MB/s, 50MiB/s, unlimited or 50MB/s; 08:00-18:00 10MB/s");
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_EQ(run({"config", "set"}), 2);

    answers("PUT", "/v1/settings")
        .push_back(api::error_response({ErrorCode::invalid_argument, "replicas is a number from 0 to 16"}));
    refused({"replicas", "17"}, "replicas is a number from 0 to 16");
}

}  // namespace
}  // namespace flocker::cli
