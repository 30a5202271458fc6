// SPDX-License-Identifier: Apache-2.0
//
// The lease, held against the real kernel: on all ways into a container and out of it, without a process, and
// what it costs. What every router's lease does is in router_contract.hpp. Needs root.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <atomic>
#include <iostream>

#include "adapters/nftables/kernel_lease.hpp"
#include "tests/contract/router_node.hpp"

namespace flocker::router_contract {
namespace {

/// Who connects to what.
struct Way {
    const char* from;
    std::string address;
    std::uint16_t port;
};

class RouterLease : public ::testing::Test {
protected:
    RouterLease() { shell("ip -n flkt-out route add 172.31.1.0/24 via 10.231.0.1"); }

    void begin(Node& a, Node& b) {
        ASSERT_OK(a.apply({{7001, leased_to(to_a1)}, {7002, open_to(to_a2)}}));
        ASSERT_OK(b.apply({{7001, open_to(to_node(address_a, 7001))}}));
    }
    std::vector<Client> connect() const {
        std::vector<Client> clients;
        for (const Way& way : ways_) clients.emplace_back(way.from, way.address, way.port);
        return clients;
    }
    void expect_nothing(std::vector<Client>& clients) const {
        auto patience = 300ms;
        for (std::size_t i = 0; i < clients.size(); ++i, patience = 1ms) {
            EXPECT_EQ(clients[i].line(patience), "nothing")
                << ways_[i].from << " to " << ways_[i].address << ":" << ways_[i].port;
        }
    }
    /// In either table.
    static bool runs() {
        const std::string both = "for f in ip bridge; do ip netns exec flkt-a nft list set $f flocker lease; done";
        return std::system((both + " | grep -q elements").c_str()) == 0;  // NOLINT: a constant.
    }
    static void await_end() {
        const auto end = Clock::now() + 2s;
        while (runs()) ASSERT_LT(Clock::now(), end);
    }

    Network network_;
    EchoServer a1_{"flkt-a1", 6379};
    EchoServer a2_{"flkt-a2", 6379};
    EchoServer out_{"flkt-out", 9000};
    const std::vector<Way> ways_{
        {"flkt-out", address_a, 7001},      {"flkt-b", address_a, 7001},
        {"flkt-out", address_b, 7001},      {"flkt-b", "127.0.0.1", 7001},
        {"flkt-a", "127.0.0.1", 7001},      {"flkt-a", address_a, 7001},
        {"flkt-a", "172.31.1.1", 7001},     {"flkt-a", "172.31.1.2", 6379},
        {"flkt-a2", address_a, 7001},       {"flkt-a2", address_b, 7001},
        {"flkt-a2", "172.31.1.2", 6379},    {"flkt-a1", address_a, 7001},
        {"flkt-out", "172.31.1.2", 6379},   {"flkt-a1", address_out, 9000},
        {"flkt-a1", "172.31.1.3", 6379},    {"flkt-a1", "172.31.1.1", 7002},
    };
};

/// The kernel shows bridged packets to the table `ip flocker` only with br_netfilter.
TEST_F(RouterLease, NoWayIntoTheContainerOrOutOfItPassesWithoutTheLeaseWhateverTheBridgeShows) {
    Node a("flkt-a");
    Node b("flkt-b");
    begin(a, b);
    for (const char* shown : {"1", "0"}) {
        SCOPED_TRACE("bridge-nf-call-iptables is " + std::string(shown));
        shell("ip netns exec flkt-a sysctl -qw net.bridge.bridge-nf-call-iptables=" + std::string(shown));
        ASSERT_OK(a.extend_lease(20s));
        std::vector<Client> open = connect();
        for (std::size_t i = 0; i < open.size(); ++i) {
            ASSERT_EQ(open[i].line().substr(0, 5), "flkt-") << ways_[i].from << " to " << ways_[i].address;
            ASSERT_EQ(open[i].say("once"), "once");
        }
        Client unleased("flkt-out", address_a, 7002);
        ASSERT_EQ(unleased.line(), "flkt-a2 " + address_out);

        ASSERT_OK(a.extend_lease(100ms));
        while (open.front().hears_itself(150ms)) {
        }
        const std::size_t accepted = a1_.accepted();
        for (Client& client : open) EXPECT_FALSE(client.hears_itself(1ms));
        std::vector<Client> late = connect();
        expect_nothing(open);
        expect_nothing(late);
        EXPECT_EQ(a1_.accepted(), accepted);
        EXPECT_EQ(unleased.say("twice"), "twice");
        EXPECT_EQ(Client("flkt-a2", "172.31.1.1", 7002).line(), "flkt-a2 172.31.1.1");

        ASSERT_OK(a.extend_lease(20s));
        for (std::size_t i = 0; i < open.size(); ++i) {
            EXPECT_NE(open[i].line(), "nothing") << ways_[i].from << " to " << ways_[i].address;
            EXPECT_EQ(late[i].line().substr(0, 5), "flkt-") << ways_[i].from << " to " << ways_[i].address;
        }
    }
}

/// One packet that asks for no answer: whether it arrives.
bool arrives(const std::string& from, const std::string& to, const std::string& address, Duration limit) {
    constexpr std::uint16_t port = 9001;
    const auto udp_in = [](const std::string& name_space, std::uint16_t bound) {
        return in_namespace(name_space, [bound] {
            Fd made(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            const sockaddr_in at = socket_address("0.0.0.0", bound);
            if (bind(made.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0)
                throw std::runtime_error("can't bind");
            return made;
        });
    };
    const Fd receiver = udp_in(to, port);
    const Fd sender = udp_in(from, 0);
    const sockaddr_in at = socket_address(address, port);
    if (sendto(sender.get(), "?", 1, 0, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 1) return false;
    pollfd watched{receiver.get(), POLLIN, 0};
    return poll(&watched, 1, static_cast<int>(to_ms(limit))) == 1;
}

TEST_F(RouterLease, NotEvenOneDirectionPassesWithoutTheLease) {
    struct Direction {
        const char* from;
        const char* to;
        const char* address;
    };
    const std::vector<Direction> directions{
        {"flkt-out", "flkt-a1", "172.31.1.2"}, {"flkt-a1", "flkt-out", "10.231.0.9"}, {"flkt-a", "flkt-a1", "172.31.1.2"},
        {"flkt-a1", "flkt-a", "172.31.1.1"},   {"flkt-a2", "flkt-a1", "172.31.1.2"},  {"flkt-a1", "flkt-a2", "172.31.1.3"}};
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, leased_to(to_a1)}, {7002, open_to(to_a2)}}));
    for (const char* shown : {"1", "0"}) {
        shell("ip netns exec flkt-a sysctl -qw net.bridge.bridge-nf-call-iptables=" + std::string(shown));
        for (const auto& [from, to, address] : directions) {
            SCOPED_TRACE(from + std::string(" to ") + to + ", bridge-nf-call-iptables is " + shown);
            ASSERT_OK(a.extend_lease(20s));
            EXPECT_TRUE(arrives(from, to, address, 5s));
            ASSERT_OK(a.extend_lease(30ms));
            await_end();
            EXPECT_FALSE(arrives(from, to, address, 100ms));
        }
    }
}

// Not a test: the process that the next test kills, or freezes.
TEST(RouterLeaseHolder, DISABLED_ExtendsUntilItIsKilled) {
    if (getenv("FLKT_LEASE_HOLDER") == nullptr) GTEST_SKIP();
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, leased_to(to_a1)}}));
    for (;;) {
        // One that was frozen on its way to the kernel is over when it goes on.
        const Status extended = a.extend_lease(1s);
        ASSERT_TRUE(extended || extended.error().code == ErrorCode::timed_out) << extended.error();
        if (extended && write(STDOUT_FILENO, "\x01", 1) != 1) return;
        std::this_thread::sleep_for(100ms);  // The pace of the extensions.
    }
}

class Holder {
public:
    Holder() {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
        read_end_ = Fd(ends[0]);
        const Fd write_end(ends[1]);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
        std::string program = "/proc/self/exe";
        std::string filter = "--gtest_filter=RouterLeaseHolder.DISABLED_ExtendsUntilItIsKilled";
        std::string disabled = "--gtest_also_run_disabled_tests";
        char* arguments[] = {program.data(), filter.data(), disabled.data(), nullptr};
        setenv("FLKT_LEASE_HOLDER", "1", 1);
        const int started = posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
        if (started != 0) throw std::runtime_error("the holder did not start");
        await_extension();
    }
    ~Holder() {
        send(SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    void await_extension() {
        for (char seen = 0; seen != 1;) {
            if (read(read_end_.get(), &seen, 1) != 1) throw std::runtime_error("the holder ended");
        }
    }
    void send(int signal) const { kill(pid_, signal); }

private:
    Fd read_end_;
    pid_t pid_{-1};
};

TEST_F(RouterLease, RunsOutThoughItsProcessIsFrozenOrKilled) {
    Holder holder;
    for (const int signal : {SIGSTOP, SIGKILL}) {
        Client client("flkt-out", address_a, 7001);
        ASSERT_EQ(client.line(), "flkt-a1 " + address_out);
        const auto served_until = Clock::now() + 1500ms;
        while (Clock::now() < served_until) ASSERT_TRUE(client.hears_itself(300ms));

        holder.send(signal);
        const auto begin = Clock::now();
        auto last = begin;
        while (client.hears_itself(300ms) && last < begin + 5s) last = Clock::now();
        EXPECT_LE(last - begin, 1100ms) << signal;
        EXPECT_GE(last - begin, 700ms) << signal;
        EXPECT_EQ(Client("flkt-out", address_a, 7001).line(300ms), "nothing");
        if (signal == SIGKILL) break;

        holder.send(SIGCONT);
        EXPECT_EQ(client.line().find_first_not_of("0123456789"), std::string::npos);
    }
}

TEST_F(RouterLease, WhoRemovesOurTablesEndsIt) {
    for (const char* removal : {"flush ruleset", "delete table ip flocker", "delete table bridge flocker"}) {
        SCOPED_TRACE(removal);
        Node a("flkt-a");
        ASSERT_OK(a.apply({{7001, leased_to(to_a1)}, {7002, open_to(to_a2)}}));
        ASSERT_OK(a.extend_lease(20s));
        Client client("flkt-out", address_a, 7001);
        ASSERT_EQ(client.line(), "flkt-a1 " + address_out);

        shell("ip netns exec flkt-a nft " + std::string(removal));
        ASSERT_OK(a.ensure());
        EXPECT_FALSE(client.hears_itself(300ms));
        EXPECT_EQ(Client("flkt-out", address_a, 7001).line(300ms), "nothing");
        EXPECT_EQ(Client("flkt-out", address_a, 7002).line(), "flkt-a2 " + address_out);
        ASSERT_OK(a.extend_lease(20s));
        EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out);
    }
}

TEST_F(RouterLease, AnExtensionThatFindsNoTablesSaysSoAndTheOneAfterTheyWereMadeAnewIsInForce) {
    Node a("flkt-a");
    ASSERT_OK(a.apply({{7001, leased_to(to_a1)}}));
    shell("ip netns exec flkt-a nft flush ruleset");

    // Unless they have been made anew already.
    if (const Status failed = a.extend_lease(20s); !failed) {
        EXPECT_EQ(failed.error().code, ErrorCode::unavailable);
        EXPECT_TRUE(a.finds("table ip flocker was gone"));
        EXPECT_EQ(Client("flkt-out", address_a, 7001).line(300ms), "nothing");
        ASSERT_OK(a.extend_lease(20s));
    }
    EXPECT_EQ(Client("flkt-out", address_a, 7001).line(), "flkt-a1 " + address_out);
}

TEST_F(RouterLease, IsReadBackAndCausesNoTransactionAfterARestart) {
    const RouteTable table{{7001, leased_to(to_a1)}, {7002, open_to(to_a2)}};
    Node a("flkt-a");
    ASSERT_OK(a.apply(table));
    a.stop();
    a.start();
    ASSERT_OK(a.apply(table));
    ASSERT_OK(a.ensure());
    EXPECT_EQ(a.router().counters().transactions, 0U);
    ASSERT_OK(a.extend_lease(20s));
    EXPECT_EQ(a.router().counters().transactions, 0U);
    shell("ip netns exec flkt-a nft delete element bridge flocker leased { 172.31.1.2 }");
    ASSERT_OK(a.ensure());
    shell("ip netns exec flkt-a nft list set bridge flocker leased | grep -q 172.31.1.2");
}

/// To some kernels an element that is to be kept for less than a tick of their clock has no end.
TEST_F(RouterLease, HasAnEndHoweverShortItIs) {
    const Node a("flkt-a");
    auto kernel = in_namespace("flkt-a", [] { return nftables::KernelLease::open(true); });
    ASSERT_TRUE(kernel);
    for (const Duration tiny : {Duration(-1), Duration(0), Duration(1), Duration(1'500'000), Duration(4ms), Duration(19ms),
                                Duration(20ms), Duration(21ms)}) {
        for (const bool running : {true, false}) {
            if (running) ASSERT_OK(kernel->run_for(20s));
            ASSERT_EQ(runs(), running);
            ASSERT_OK(kernel->run_for(tiny));
            await_end();
        }
    }
}

TEST_F(RouterLease, NoPacketIsLostHoweverOftenItIsExtendedAndAnExtensionIsCheap) {
    Node a("flkt-a");
    RouteTable table{{7001, leased_to(to_a1)}};
    ASSERT_OK(a.apply(table));
    ASSERT_OK(a.extend_lease(1s));
    Client client("flkt-out", address_a, 7001);
    ASSERT_EQ(client.line(), "flkt-a1 " + address_out);

    const auto median_of_extensions = [&] {
        std::vector<Clock::duration> taken;
        for (int i = 0; i < 2001; ++i) {
            const auto start = Clock::now();
            EXPECT_TRUE(a.extend_lease(1s));
            taken.push_back(Clock::now() - start);
        }
        std::nth_element(taken.begin(), taken.begin() + 1000, taken.end());
        return std::chrono::duration_cast<std::chrono::microseconds>(taken[1000]).count();
    };
    std::atomic<bool> ended{false};
    std::size_t answers = 0;
    Clock::duration longest{0};
    // A packet that is lost is said again after 200 ms at the earliest.
    std::jthread talk([&] {
        while (!ended) {
            const auto start = Clock::now();
            if (client.hears_itself(5s)) ++answers;
            longest = std::max(longest, Clock::now() - start);
        }
    });
    const auto alone = median_of_extensions();
    for (std::uint16_t i = 0; i < 10'000; ++i)
        table[static_cast<std::uint16_t>(20'000 + i)] = open_to(to_node(address_b, 7001));
    EXPECT_TRUE(a.apply(table));
    const auto among_many = median_of_extensions();
    ended = true;
    talk.join();

    EXPECT_LT(longest, 200ms);
    EXPECT_GT(answers, 100U);
    std::cout << "one extension, median: " << alone << " us, among 10000 routes: " << among_many << " us; " << answers
              << " answers meanwhile, the longest took "
              << std::chrono::duration_cast<std::chrono::microseconds>(longest).count() << " us\n";
}

}  // namespace
}  // namespace flocker::router_contract
