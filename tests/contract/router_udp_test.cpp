// SPDX-License-Identifier: Apache-2.0
//
// Ports of UDP, on the real kernel and the network of router_network.hpp.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/contract/router_node.hpp"

namespace flocker::router_contract {
namespace {

model::ExternalPort dns(std::uint16_t number = 7053) {
    return {number, model::Protocol::udp};
}

/// What a client hears who asks again when nothing comes, as those of UDP have to: what is on its way while flows are
/// forgotten is lost.
std::string answer(Client& client) {
    std::string line = client.line(500ms);
    for (int attempt = 0; line == "nothing" && attempt < 10; ++attempt) line = client.say("hello", 500ms);
    return line;
}
std::string answer(const char* from, const std::string& address) {
    Client client(from, address, dns());
    return answer(client);
}

class UdpRoutes : public ::testing::Test {
protected:
    Network network_;
    DatagramServer a1_{"flkt-a1", 6379};
    DatagramServer a2_{"flkt-a2", 6379};
    DatagramServer b1_{"flkt-b1", 6379};
};

TEST_F(UdpRoutes, ALocalTargetIsReachedFromEverywhereAndSeesTheOutsideClientsAddress) {
    Node a("flkt-a");
    Node b("flkt-b");
    ASSERT_OK(a.apply({{dns(), open_to(to_a1)}}));
    ASSERT_OK(b.apply({{dns(), open_to(to_node(address_a, 7053))}}));

    EXPECT_EQ(answer("flkt-out", address_a), "flkt-a1 " + address_out);
    EXPECT_EQ(answer("flkt-b", address_a), "flkt-a1 " + address_b);
    EXPECT_EQ(answer("flkt-a", address_a), "flkt-a1 " + address_a);
    EXPECT_EQ(answer("flkt-a", "127.0.0.1"), "flkt-a1 172.31.1.1");
    EXPECT_EQ(answer("flkt-a2", address_a), "flkt-a1 172.31.1.1");
    EXPECT_EQ(answer("flkt-a1", address_a), "flkt-a1 172.31.1.1");
    EXPECT_EQ(answer("flkt-out", address_b), "flkt-a1 " + address_b);
    EXPECT_EQ(answer("flkt-b1", address_b), "flkt-a1 " + address_b);
}

/// A resolver or a game sends from one port for hours: the kernel would send it to the old container all the while.
TEST_F(UdpRoutes, ASteadyFlowFollowsItsPortFromContainerToContainerAndToAnotherNode) {
    Node a("flkt-a");
    Node b("flkt-b");
    ASSERT_OK(b.apply({{dns(), open_to(to_b1)}}));
    ASSERT_OK(a.apply({{dns(), open_to(to_a1)}}));
    std::vector<Client> clients;
    for (const auto& [from, address] : std::vector<std::pair<const char*, std::string>>{
             {"flkt-out", address_a}, {"flkt-a", "127.0.0.1"}, {"flkt-a2", address_a}}) {
        EXPECT_EQ(answer(clients.emplace_back(from, address, dns())).substr(0, 7), "flkt-a1");
    }
    const auto all_reach = [&](const std::string& server) {
        for (Client& client : clients) {
            // What follows an apply() that releases nothing is not waited for by its caller; what is on its way then is lost.
            const auto end = Clock::now() + 5s;
            std::string line;
            while (line.substr(0, 7) != server && Clock::now() < end) line = client.say("hello", 200ms);
            EXPECT_EQ(line.substr(0, 7), server) << "client " << &client - clients.data();
        }
    };
    ASSERT_OK(a.apply({{dns(), open_to(to_a2)}}));
    all_reach("flkt-a2");
    ASSERT_OK(a.apply({{dns(), open_to(to_node(address_b, 7053))}}));
    all_reach("flkt-b1");
    ASSERT_OK(a.apply({{dns(), closed}}));
    ASSERT_OK(a.apply({{dns(), open_to(to_a1)}}));
    all_reach("flkt-a1");
}

TEST_F(UdpRoutes, AFlowThatBeganBeforeThereWasARouteIsLedToItsTarget) {
    Node a("flkt-a");
    shell("ip netns exec flkt-a nft 'table ip quiet { chain c { type filter hook input priority 0; udp dport 7053 drop; }; }'");
    Client early("flkt-out", address_a, dns());
    EXPECT_EQ(early.line(100ms), "nothing");
    ASSERT_OK(a.apply({{dns(), open_to(to_a1)}}));
    const auto end = Clock::now() + 5s;
    std::string line = "nothing";
    while (line == "nothing" && Clock::now() < end) {
        static_cast<void>(early.hears_itself(50ms));
        line = early.say("hello");
    }
    EXPECT_EQ(line, "flkt-a1 " + address_out);
}

TEST_F(UdpRoutes, WhatPassesThroughTheNodeToTheSamePortElsewhereIsNotTouched) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{dns(6379), open_to(to_a1)}}));
    shell("ip -n flkt-out route add 172.31.1.0/24 via 10.231.0.1");
    Client past("flkt-out", "172.31.1.3", dns(6379));
    EXPECT_EQ(past.line(), "flkt-a2 " + address_out);
    ASSERT_OK(a.apply({{dns(6379), held_at(to_a1)}}));
    EXPECT_EQ(past.say("still there?"), "still there?");
    ASSERT_OK(a.apply({{dns(6379), open_to(to_a1)}}));
    EXPECT_EQ(past.say("and now?"), "and now?");
}

TEST_F(UdpRoutes, HeldDatagramsOfOldAndNewFlowsReachTheNewTargetInTheirOrderAndTheOldOneGetsNone) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{dns(), open_to(to_a1)}}));
    for (const char* from : {"flkt-out", "flkt-a", "flkt-b"}) {
        ASSERT_OK(a.apply({{dns(), open_to(to_a1)}}));
        Client steady(from, address_a, dns());
        ASSERT_EQ(steady.line().substr(0, 7), "flkt-a1");
        const std::size_t heard_by_old = a1_.heard().size();
        const std::size_t heard_by_new = a2_.heard().size();
        ASSERT_OK(a.apply({{dns(), held_at(to_a1)}}));
        for (int i = 1; i <= 3; ++i) EXPECT_FALSE(steady.hears_itself(1ms));
        Client fresh(from, address_a, dns());
        a.await_waiting(4);

        const auto begin = Clock::now();
        ASSERT_OK(a.apply({{dns(), open_to(to_a2)}}));
        for (const char* said : {"1", "2", "3"}) EXPECT_EQ(steady.line(), said) << from;
        EXPECT_EQ(fresh.line().substr(0, 7), "flkt-a2") << from;
        std::cout << from << ": released and answered in "
                  << std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count() << " us\n";
        EXPECT_EQ(a1_.heard().size(), heard_by_old);
        const auto heard = a2_.heard();
        EXPECT_EQ(std::vector(heard.begin() + static_cast<std::ptrdiff_t>(heard_by_new), heard.end()),
                  (std::vector<std::string>{"1\n", "2\n", "3\n", "hello\n"}));
    }
}

TEST_F(UdpRoutes, BeyondTheNumberAndTheTimeDatagramsAreDroppedAndTheOthersAreDelivered) {
    Node a("flkt-a", {.connections = 100, .time = 60s, .datagrams = 2, .datagram_time = 1s});
    ASSERT_OK(a.apply({{dns(), held_at(to_a1)}}));
    std::vector<Client> clients;
    for (int i = 0; i < 5; ++i) clients.emplace_back("flkt-out", address_a, dns());
    a.await_waiting(2);
    EXPECT_EQ(clients.back().line(2s), "nothing") << "it is dropped, not refused";
    a.await_waiting(0);
    EXPECT_EQ(a.router().counters().dropped, 5U);
    Client in_time("flkt-out", address_a, dns());
    a.await_waiting(1);
    ASSERT_OK(a.apply({{dns(), open_to(to_a2)}}));
    EXPECT_EQ(in_time.line(), "flkt-a2 " + address_out);
    EXPECT_TRUE(a1_.heard().empty());
    EXPECT_EQ(a2_.heard().size(), 1U);
}

TEST_F(UdpRoutes, ALargeDatagramIsHeldWhole) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{dns(), open_to(to_a1)}}));
    Client client("flkt-out", address_a, dns());
    ASSERT_EQ(client.line(), "flkt-a1 " + address_out);
    ASSERT_OK(a.apply({{dns(), held_at(to_a1)}}));
    // In three fragments; the server takes the first 256 bytes of it.
    const std::string text(4000, 'x');
    EXPECT_EQ(client.say(text, 100ms), "nothing");
    a.await_waiting(1);
    ASSERT_OK(a.apply({{dns(), open_to(to_a2)}}));
    const auto end = Clock::now() + 5s;
    while (a2_.heard().empty() && Clock::now() < end) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(a2_.heard(), std::vector<std::string>{text.substr(0, 256)});
}

}  // namespace
}  // namespace flocker::router_contract
