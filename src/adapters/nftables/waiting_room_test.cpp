// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/waiting_room.hpp"

#include <gtest/gtest.h>

namespace flocker::nftables {
namespace {

QueuedPacket packet(std::uint32_t id, std::uint16_t from, std::uint16_t to) {
    return {id, {.source = 0x0a000001, .destination = 0x0a000002, .source_port = from, .destination_port = to}};
}

TEST(WaitingRoom, ReleasesOnlyTheGivenPortsInOrderOfArrival) {
    WaitingRoom room;
    EXPECT_EQ(room.admit(packet(7, 1001, 80)), std::nullopt);
    EXPECT_EQ(room.admit(packet(8, 1002, 90)), std::nullopt);
    EXPECT_EQ(room.admit(packet(9, 1000, 80)), std::nullopt);

    EXPECT_EQ(room.release({80, 81}), (std::vector<std::uint32_t>{7, 9}));
    EXPECT_EQ(room.size(), 1U);
    EXPECT_EQ(room.release({80}), std::vector<std::uint32_t>{});
    EXPECT_EQ(room.release({90}), std::vector<std::uint32_t>{8});
}

TEST(WaitingRoom, KeepsTheNewestPacketOfAConnection) {
    WaitingRoom room;
    EXPECT_EQ(room.admit(packet(1, 1000, 80)), std::nullopt);
    EXPECT_EQ(room.admit(packet(2, 1000, 80)), 1U);
    EXPECT_EQ(room.admit(packet(3, 1000, 80)), 2U);

    EXPECT_EQ(room.release({80}), std::vector<std::uint32_t>{3});
    EXPECT_EQ(room.size(), 0U);
}

TEST(WaitingRoom, RefusesPacketsBeyondItsLimitButStillRenewsKnownOnes) {
    WaitingRoom room;
    for (std::uint32_t id = 0; id < WaitingRoom::packets_max; ++id) {
        ASSERT_EQ(room.admit(packet(id, static_cast<std::uint16_t>(id), 80)), std::nullopt);
    }

    EXPECT_EQ(room.admit(packet(9000, 60000, 80)), 9000U);
    EXPECT_EQ(room.admit(packet(9001, 5, 80)), 5U);
    EXPECT_EQ(room.release({80}).size(), WaitingRoom::packets_max);
}

}  // namespace
}  // namespace flocker::nftables
