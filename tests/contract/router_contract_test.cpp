// SPDX-License-Identifier: Apache-2.0
//
// The Router port, held against the real kernel: node A with two containers, node B with one, and a
// client outside (router_network.hpp). Needs root. The lease has a file of its own, router_lease_test.cpp.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>

#include "tests/contract/router_contract.hpp"
#include "tests/contract/router_node.hpp"

namespace flocker::router_contract {
namespace {

/// For the suite that every router passes.
class KernelRouter final : public contract::RouterHarness {
public:
    Status apply(const RouteTable& table) override { return node_.apply(table); }
    RouteTarget server(const std::string& name) override { return name == "first" ? to_a1 : to_a2; }
    Attempt connect(const model::ExternalPort& port) override {
        clients_.push_back(std::make_unique<Client>("flkt-out", address_a, port));
        return clients_.size() - 1;
    }
    bool hears_nothing(Attempt attempt) override { return clients_[attempt]->line(300ms) == "nothing"; }
    bool so_many_wait(std::size_t count) override {
        const auto end = Clock::now() + 5s;
        while (node_.router().counters().waiting != count && Clock::now() < end) std::this_thread::sleep_for(1ms);
        return node_.router().counters().waiting == count;
    }
    std::string outcome(Attempt attempt) override {
        const std::string line = clients_[attempt]->line();
        if (line.starts_with("flkt-a1")) return "first";
        if (line.starts_with("flkt-a2")) return "second";
        return line;
    }
    std::vector<Status> extend_lease(const std::vector<Duration>& durations) override {
        return node_.extend_lease(durations);
    }
    void restart() override {
        node_.stop();
        node_.start();
    }
    bool answers(Attempt attempt) override { return clients_[attempt]->hears_itself(300ms); }
    Duration now() override { return Clock::now().time_since_epoch(); }
    void stranger_listens(const model::ExternalPort& port) override {
        strangers_.push_back(in_namespace("flkt-a", [&] {
            const bool tcp = port.protocol == model::Protocol::tcp;
            Fd made(socket(AF_INET, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0));
            const sockaddr_in at = socket_address("127.0.0.1", port.number);
            if (bind(made.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 ||
                (tcp && listen(made.get(), 1) != 0)) {
                throw std::runtime_error("can't listen");
            }
            return made;
        }));
    }
    Result<std::vector<model::TakenPort>> find_taken() override { return node_.find_taken(); }
    void flush() override { shell("ip netns exec flkt-a nft flush ruleset"); }
    bool tells_of_strangers() override { return node_.finds("table ip flocker was gone"); }

private:
    Network network_;
    EchoServer first_{"flkt-a1", 6379};
    EchoServer second_{"flkt-a2", 6379};
    DatagramServer first_of_udp_{"flkt-a1", 6379};
    DatagramServer second_of_udp_{"flkt-a2", 6379};
    Node node_{"flkt-a"};
    std::vector<std::unique_ptr<Client>> clients_;
    std::vector<Fd> strangers_;
};

class RouterContract : public ::testing::Test {
protected:
    Network network_;
    EchoServer a1_{"flkt-a1", 6379};
    EchoServer a2_{"flkt-a2", 6379};
    EchoServer b1_{"flkt-b1", 6379};
};

TEST_F(RouterContract, ALocalTargetIsReachedFromEverywhereAndSeesTheOutsideClientsAddress) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));

    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out);
    EXPECT_EQ(Client("flkt-b", address_a, 7001).line(), "flkt-a1 " + address_b);
    EXPECT_EQ(Client("flkt-a", address_a, 7001).line(), "flkt-a1 " + address_a);
    EXPECT_EQ(Client("flkt-a", "127.0.0.1", 7001).line(), "flkt-a1 172.31.1.1");
    EXPECT_EQ(Client("flkt-a", "172.31.1.1", 7001).line(), "flkt-a1 172.31.1.1");
    EXPECT_EQ(Client("flkt-a2", address_a, 7001).line(), "flkt-a1 172.31.1.1");
    EXPECT_EQ(Client("flkt-a2", "172.31.1.1", 7001).line(), "flkt-a1 172.31.1.1");
    EXPECT_EQ(Client("flkt-a1", address_a, 7001).line(), "flkt-a1 172.31.1.1");
}

TEST_F(RouterContract, AContainerThatStartsAfterItsRouteReachesItself) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));

    shell("ip -n flkt-a link set to-a1 nomaster; ip -n flkt-a link set to-a1 master flocker0");
    const std::string hairpin = "ip netns exec flkt-a cat /sys/class/net/to-a1/brport/hairpin_mode";
    const auto end = Clock::now() + 5s;
    while (std::system(("[ $(" + hairpin + ") = 1 ]").c_str()) != 0 && Clock::now() < end)
        std::this_thread::sleep_for(10ms);
    EXPECT_EQ(Client("flkt-a1", address_a, 7001).line(), "flkt-a1 172.31.1.1");
}

TEST_F(RouterContract, ARemoteTargetIsReachedByTwoHopsFromEverywhere) {
    Node a("flkt-a");
    Node b("flkt-b");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    ASSERT_OK(b.apply({{7001, open_to(to_node(address_a, 7001))}}));

    EXPECT_EQ(Client("flkt-out", address_b, 7001).line(), "flkt-a1 " + address_b);
    EXPECT_EQ(Client("flkt-b", address_b, 7001).line(), "flkt-a1 " + address_b);
    EXPECT_EQ(Client("flkt-b", "127.0.0.1", 7001).line(), "flkt-a1 " + address_b);
    EXPECT_EQ(Client("flkt-b1", address_b, 7001).line(), "flkt-a1 " + address_b);
    EXPECT_EQ(Client("flkt-b1", "172.31.2.1", 7001).line(), "flkt-a1 " + address_b);
    EXPECT_EQ(Client("flkt-a2", address_b, 7001).line(), "flkt-a1 " + address_b);
}

TEST_F(RouterContract, TrafficThroughTheNodeToTheSamePortElsewhereIsNotTouched) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{6379, open_to(to_a1)}}));
    shell("ip -n flkt-out route add 172.31.1.0/24 via 10.231.0.1");

    EXPECT_EQ(Client("flkt-out", "172.31.1.3", 6379).line(), "flkt-a2 " + address_out);
    ASSERT_OK(a.apply({{6379, held_at(to_a1)}}));
    EXPECT_EQ(Client("flkt-out", "172.31.1.3", 6379).line(), "flkt-a2 " + address_out);
}

TEST_F(RouterContract, WhoListensIsToldByNameInEitherFamilyAndNoLongerThanItLasts) {
    Node a("flkt-a");
    ASSERT_TRUE(a.find_taken());
    std::string self;
    std::getline(std::ifstream("/proc/self/comm"), self);
    {
        const EchoServer stranger("flkt-a", 7001);
        const Fd six = in_namespace("flkt-a", [] {
            Fd made(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_in6 at{};
            at.sin6_family = AF_INET6;
            at.sin6_port = htons(7006);
            if (bind(made.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || listen(made.get(), 1) != 0)
                throw std::runtime_error("can't listen");
            return made;
        });
        EXPECT_EQ(*a.find_taken(), (std::vector<model::TakenPort>{{7001, model::Protocol::tcp, self},
                                                                  {7006, model::Protocol::tcp, self}}));
    }
    EXPECT_EQ(*a.find_taken(), std::vector<model::TakenPort>{});
}

TEST_F(RouterContract, APortWithNowhereToGoIsRefusedEvenIfSomebodyElseListensThere) {
    Node a("flkt-a");
    const EchoServer stranger("flkt-a", 7001);
    ASSERT_OK(a.apply({{7001, closed}}));

    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "refused");
    EXPECT_EQ(Client("flkt-a", address_a, 7001).line(), "refused");
    EXPECT_EQ(Client("flkt-a", "127.0.0.1", 7001).line(), "refused");
    EXPECT_EQ(Client("flkt-a2", address_a, 7001).line(), "refused");
    ASSERT_OK(a.apply({}));
    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a " + address_out);
}

TEST_F(RouterContract, AnEqualTableCausesNoTransactionNeitherNowNorAfterARestart) {
    const RouteTable table{
        {7001, open_to(to_a1)}, {7002, held_at(to_node(address_b, 7002))}, {7003, closed}, {7004, held_nowhere}};
    Node a("flkt-a");
    ASSERT_OK(a.apply(table));
    ASSERT_EQ(a.router().counters().transactions, 1U);

    ASSERT_OK(a.apply(table));
    ASSERT_OK(a.ensure());
    EXPECT_EQ(a.router().counters().transactions, 1U);
    a.stop();
    a.start();
    ASSERT_OK(a.apply(table));
    ASSERT_OK(a.ensure());
    EXPECT_EQ(a.router().counters().transactions, 0U);
}

TEST_F(RouterContract, AChangeOfOneRouteKeepsOpenConnectionsOfOthersAliveAndAHoldItsOwn) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}, {7002, open_to(to_a2)}}));
    Client unchanged("flkt-out", address_a, 7001);
    Client held("flkt-out", address_a, 7002);
    ASSERT_EQ(unchanged.line(), "flkt-a1 " + address_out);
    ASSERT_EQ(held.line(), "flkt-a2 " + address_out);

    ASSERT_OK(a.apply({{7001, open_to(to_a1)}, {7002, held_nowhere}}));
    EXPECT_EQ(held.say("and you?"), "and you?");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}, {7002, open_to(to_a2)}}));
    EXPECT_EQ(held.say("and now?"), "and now?");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}, {7002, open_to(to_a1)}}));
    EXPECT_EQ(unchanged.say("still there?"), "still there?");
    EXPECT_EQ(Client("flkt-out", address_a, 7002).line(), "flkt-a1 " + address_out);
}

/// As a failover does it. Some wait for an answer, some have said something that nobody heard; both would go on
/// for minutes.
TEST_F(RouterContract, ConnectionsThatAreOpenToALostNodeAreResetHeldOrNot) {
    Node a("flkt-a");
    Node b("flkt-b");
    ASSERT_OK(b.apply({{7001, open_to(to_b1)}, {7002, open_to(to_b1)}}));
    const RouteEntry others = open_to(to_node(address_b, 7002));
    for (const bool held : {false, true}) {
        ASSERT_OK(a.apply({{7001, open_to(to_node(address_b, 7001))}, {7002, others}}));
        std::vector<Client> idle;
        std::vector<Client> saying;
        for (const auto& [from, address] : std::vector<std::pair<const char*, std::string>>{
                 {"flkt-out", address_a}, {"flkt-a", address_a}, {"flkt-a", "127.0.0.1"}, {"flkt-a2", address_a}}) {
            for (auto* clients : {&idle, &saying}) {
                ASSERT_EQ(clients->emplace_back(from, address, 7001).line(), "flkt-b1 " + address_a);
            }
        }
        Client of_another("flkt-out", address_a, 7002);
        ASSERT_EQ(of_another.line(), "flkt-b1 " + address_a);

        shell("ip -n flkt-lan link set to-b nomaster");
        for (Client& client : saying) EXPECT_FALSE(client.hears_itself(1ms));
        EXPECT_EQ(saying.front().line(1500ms), "nothing") << "it asks again, more and more rarely";
        const auto begin = Clock::now();
        RouteEntry next = held ? held_nowhere : open_to(to_a1);
        next.lost = address_b;
        ASSERT_OK(a.apply({{7001, next}, {7002, others}}));
        for (Client& client : idle) EXPECT_EQ(client.line(), "reset");
        for (Client& client : saying) EXPECT_EQ(client.line(), "reset");
        EXPECT_LT(Clock::now() - begin, 500ms);
        Client again("flkt-out", address_a, 7001);
        ASSERT_OK(a.apply({{7001, {to_a1, false, false, address_b}}, {7002, others}}));
        EXPECT_EQ(again.line(), "flkt-a1 " + address_out);

        shell("ip -n flkt-lan link set to-b master lan");
        EXPECT_EQ(of_another.say("still there?"), "still there?") << "nobody is lost to its port";
        EXPECT_EQ(again.say("and you?"), "and you?");
    }
}

/// A client that does not answer what belongs to nothing, or can't hear it.
TEST_F(RouterContract, AConnectionThatWasForgottenIsResetWhenItsClientSpeaks) {
    Node a("flkt-a");
    Node b("flkt-b");
    ASSERT_OK(b.apply({{7001, open_to(to_b1)}, {7002, open_to(to_b1)}}));
    ASSERT_OK(a.apply({{7001, open_to(to_node(address_b, 7001))}, {7002, open_to(to_node(address_b, 7002))}}));
    Client led_elsewhere("flkt-out", address_a, 7001);
    Client led_nowhere("flkt-out", address_a, 7002);
    ASSERT_EQ(led_elsewhere.line(), "flkt-b1 " + address_a);
    ASSERT_EQ(led_nowhere.line(), "flkt-b1 " + address_a);

    shell("ip -n flkt-lan link set to-b nomaster");
    shell("ip netns exec flkt-out nft 'table ip deaf { chain c { type filter hook input priority -400;"
          " tcp flags & (syn | ack) == syn drop; }; }'");
    ASSERT_OK(a.apply({{7001, {to_a1, false, false, address_b}}, {7002, {std::nullopt, true, false, address_b}}}));
    EXPECT_EQ(led_elsewhere.line(300ms), "nothing");
    EXPECT_EQ(led_elsewhere.say("anybody there?"), "reset");
    EXPECT_EQ(led_nowhere.say("anybody there?"), "reset");
}

/// In a move: what the other node passes on, since it knew of the commit before, must not suffer.
TEST_F(RouterContract, AConnectionToANodeThatIsNotLostGoesOnWhenItsPortLeadsElsewhere) {
    Node a("flkt-a");
    Node b("flkt-b");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    for (const bool held : {true, false}) {
        ASSERT_OK(b.apply({{7001, open_to(to_node(address_a, 7001))}}));
        Client client("flkt-out", address_b, 7001);
        ASSERT_EQ(client.line(), "flkt-a1 " + address_b);
        if (held) {
            ASSERT_OK(b.apply({{7001, held_at(to_node(address_a, 7001))}}));
        }
        ASSERT_OK(b.apply({{7001, open_to(to_b1)}}));
        EXPECT_EQ(client.line(1s), "nothing");
        EXPECT_EQ(client.say("still there?"), "still there?");
    }
}

/// A former owner that was cut off: its container could tell nobody that it ended.
TEST_F(RouterContract, ConnectionsToAContainerThatIsGoneAreResetWhenTheirPortLeadsElsewhere) {
    Node a("flkt-a");
    Node b("flkt-b");
    ASSERT_OK(b.apply({{7001, open_to(to_b1)}}));
    for (const bool to_another_node : {true, false}) {
        ASSERT_OK(a.apply({{7001, leased_to(to_a1)}}));
        ASSERT_OK(a.extend_lease(20s));
        Client from_outside("flkt-out", address_a, 7001);
        Client from_the_node("flkt-a", "127.0.0.1", 7001);
        ASSERT_EQ(from_outside.line(), "flkt-a1 " + address_out);
        ASSERT_EQ(from_the_node.line(), "flkt-a1 172.31.1.1");
        ASSERT_OK(a.extend_lease(100ms));
        ASSERT_OK(a.apply({{7001, {to_a1, true, true}}}));
        EXPECT_EQ(from_outside.line(300ms), "nothing");
        ASSERT_OK(a.apply({{7001, to_another_node ? open_to(to_node(address_b, 7001)) : closed}}));
        EXPECT_EQ(from_outside.line(), "reset");
        EXPECT_EQ(from_the_node.line(), "reset");
    }
}

TEST_F(RouterContract, RoutesOutliveTheRouter) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    Client open("flkt-out", address_a, 7001);
    ASSERT_EQ(open.line(), "flkt-a1 " + address_out);

    a.stop();
    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out);
    a.start();
    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out);
    EXPECT_EQ(open.say("still there?"), "still there?");
}

TEST_F(RouterContract, AConnectionToAHeldPortWaitsAndThenReachesTheNewTarget) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    for (const char* from : {"flkt-out", "flkt-a", "flkt-a1", "flkt-b"}) {
        ASSERT_OK(a.apply({{7001, held_at(to_a1)}}));
        const std::size_t seen_by_old = a1_.accepted();
        Client client(from, address_a, 7001);
        a.await_waiting(1);
        EXPECT_EQ(client.line(100ms), "nothing") << from;

        const auto begin = Clock::now();
        ASSERT_OK(a.apply({{7001, open_to(to_a2)}}));
        const std::string line = client.line();
        const auto taken = Clock::now() - begin;

        EXPECT_EQ(line.substr(0, 7), "flkt-a2") << from;
        if (std::string(from) == "flkt-out") {
            EXPECT_EQ(line, "flkt-a2 " + address_out);
        }
        EXPECT_LT(taken, 50ms) << from;
        EXPECT_EQ(a1_.accepted(), seen_by_old);
        std::cout << from << ": released and answered in "
                  << std::chrono::duration_cast<std::chrono::microseconds>(taken).count() << " us\n";
        ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    }
}

TEST_F(RouterContract, AWaitingConnectionFollowsItsApplicationToAnotherNode) {
    Node a("flkt-a");
    Node b("flkt-b");
    ASSERT_OK(a.apply({{7001, held_at(to_a1)}}));
    ASSERT_OK(b.apply({{7001, held_at(to_node(address_a, 7001))}}));
    Client at_a("flkt-out", address_a, 7001);
    Client at_b("flkt-out", address_b, 7001);
    a.await_waiting(1);
    b.await_waiting(1);

    ASSERT_OK(b.apply({{7001, open_to(to_b1)}}));
    EXPECT_EQ(at_b.line(), "flkt-b1 " + address_out);
    ASSERT_OK(a.apply({{7001, open_to(to_node(address_b, 7001))}}));
    EXPECT_EQ(at_a.line(), "flkt-b1 " + address_a);
    EXPECT_EQ(a1_.accepted(), 0U);
}

/// In a cutover the nodes do not hold at the same moment.
TEST_F(RouterContract, AConnectionThatWaitsAtTheNextNodeIsDeliveredThoughThisNodeHoldsLater) {
    Node a("flkt-a");
    Node b("flkt-b");
    ASSERT_OK(a.apply({{7001, open_to(to_node(address_b, 7001))}}));
    ASSERT_OK(b.apply({{7001, held_nowhere}}));
    Client client("flkt-out", address_a, 7001);
    b.await_waiting(1);
    // It must not have to ask again.
    shell("ip netns exec flkt-out nft 'table ip mute { chain c { type filter hook output priority -400;"
          " tcp dport 7001 tcp flags & (syn | ack) == syn drop; }; }'");

    ASSERT_OK(a.apply({{7001, held_at(to_node(address_b, 7001))}}));
    ASSERT_OK(a.ensure());
    ASSERT_OK(b.apply({{7001, open_to(to_b1)}}));
    EXPECT_EQ(client.line(), "flkt-b1 " + address_a);
    EXPECT_EQ(client.say("more"), "more");
    ASSERT_OK(a.apply({{7001, open_to(to_node(address_b, 7001))}}));
    EXPECT_EQ(client.say("and more"), "and more");
}

TEST_F(RouterContract, TwoHundredWaitingConnectionsAreAllDelivered) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, held_nowhere}, {7002, held_nowhere}}));
    std::vector<Client> clients;
    for (int i = 0; i < 50; ++i) {
        for (const char* from : {"flkt-out", "flkt-a", "flkt-a2", "flkt-b"})
            clients.emplace_back(from, address_a, 7001);
    }
    Client other("flkt-out", address_a, 7002);
    a.await_waiting(201);

    const auto begin = Clock::now();
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}, {7002, held_nowhere}}));
    for (Client& client : clients) ASSERT_EQ(client.line().substr(0, 7), "flkt-a1");
    std::cout << "200 released and answered in "
              << std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count() << " ms\n";

    EXPECT_EQ(a1_.accepted(), 200U);
    EXPECT_EQ(a.router().counters().waiting, 1U);
    EXPECT_EQ(other.line(50ms), "nothing");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}, {7002, closed}}));
    EXPECT_EQ(other.line(), "refused");
}

TEST_F(RouterContract, WaitingConnectionsOutliveAnotherApplyOfTheHeldPort) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, held_at(to_a1)}}));
    Client client("flkt-out", address_a, 7001);
    a.await_waiting(1);

    ASSERT_OK(a.apply({{7001, held_at(to_a1)}}));
    ASSERT_OK(a.apply({{7001, held_at(to_a2)}, {7002, open_to(to_a1)}}));
    ASSERT_OK(a.ensure());
    EXPECT_EQ(client.line(50ms), "nothing");
    ASSERT_OK(a.apply({{7001, open_to(to_a2)}, {7002, open_to(to_a1)}}));
    EXPECT_EQ(client.line(50ms), "flkt-a2 " + address_out);
}

TEST_F(RouterContract, AClientThatAsksAgainWhileItWaitsIsDeliveredOnce) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, held_at(to_a1)}}));
    Client client("flkt-out", address_a, 7001);

    EXPECT_EQ(client.line(3500ms), "nothing");
    EXPECT_EQ(a.router().counters().waiting, 1U);
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    EXPECT_EQ(client.line(50ms), "flkt-a1 " + address_out);
    EXPECT_EQ(client.say("and on"), "and on");
    EXPECT_EQ(a1_.accepted(), 1U);
}

TEST_F(RouterContract, BeyondTheNumberThatMayWaitConnectionsAreRefusedAndTheOthersAreDelivered) {
    Node a("flkt-a", {.connections = 4, .time = 60s});
    ASSERT_OK(a.apply({{7001, held_at(to_a1)}, {7002, held_nowhere}}));
    std::vector<Client> waiting;
    for (const char* from : {"flkt-out", "flkt-a", "flkt-a1", "flkt-b"}) waiting.emplace_back(from, address_a, 7001);
    a.await_waiting(4);

    for (const char* from : {"flkt-out", "flkt-a", "flkt-a1", "flkt-b"}) {
        EXPECT_EQ(Client(from, address_a, 7001).line(), "refused") << from;
    }
    EXPECT_EQ(Client("flkt-out", address_a, 7002).line(), "refused") << "the bound is that of all ports together";
    EXPECT_EQ(Client("flkt-a", "127.0.0.1", 7001).line(), "refused");
    EXPECT_EQ(a.router().counters().refused, 6U);
    EXPECT_EQ(a.router().counters().waiting, 4U);

    ASSERT_OK(a.apply({{7001, open_to(to_a2)}, {7002, held_nowhere}}));
    for (Client& client : waiting) EXPECT_EQ(client.line().substr(0, 7), "flkt-a2");
    EXPECT_EQ(a1_.accepted(), 0U);
    const Client in_the_free_place("flkt-out", address_a, 7002);
    a.await_waiting(1);
}

TEST_F(RouterContract, TheDefaultNumberOfConnectionsWaitsAndIsDelivered) {
    constexpr std::size_t more = 100;
    const std::size_t all = nftables::WaitingBounds{}.connections + more;
    rlimit descriptors{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
    descriptors.rlim_cur = descriptors.rlim_max;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
    ASSERT_GT(descriptors.rlim_cur, 2 * all + 100);
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, held_at(to_a1)}}));
    std::vector<Client> clients;
    in_namespace("flkt-out", [&] {
        for (std::size_t i = 0; i < all; ++i) clients.emplace_back(address_a, 7001);
    });

    a.await_waiting(nftables::WaitingBounds{}.connections);
    const auto begin = Clock::now();
    ASSERT_OK(a.apply({{7001, open_to(to_a2)}}));
    std::map<std::string, std::size_t> lines;
    for (Client& client : clients) ++lines[client.line()];
    std::cout << all - more << " released and answered in "
              << std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count() << " ms\n";

    EXPECT_EQ(lines["flkt-a2 " + address_out] + lines["refused"], all);
    EXPECT_EQ(a.router().counters().refused, lines["refused"]);
    EXPECT_GE(a.router().counters().released, nftables::WaitingBounds{}.connections);
    EXPECT_EQ(a1_.accepted(), 0U);
}

TEST_F(RouterContract, WhoHasWaitedTooLongIsRefusedWithoutAskingAgain) {
    const auto limit = 2s;
    Node a("flkt-a", {.connections = 100, .time = limit});
    ASSERT_OK(a.apply({{7001, held_at(to_a1)}}));
    const auto begin = Clock::now();
    std::vector<Client> clients;
    for (const char* from : {"flkt-out", "flkt-a", "flkt-a1", "flkt-b"}) clients.emplace_back(from, address_a, 7001);
    clients.emplace_back("flkt-a", "127.0.0.1", 7001);
    a.await_waiting(5);
    // Nothing that a client says from here on wakes the router; its own clock has to.
    for (const char* from : {"out", "a", "a1", "b"}) {
        shell("ip netns exec flkt-" + std::string(from) +
              " nft 'table ip mute { chain c { type filter hook output priority -400;"
              " tcp dport 7001 tcp flags & (syn | ack) == syn drop; }; }'");
    }

    for (Client& client : clients) EXPECT_EQ(client.line(), "refused");
    EXPECT_GE(Clock::now() - begin, limit);
    EXPECT_EQ(a.router().counters().refused, 5U);
    EXPECT_EQ(a.router().counters().waiting, 0U);
    EXPECT_EQ(a1_.accepted(), 0U);
}

TEST_F(RouterContract, AskingAgainDoesNotProlongTheWaitAndThoseWhoCameLaterGoOnWaiting) {
    const auto limit = 4s;
    Node a("flkt-a", {.connections = 100, .time = limit});
    ASSERT_OK(a.apply({{7001, held_at(to_a1)}}));
    const auto begin = Clock::now();
    Client first("flkt-out", address_a, 7001);
    a.await_waiting(1);
    // It asks again after a second, and after another one or two.
    ASSERT_EQ(first.line(1500ms), "nothing");
    Client second("flkt-out", address_a, 7001);
    a.await_waiting(2);

    EXPECT_EQ(first.line(), "refused");
    EXPECT_GE(Clock::now() - begin, limit);
    EXPECT_EQ(a.router().counters().refused, 1U);
    EXPECT_EQ(a.router().counters().waiting, 1U);
    Client again("flkt-out", address_a, 7001);
    a.await_waiting(2);
    ASSERT_OK(a.apply({{7001, open_to(to_a2)}}));
    EXPECT_EQ(second.line(), "flkt-a2 " + address_out);
    EXPECT_EQ(again.line(), "flkt-a2 " + address_out);
    EXPECT_EQ(a.router().counters().refused, 1U);
    EXPECT_EQ(a1_.accepted(), 0U);
}

TEST_F(RouterContract, AClientWhoseFirstTryDiedAtTheOldTargetReachesTheNewOne) {
    Node a("flkt-a");
    // The old target swallows everything, as a node does that lost its power.
    shell("ip netns exec flkt-a1 nft 'table ip t { chain c { type filter hook input priority 0; policy drop; }; }'");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}, {7002, open_to(to_a1)}}));
    Client held_later("flkt-out", address_a, 7001);
    Client never_held("flkt-out", address_a, 7002);
    Client from_the_node("flkt-a", "127.0.0.1", 7002);
    EXPECT_EQ(held_later.line(200ms), "nothing");

    ASSERT_OK(a.apply({{7001, held_at(to_a1)}, {7002, open_to(to_a2)}}));
    EXPECT_EQ(never_held.line(), "flkt-a2 " + address_out);
    EXPECT_EQ(from_the_node.line().substr(0, 7), "flkt-a2");
    a.await_waiting(1);
    ASSERT_OK(a.apply({{7001, open_to(to_a2)}, {7002, open_to(to_a2)}}));
    EXPECT_EQ(held_later.line(50ms), "flkt-a2 " + address_out);
}

TEST_F(RouterContract, AClientThatUsesItsPortAgainReachesTheNewTarget) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    for (const bool aborted : {true, false}) {
        {
            Client first("flkt-out", address_a, 7001, 40001);
            ASSERT_EQ(first.line(), "flkt-a1 " + address_out);
            ASSERT_EQ(first.say("once"), "once");
            if (aborted) first.abort();
        }
        ASSERT_OK(a.apply({{7001, open_to(to_a2)}}));
        Client second("flkt-out", address_a, 7001, 40001);
        EXPECT_EQ(second.line(), "flkt-a2 " + address_out) << "aborted: " << aborted;
        second.abort();
        ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    }
}

// Not a test: the process that the next test kills.
TEST(RouterHolder, DISABLED_HoldsUntilItIsKilled) {
    if (getenv("FLKT_HOLDER") == nullptr) GTEST_SKIP();
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, held_at(to_a1)}}));
    if (write(STDOUT_FILENO, "\x01", 1) != 1) return;
    for (;;) pause();
}

TEST_F(RouterContract, APortStaysHeldWhenItsProcessIsKilled) {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    const Fd read_end(ends[0]);
    Fd write_end(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
    std::string program = "/proc/self/exe";
    std::string filter = "--gtest_filter=RouterHolder.DISABLED_HoldsUntilItIsKilled";
    std::string disabled = "--gtest_also_run_disabled_tests";
    char* arguments[] = {program.data(), filter.data(), disabled.data(), nullptr};
    setenv("FLKT_HOLDER", "1", 1);
    pid_t holder = -1;
    ASSERT_EQ(posix_spawn(&holder, "/proc/self/exe", &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    write_end.reset();
    for (char seen = 0; seen != 1;) ASSERT_EQ(read(read_end.get(), &seen, 1), 1) << "the holder did not start";

    Client early("flkt-out", address_a, 7001);
    Client local("flkt-a", "127.0.0.1", 7001);
    EXPECT_EQ(early.line(100ms), "nothing");
    ASSERT_EQ(kill(holder, SIGKILL), 0);
    ASSERT_EQ(waitpid(holder, nullptr, 0), holder);
    Client late("flkt-out", address_a, 7001);
    Client late_local("flkt-a", address_a, 7001);
    EXPECT_EQ(late.line(300ms), "nothing");
    EXPECT_EQ(late_local.line(10ms), "nothing");

    Node a("flkt-a");
    EXPECT_EQ(early.line(1500ms), "nothing");
    EXPECT_EQ(late.line(10ms), "nothing");
    EXPECT_EQ(a1_.accepted(), 0U);
    a.await_waiting(4);
    ASSERT_OK(a.apply({{7001, open_to(to_a2)}}));
    for (Client* client : {&early, &local, &late, &late_local}) EXPECT_EQ(client->line(50ms).substr(0, 7), "flkt-a2");
    EXPECT_EQ(a1_.accepted(), 0U);
}

TEST_F(RouterContract, DockersForwardPolicyLetsTranslatedConnectionsPass) {
    shell(R"(ip netns exec flkt-a sh -ec '
        iptables -P FORWARD DROP; iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN
        iptables -I FORWARD -j DOCKER-USER')");
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out);

    shell("ip netns exec flkt-a iptables -F DOCKER-USER");
    EXPECT_TRUE(a.finds("chain DOCKER-USER did not let our connections pass (iptables)"));
    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out);
    ASSERT_OK(a.ensure());
    shell("[ $(ip netns exec flkt-a iptables -S DOCKER-USER | grep -c ACCEPT) = 1 ]");
}

TEST_F(RouterContract, AForwardPolicyOfDropWithoutDockerLetsTranslatedConnectionsPass) {
    shell("ip netns exec flkt-a iptables -P FORWARD DROP");
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));

    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out);
}

TEST_F(RouterContract, WhatOthersDoToTheTableIsUndone) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}, {7002, held_at(to_a1)}}));

    for (const auto& [deed, told] : std::vector<std::pair<std::string, std::string>>{
             {"flush ruleset", "table ip flocker was gone"},
             {"delete table ip flocker", "table ip flocker was gone"},
             {"flush table ip flocker", "rules of table ip flocker were not as they had been made"},
             {"flush chain ip flocker gate", "rules of table ip flocker were not as they had been made"},
             {"delete element ip flocker held { 7002 }", "routes in table ip flocker were not as they had been made"},
             {"flush map ip flocker routes", "routes in table ip flocker were not as they had been made"},
             {"delete table bridge flocker", "table bridge flocker was gone"},
             {"flush table bridge flocker", "table bridge flocker was not as it had been made"}}) {
        const auto begin = Clock::now();
        shell("ip netns exec flkt-a nft '" + deed + "'");
        EXPECT_TRUE(a.finds(told + " (nft)"));
        std::cout << deed << ": undone in "
                  << std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count() << " ms\n";
        EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out) << deed;
        EXPECT_EQ(Client("flkt-out", address_a, 7002).line(50ms), "nothing") << deed;
    }
    shell("ip netns exec flkt-a nft add table ip somebody_elses");
    shell("ip netns exec flkt-a nft delete element ip flocker routes { 7001 }");
    ASSERT_OK(a.apply({{7001, open_to(to_a2)}, {7002, held_at(to_a1)}}));
    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a2 " + address_out);
}

TEST_F(RouterContract, ATableOfAnotherShapeIsReplacedWithItsRoutes) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}, {7002, held_at(to_a1)}}));
    a.stop();
    shell("ip netns exec flkt-a nft 'delete chain ip flocker shape_4; flush chain ip flocker translate'");
    ASSERT_EQ(Client("flkt-out", address_a, 7001).line(), "refused");

    a.start();
    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out);
    Client waits("flkt-out", address_a, 7002);
    a.await_waiting(1);
    ASSERT_OK(a.apply({{7002, open_to(to_a2)}}));
    EXPECT_EQ(waits.line(), "flkt-a2 " + address_out);
}

TEST_F(RouterContract, ASecondRouterInTheSameNamespaceIsRefused) {
    Node a("flkt-a");
    try {
        const Node second("flkt-a");
        FAIL() << "it was opened";
    } catch (const std::runtime_error& refused) {
        EXPECT_NE(std::string(refused.what()).find("another flockerd"), std::string::npos) << refused.what();
    }
}

TEST_F(RouterContract, AnImpossibleTableIsRefusedAndChangesNothing) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));

    const Status refused = a.apply({{7002, open_to({"alder", 80, false})}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out);
}

TEST_F(RouterContract, NothingIsLeftAfterRemoveEverything) {
    shell("ip netns exec flkt-a iptables -P FORWARD DROP");
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, open_to(to_a1)}}));
    a.stop();

    for (int i = 0; i < 2; ++i) ASSERT_OK(in_namespace("flkt-a", [] { return NftRouter::remove_everything(); }));
    shell("! ip netns exec flkt-a nft list ruleset | grep -E 'table (ip|bridge) flocker|DNAT'");
    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "refused");
}

TEST_F(RouterContract, ManyRoutesChangeInOneStepAndOneRouteIsQuick) {
    Node a("flkt-a");
    RouteTable table;
    for (std::uint16_t i = 0; i < 10'000; ++i)
        table[static_cast<std::uint16_t>(20'000 + i)] = open_to(to_node(address_b, 7001));
    table[7001] = open_to(to_a1);
    const auto begin = Clock::now();
    ASSERT_OK(a.apply(table));
    const auto all = Clock::now() - begin;
    EXPECT_EQ(a.router().counters().transactions, 1U);
    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out);

    // Ten thousand others go elsewhere, in one step, under a connection that is none of theirs.
    Talk untouched("flkt-out", address_a, 7001);
    RouteTable elsewhere = table;
    for (auto& [port, entry] : elsewhere) {
        if (port.number != 7001) entry = open_to(to_a2);
    }
    const auto change_began = Clock::now();
    ASSERT_OK(a.apply(elsewhere));
    const auto changed = Clock::now() - change_began;
    EXPECT_EQ(a.router().counters().transactions, 2U);
    EXPECT_EQ(Client("flkt-out", address_a, 20'000).line(), "flkt-a2 " + address_out);
    EXPECT_EQ(Client("flkt-out", address_a, 29'999).line(), "flkt-a2 " + address_out);
    const Talk::Outcome heard = untouched.end();
    EXPECT_FALSE(heard.broken);
    EXPECT_GT(heard.answers, 10U);
    EXPECT_LT(heard.longest, 1s);
    ASSERT_OK(a.apply(table));

    // Of a held port, as in a cutover: what follows a change of an open one is not part of it.
    const auto median_of_changes = [&](RouteTable changing) {
        std::vector<Clock::duration> taken;
        for (int i = 0; i < 101; ++i) {
            changing[7001] = held_at(i % 2 == 0 ? to_a2 : to_a1);
            const auto start = Clock::now();
            EXPECT_TRUE(a.apply(changing));
            taken.push_back(Clock::now() - start);
        }
        std::nth_element(taken.begin(), taken.begin() + 50, taken.end());
        return std::chrono::duration_cast<std::chrono::microseconds>(taken[50]).count();
    };
    const auto among_many = median_of_changes(table);
    a.stop();
    const auto restart = Clock::now();
    a.start();
    const auto restarted = Clock::now() - restart;
    ASSERT_OK(a.apply({{7001, held_at(to_a1)}}));
    const auto alone = median_of_changes({});
    std::cout << "10000 routes elsewhere in one change: "
              << std::chrono::duration_cast<std::chrono::milliseconds>(changed).count() << " ms; an open connection had "
              << heard.answers << " answers meanwhile, the longest after "
              << std::chrono::duration_cast<std::chrono::microseconds>(heard.longest).count() << " us\n";
    std::cout << "10000 routes in one change: " << std::chrono::duration_cast<std::chrono::milliseconds>(all).count()
              << " ms; reading them back: " << std::chrono::duration_cast<std::chrono::milliseconds>(restarted).count()
              << " ms; one change of one route, median: " << alone << " us, among 10000: " << among_many << " us\n";
}

}  // namespace
}  // namespace flocker::router_contract

namespace flocker::contract {

INSTANTIATE_TYPED_TEST_SUITE_P(Kernel, RouterPortContract, router_contract::KernelRouter);

}  // namespace flocker::contract
