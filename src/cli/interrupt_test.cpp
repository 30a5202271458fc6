// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupt.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace flocker::cli {
namespace {

TEST(FarewellDeathTest, IsSaidWhenTheProgramIsInterrupted) {
    EXPECT_EXIT(
        {
            set_farewell("the work goes on\n");
            std::raise(SIGINT);
        },
        ::testing::ExitedWithCode(130), "the work goes on");
}

TEST(FarewellDeathTest, LeavesTheSystemsOwnWayWhenItIsTakenBack) {
    EXPECT_EXIT(
        {
            set_farewell("the work goes on\n");
            set_farewell("");
            std::raise(SIGINT);
        },
        ::testing::KilledBySignal(SIGINT), "^$");
}

}  // namespace
}  // namespace flocker::cli
