// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/size_limits.hpp"

#include <gtest/gtest.h>

namespace flocker::btrfs {
namespace {

TEST(ChargeLimit, LeavesWhatIsMissingToTheMaximum) {
    EXPECT_EQ(charge_limit(Bytes{1000}, 0), Bytes{1000}) << "written here";
    EXPECT_EQ(charge_limit(Bytes{1000}, -300), Bytes{700}) << "300 were copied here";
    EXPECT_EQ(charge_limit(Bytes{1000}, 600), Bytes{1600}) << "600 were overwritten, and are kept in snapshots";
    EXPECT_EQ(charge_limit(Bytes{1000}, -1200), Bytes{0}) << "there is more than that already";
}

TEST(ChargeLimit, IsMovedOnlyAsFarAsWhatWasMeasuredAsksFor) {
    EXPECT_EQ(drift_now(std::nullopt, {100, 300}), 100);
    EXPECT_EQ(drift_now(0, {-20, 50}), 0) << "somebody writes";
    EXPECT_EQ(drift_now(0, {100, 300}), 100) << "something was overwritten";
    EXPECT_EQ(drift_now(500, {100, 300}), 300) << "snapshots were let go";
    EXPECT_EQ(drift_now(500, {300, 100}), 300) << "figures that do not fit";
}

TEST(ChargeLimit, IsMeasuredAnewNearItAndAfterMuchWasWrittenOrFreed) {
    const Bytes maximum{8000};
    EXPECT_FALSE(may_be_off(maximum, Bytes{8000}, Bytes{100}, Bytes{1100}));
    EXPECT_TRUE(may_be_off(maximum, Bytes{8000}, Bytes{100}, Bytes{1101})) << "much was written";
    EXPECT_TRUE(may_be_off(maximum, Bytes{8000}, Bytes{1101}, Bytes{100})) << "much was freed";
    EXPECT_FALSE(may_be_off(maximum, Bytes{8000}, Bytes{7000}, Bytes{7000}));
    EXPECT_TRUE(may_be_off(maximum, Bytes{8000}, Bytes{7001}, Bytes{7001})) << "near it";
    EXPECT_TRUE(may_be_off(maximum, Bytes{8000}, Bytes{9000}, Bytes{9000})) << "beyond it";
}

}  // namespace
}  // namespace flocker::btrfs
