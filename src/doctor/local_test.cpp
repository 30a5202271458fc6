// SPDX-License-Identifier: Apache-2.0
#include "doctor/local.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "adapters/posix/fd_stream.hpp"
#include "doctor/gather.hpp"
#include "doctor/network.hpp"

namespace flocker::doctor {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

TEST(Mounts, AreReadWithTheOptionsOfTheMountAndOfItsFileSystem) {
    const auto mounts = parse_mounts(
        "36 35 0:33 / /srv/my\\040pool rw,noatime shared:1 - btrfs /dev/loop0 rw,ssd,subvolid=5\n"
        "41 35 0:34 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
        "rubbish\n");
    ASSERT_EQ(mounts.size(), 2U);
    EXPECT_EQ(mounts[0].point, "/srv/my pool");
    EXPECT_EQ(mounts[0].type, "btrfs");
    EXPECT_THAT(mounts[0].options, ElementsAre("rw", "noatime", "rw", "ssd", "subvolid=5"));
    EXPECT_EQ(mounts[1].type, "cgroup2");
}

TEST(Ports, AreReadFromTheKernelsTable) {
    const auto listening = parse_listening(
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 00000000:11AB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n"
        "   1: 0100007F:11AC 0100007F:9000 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0\n");
    ASSERT_EQ(listening.size(), 1U);
    EXPECT_EQ(listening[0].port, 4523);
    EXPECT_EQ(listening[0].inode, 4711U);
}

TEST(Ports, AreAttributedToWhoListens) {
    const auto listener = posix::listen_tcp("127.0.0.1", 0);
    ASSERT_TRUE(listener.has_value());
    std::vector<PortFacts> ports{{(*listener)->port(), "a test", "", 0}};
    look_at_ports(ports);
    EXPECT_EQ(ports[0].pid, ::getpid());
    EXPECT_NE(ports[0].holder, "");
    (*listener)->close();
}

TEST(Networks, OverlapWhereOneIsInTheOther) {
    EXPECT_TRUE(overlap("10.213.0.0/16", "10.213.4.0/24"));
    EXPECT_TRUE(overlap("10.213.4.0/24", "10.213.0.0/16"));
    EXPECT_FALSE(overlap("10.213.0.0/16", "10.214.0.0/16"));
    EXPECT_TRUE(overlap("0.0.0.0/0", "10.214.0.0/16"));
    for (const char* text : {"", "10.0.0.0", "10.0.0/8", "10.0.0.0.0/8", "10.0.0.256/8", "10.0.0.0/33", "a.b.c.d/8"}) {
        EXPECT_FALSE(overlap(text, "10.0.0.0/8")) << text;
    }
    EXPECT_EQ(network_text("0000D50A", "0000FFFF"), "10.213.0.0/16");
    EXPECT_EQ(network_text("rubbish", "0000FFFF"), "");
}

TEST(GatheringFacts, WorksOnAnyMachineAndChangesNothing) {
    const Facts facts = gather("/nonexistent/flkt-config");
    EXPECT_FALSE(facts.is_node);
    EXPECT_EQ(facts.config_fault, "");
    EXPECT_NE(facts.kernel.release, "");
    EXPECT_EQ(facts.ports.size(), 3U);
    EXPECT_TRUE(facts.identity.empty());
    EXPECT_FALSE(facts.disks.empty());
}

}  // namespace
}  // namespace flocker::doctor
