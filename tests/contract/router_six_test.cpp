// SPDX-License-Identifier: Apache-2.0
//
// Clients that come by IPv6, on the real kernel and the network of router_network.hpp.
#include <gtest/gtest.h>

#include "tests/contract/router_node.hpp"

namespace flocker::router_contract {
namespace {

const std::string six_a = "fd31::1";
const std::string six_b = "fd31::2";

class SixRoutes : public ::testing::Test {
protected:
    /// What follows an apply() is not waited for by its caller.
    static std::string reaches(const char* from, const std::string& address, std::uint16_t port) {
        const auto end = Clock::now() + 5s;
        for (;;) {
            const std::string line = Client(from, address, port).line();
            if (line.starts_with("flkt-") || Clock::now() > end) return line;
            std::this_thread::sleep_for(5ms);
        }
    }

    Network network_;
    EchoServer a1_{"flkt-a1", 6379};
    EchoServer a2_{"flkt-a2", 6379};
};

TEST_F(SixRoutes, APortAnswersOnEveryNodeWhereverItsApplicationRuns) {
    Node a("flkt-a");
    Node b("flkt-b");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    ASSERT_OK(b.apply({{7001, open_to(to_node(address_a, 7001))}}));
    EXPECT_EQ(reaches("flkt-out", six_a, 7001), "flkt-a1 172.31.1.1");
    EXPECT_EQ(reaches("flkt-out", six_b, 7001), "flkt-a1 " + address_b);
    EXPECT_EQ(reaches("flkt-a", "::1", 7001), "flkt-a1 172.31.1.1");
    EXPECT_EQ(Client("flkt-out", six_a, 7002).line(), "refused");
    ASSERT_OK(a.apply({{7001, closed}}));
    const auto end = Clock::now() + 5s;
    while (Client("flkt-out", six_a, 7001).line() != "refused" && Clock::now() < end) std::this_thread::sleep_for(5ms);
    EXPECT_EQ(Client("flkt-out", six_a, 7001).line(), "refused");
}

TEST_F(SixRoutes, AConnectionToAHeldPortWaitsAndThenReachesTheNewTarget) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    ASSERT_EQ(reaches("flkt-out", six_a, 7001), "flkt-a1 172.31.1.1");
    ASSERT_OK(a.apply({{7001, held_at(to_a1)}}));
    Client waits("flkt-out", six_a, 7001);
    a.await_waiting(1);
    EXPECT_EQ(waits.line(100ms), "nothing");
    ASSERT_OK(a.apply({{7001, open_to(to_a2)}}));
    EXPECT_EQ(waits.line(), "flkt-a2 172.31.1.1");
}

TEST_F(SixRoutes, WhatEitherSideSaysArrivesWhole) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    ASSERT_EQ(reaches("flkt-out", six_a, 7001), "flkt-a1 172.31.1.1");
    std::vector<Client> clients;
    for (int i = 0; i < 50; ++i) ASSERT_EQ(clients.emplace_back("flkt-out", six_a, 7001).line(), "flkt-a1 172.31.1.1");
    for (int i = 0; i < 20; ++i) {
        for (Client& client : clients) {
            const std::string text(1 + static_cast<std::size_t>(i) * 800, static_cast<char>('a' + i));
            ASSERT_EQ(client.say(text), text);
        }
    }
}

TEST_F(SixRoutes, AnotherProcessTakesTheRedirectionOverAndStrangersDeedsAreUndone) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    ASSERT_EQ(reaches("flkt-out", six_a, 7001), "flkt-a1 172.31.1.1");
    a.stop();
    EXPECT_EQ(Client("flkt-out", six_a, 7001).line(), "refused");
    a.start();
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    EXPECT_EQ(reaches("flkt-out", six_a, 7001), "flkt-a1 172.31.1.1");
    shell("ip netns exec flkt-a nft delete table ip6 flocker");
    EXPECT_TRUE(a.finds("table ip6 flocker was gone (nft)"));
    EXPECT_EQ(reaches("flkt-out", six_a, 7001), "flkt-a1 172.31.1.1");
    a.stop();
    ASSERT_OK(in_namespace("flkt-a", [] { return NftRouter::remove_everything(); }));
    shell("! ip netns exec flkt-a nft list ruleset | grep 'ip6 flocker'");
}

}  // namespace
}  // namespace flocker::router_contract
