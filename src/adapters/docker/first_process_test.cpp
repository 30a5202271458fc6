// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/first_process.hpp"

#include <gtest/gtest.h>

namespace flocker::docker {
namespace {

TEST(SignalNumber, KnowsTheEnginesNames) {
    EXPECT_EQ(signal_number("SIGTERM"), 15);
    EXPECT_EQ(signal_number("int"), 2);
    EXPECT_EQ(signal_number("9"), 9);
    EXPECT_EQ(signal_number("SIGRTMIN"), 34);
    EXPECT_EQ(signal_number("SIGRTMIN+3"), 37);
    EXPECT_EQ(signal_number("RTMAX-1"), 63);
}

TEST(SignalNumber, KnowsNothingElse) {
    for (const char* word : {"", "SIG", "NOSUCH", "0", "-1", "65", "15x", "SIGRTMIN+", "SIGRTMIN+99"})
        EXPECT_EQ(signal_number(word), std::nullopt) << word;
}

}  // namespace
}  // namespace flocker::docker
