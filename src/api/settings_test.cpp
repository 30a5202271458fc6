// SPDX-License-Identifier: Apache-2.0
#include "api/settings.hpp"

#include <gmock/gmock.h>

namespace flocker::api {
namespace {

using ::testing::HasSubstr;

TEST(Settings, TakeTheDefaultsAndTheBoundsThemselves) {
    EXPECT_TRUE(check(model::ClusterSettings{}));
    EXPECT_TRUE(check(model::ClusterSettings{0, 500ms, model::Failover::automatic, 30s, 1}));
    EXPECT_TRUE(check(model::ClusterSettings{16, 60min, model::Failover::manual, 7 * 24 * 60min, 64}));
}

TEST(Settings, AreRefusedWithEverythingThatIsOutOfBounds) {
    const Status refused = check(model::ClusterSettings{17, 499ms, model::Failover::manual, 29s, 0});

    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(refused.error().message,
              "replicas is a number from 0 to 16; lag is from 500ms to 1h; replace-after is from 30s to 7d; "
              "full-copies-max is a number from 1 to 64; nothing was changed");
    EXPECT_FALSE(check(model::ClusterSettings{1, 60min + 1ms, model::Failover::manual, 600s, 2}));
    EXPECT_FALSE(check(model::ClusterSettings{1, 1s, model::Failover::manual, 7 * 24 * 60min + 1s, 2}));
    EXPECT_FALSE(check(model::ClusterSettings{1, 1s, model::Failover::manual, 600s, 65}));
    model::ClusterSettings slow;
    slow.bandwidth.rate = Bytes{99'999};
    EXPECT_EQ(check(slow).error().message, "a bandwidth is at least 100KB/s; nothing was changed");
}

TEST(Settings, KeepWhatIsNotSaid) {
    model::ClusterSettings settings{3, 2s, model::Failover::automatic, 60s, 5};
    EXPECT_EQ(changed(settings, {}), settings);
    SettingsRequest request;
    request.lag = 4s;
    settings.lag = 4s;
    EXPECT_EQ(changed({3, 2s, model::Failover::automatic, 60s, 5}, request), settings);
}

TEST(Settings, AreNotToldBeforeTheyAreKnown) {
    model::Records records;
    const std::map<model::NodeId, plan::NodeState> states;
    const plan::View view{records, states, {}, {}};

    EXPECT_EQ(settings_of(view).error().code, ErrorCode::unavailable);
    records.revision = model::Revision{1};
    EXPECT_EQ(settings_of(view).value(), records.settings);
}

}  // namespace
}  // namespace flocker::api
