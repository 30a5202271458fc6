// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/waiting_room.hpp"

#include <gtest/gtest.h>

namespace flocker::nftables {
namespace {

using Ids = std::vector<std::uint32_t>;

QueuedPacket packet(std::uint32_t id, std::uint16_t from, std::uint16_t to, std::uint32_t sequence = 1) {
    return {
        id, {.source = 0x0a000001, .destination = 0x0a000002, .source_port = from, .destination_port = to}, sequence};
}

WaitingRoom::Time at(Duration since_begin) {
    return WaitingRoom::Time{} + since_begin;
}

/// Waits, and takes nobody's place.
bool is_new(const WaitingRoom::Admission& admission) {
    return admission.waits && !admission.replaced;
}

TEST(WaitingRoom, ReleasesOnlyTheGivenPortsInOrderOfArrival) {
    WaitingRoom room({});
    EXPECT_TRUE(is_new(room.admit(packet(7, 1001, 80), at(0s))));
    EXPECT_TRUE(is_new(room.admit(packet(8, 1002, 90), at(0s))));
    EXPECT_TRUE(is_new(room.admit(packet(9, 1000, 80), at(0s))));

    EXPECT_EQ(room.release({80, 81}), (Ids{7, 9}));
    EXPECT_EQ(room.size(), 1U);
    EXPECT_EQ(room.release({80}), Ids{});
    EXPECT_EQ(room.release({90}), Ids{8});
    EXPECT_EQ(room.next_due(), std::nullopt);
}

TEST(WaitingRoom, KeepsEachDatagramForItselfAndReleasesThemInTheirOrder) {
    WaitingRoom room({.connections = 1, .time = 60s, .datagrams = 3, .datagram_time = 10s});
    const auto datagram = [](std::uint32_t id, std::uint16_t to) {
        QueuedPacket made = packet(id, 1000, to);
        made.connection.protocol = model::Protocol::udp;
        return made;
    };
    const model::ExternalPort dns(53, model::Protocol::udp);
    EXPECT_TRUE(is_new(room.admit(packet(1, 1000, 53), at(0s))));
    EXPECT_TRUE(is_new(room.admit(datagram(2, 53), at(1s))));
    EXPECT_TRUE(is_new(room.admit(datagram(3, 54), at(2s))));
    EXPECT_TRUE(is_new(room.admit(datagram(4, 53), at(3s))));
    EXPECT_FALSE(room.admit(datagram(5, 53), at(3s)).waits) << "they have a number of their own";
    EXPECT_EQ(room.next_due(), at(11s));

    EXPECT_EQ(room.release({53}), Ids{1}) << "the other protocol's port is another one";
    EXPECT_EQ(room.release({dns}), (Ids{2, 4}));
    EXPECT_EQ(room.size(), 1U);
    EXPECT_EQ(room.overdue(at(60s)), Ids{});
    EXPECT_EQ(room.overdue_datagrams(at(11s)), Ids{});
    EXPECT_EQ(room.overdue_datagrams(at(12s)), Ids{3});
    EXPECT_EQ(room.next_due(), std::nullopt);
}

TEST(WaitingRoom, KeepsTheNewestPacketOfAConnection) {
    WaitingRoom room({});
    EXPECT_TRUE(is_new(room.admit(packet(1, 1000, 80), at(0s))));
    EXPECT_EQ(room.admit(packet(2, 1000, 80), at(1s)).replaced, 1U);
    EXPECT_EQ(room.admit(packet(3, 1000, 80), at(3s)).replaced, 2U);

    EXPECT_EQ(room.release({80}), Ids{3});
    EXPECT_EQ(room.size(), 0U);
}

TEST(WaitingRoom, HasNoRoomBeyondItsNumberButStillRenewsThoseWhoWait) {
    WaitingRoom room({.connections = 3, .time = 60s});
    for (std::uint16_t i = 0; i < 3; ++i) ASSERT_TRUE(is_new(room.admit(packet(i, i, 80), at(0s))));

    const auto beyond = room.admit(packet(9, 60000, 80), at(1s));
    EXPECT_FALSE(beyond.waits);
    EXPECT_EQ(beyond.replaced, std::nullopt);
    const auto again = room.admit(packet(10, 1, 80), at(1s));
    EXPECT_TRUE(again.waits);
    EXPECT_EQ(again.replaced, 1U);
    const auto another = room.admit(packet(11, 2, 80, 77), at(1s));
    EXPECT_TRUE(another.waits);
    EXPECT_EQ(another.replaced, 2U);
    EXPECT_EQ(room.size(), 3U);
    EXPECT_EQ(room.release({80}), (Ids{0, 10, 11}));
    EXPECT_TRUE(is_new(room.admit(packet(12, 60000, 80), at(2s))));
}

TEST(WaitingRoom, TheTimeOfEachIsOverByItselfAndAskingAgainDoesNotProlongIt) {
    WaitingRoom room({.connections = 10, .time = 5s});
    ASSERT_TRUE(is_new(room.admit(packet(1, 1000, 80), at(0s))));
    ASSERT_TRUE(is_new(room.admit(packet(2, 2000, 90), at(2s))));
    EXPECT_EQ(room.admit(packet(3, 1000, 80), at(3s)).replaced, 1U);

    EXPECT_EQ(room.next_due(), at(5s));
    EXPECT_EQ(room.overdue(at(5s - 1ms)), Ids{});
    EXPECT_EQ(room.overdue(at(5s)), Ids{3});
    EXPECT_EQ(room.next_due(), at(7s));
    EXPECT_EQ(room.overdue(at(100s)), Ids{2});
    EXPECT_EQ(room.next_due(), std::nullopt);
    EXPECT_EQ(room.size(), 0U);
}

TEST(WaitingRoom, WhoWasRefusedAndComesAgainBeginsAnew) {
    WaitingRoom room({.connections = 1, .time = 5s});
    ASSERT_TRUE(is_new(room.admit(packet(1, 1000, 80), at(0s))));
    ASSERT_EQ(room.overdue(at(6s)), Ids{1});

    EXPECT_TRUE(is_new(room.admit(packet(2, 1000, 80), at(6s))));
    EXPECT_EQ(room.next_due(), at(11s));
}

TEST(WaitingRoom, AnotherConnectionFromTheSamePortTakesThePlaceOfTheFirstAndBeginsAnew) {
    WaitingRoom room({.connections = 2, .time = 5s});
    ASSERT_TRUE(is_new(room.admit(packet(1, 1000, 80, 11), at(0s))));
    ASSERT_TRUE(is_new(room.admit(packet(2, 2000, 80), at(1s))));

    const auto second = room.admit(packet(3, 1000, 80, 12), at(3s));
    EXPECT_TRUE(second.waits);
    EXPECT_EQ(second.replaced, 1U);
    EXPECT_EQ(room.size(), 2U);
    EXPECT_EQ(room.overdue(at(6s)), Ids{2});
    EXPECT_EQ(room.next_due(), at(8s));
}

}  // namespace
}  // namespace flocker::nftables
