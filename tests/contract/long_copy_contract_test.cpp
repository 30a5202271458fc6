// SPDX-License-Identifier: Apache-2.0
//
// A long first copy between two real pools over real TLS, with the connection cut and the agents restarted.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "adapters/peer/testing.hpp"
#include "tests/contract/btrfs_streams_test.hpp"

namespace flocker::contract {
namespace {

using namespace model;
using btrfs::BtrfsSnapshotStreams;

constexpr std::uint64_t step = 4'000'000;

/// What the streams of a node may still send, and have sent.
struct Budget {
    std::uint64_t left{UINT64_MAX};
    std::uint64_t sent{0};
};

/// Is cut, wherever that is, when the budget is used up.
class CutStream final : public posix::Stream {
public:
    CutStream(std::unique_ptr<posix::Stream> inner, Budget& budget) : inner_(std::move(inner)), budget_(budget) {}
    Result<std::size_t> read_some(std::span<std::byte> buffer) override { return inner_->read_some(buffer); }
    Status write_all(std::span<const std::byte> bytes) override {
        const auto some = bytes.first(std::min<std::uint64_t>(bytes.size(), budget_.left));
        budget_.left -= some.size();
        budget_.sent += some.size();
        const Status written = some.empty() ? Status{} : inner_->write_all(some);
        if (!written || some.size() == bytes.size()) return written;
        inner_->close();
        return fail(ErrorCode::unavailable, "the connection was cut");
    }
    void finish_writing() override { inner_->finish_writing(); }
    void close() override { inner_->close(); }
    void set_idle_limit(Duration limit) override { inner_->set_idle_limit(limit); }
    [[nodiscard]] std::string peer() const override { return inner_->peer(); }

private:
    std::unique_ptr<posix::Stream> inner_;
    Budget& budget_;
};

/// What both agents have in memory: gone when they are restarted.
class TwoAgents {
public:
    TwoAgents(const std::string& near_pool, const std::string& far_pool, const tls::testing::TestCluster& cluster)
        : near_(near_pool),
          far_(far_pool, {.every = 60min, .every_bytes = Bytes{step}}),
          listener_(tls::testing::value_of(
              cluster.node(tls::testing::birch).listen("127.0.0.1", 0, tls::ClientCertificates::required))),
          alder_tls_(cluster.node(tls::testing::alder)),
          looping_([this] { loop_.run(); }) {
        birch_.id = NodeId{tls::testing::birch};
        birch_.name = "birch";
        birch_.address = "127.0.0.1";
        birch_.data_port = listener_->port();
    }
    ~TwoAgents() {
        link_.reset();
        server_.reset();
        loop_.stop();
        looping_.join();
    }
    TwoAgents(const TwoAgents&) = delete;
    TwoAgents& operator=(const TwoAgents&) = delete;

    Result<SendReceipt> send(SnapshotId to) {
        std::promise<Result<SendReceipt>> promise;
        loop_.post([&] {
            link_->send(
                {orders, Epoch{1}, {}, to, birch_}, [this](SendProgress at) { progress_.push_back(at); },
                [&](Result<SendReceipt> outcome) { promise.set_value(std::move(outcome)); });
        });
        return promise.get_future().get();
    }
    std::optional<PartialSeen> partial() {
        std::promise<Result<ports::Holdings>> promise;
        loop_.post([&] {
            link_->holdings(birch_, orders, [&](Result<ports::Holdings> held) { promise.set_value(std::move(held)); });
        });
        const auto held = promise.get_future().get();
        EXPECT_TRUE(held) << held.error();
        return held ? held->partial : std::nullopt;
    }
    /// Of alder, who sends.
    Budget& budget() { return budget_; }
    [[nodiscard]] const std::vector<SendProgress>& progress() const { return progress_; }

private:
    posix::Connector connector() {
        return [this](const std::string& address, std::uint16_t port,
                      Duration limit) -> Result<std::unique_ptr<posix::Stream>> {
            FLOCKER_TRY(auto stream, alder_tls_.connect(address, port, limit, tls::peer_is("node:" + birch_.id.value)));
            return std::make_unique<CutStream>(std::move(stream), budget_);
        };
    }

    posix::EventLoop loop_;
    Budget budget_;
    BtrfsSnapshotStreams near_;
    BtrfsSnapshotStreams far_;
    peer::testing::MemoryEngine engine_;
    peer::testing::ScriptedInbox inbox_;
    std::unique_ptr<posix::Listener> listener_;
    tls::TlsContext alder_tls_;
    Node birch_;
    std::vector<SendProgress> progress_;  ///< Written on the loop, before the send ends.
    std::thread looping_;
    std::optional<peer::PeerServer> server_{std::in_place, *listener_, peer::Answering{loop_, inbox_, far_, engine_}};
    std::optional<peer::PeerLink> link_{std::in_place, loop_, connector(), near_, engine_};
};

class LongCopy : public BtrfsStreams {};

TEST_F(LongCopy, GoesOnThroughTenCutsAndRestartsOfBothAgents) {
    run("cd " + a.volume().string() +
        " && mkdir many && for i in $(seq 500); do head -c $((i * 50)) /dev/urandom > many/f$i; done && "
        "for i in 1 2 3 4 5 6; do head -c 15000000 /dev/urandom > large$i; done && cp --reflink=always large1 twin");
    a.done(TakeSnapshot{orders, snap(1, 1)});
    const std::uint64_t size = a.write({}, snap(1, 1)).value().size();
    ASSERT_GT(size, 95'000'000U);

    const tls::testing::TestCluster cluster;
    std::mt19937 random(4525);
    std::uint64_t sent = 0;
    std::uint64_t reached = 0;
    constexpr unsigned cuts = 10;
    // What a cut finds in the sockets was sent and has not arrived.
    constexpr std::uint64_t on_its_way = 4U << 20U;
    for (unsigned cut = 0; cut < cuts; ++cut) {
        SCOPED_TRACE("cut " + std::to_string(cut));
        const std::uint64_t most = 2 * (size - reached) / (cuts + 2 - cut);
        const std::uint64_t some = std::uniform_int_distribution<std::uint64_t>(most / 4, most)(random);
        {
            TwoAgents agents(a.harness.disk.pool(), b.harness.disk.pool(), cluster);
            const auto partial = agents.partial();
            EXPECT_EQ(partial ? partial->received.value : 0, reached);
            EXPECT_TRUE(!partial || (partial->epoch == Epoch{1} && partial->to == snap(1, 1))) << "what a feed goes by";
            agents.budget().left = some;
            EXPECT_EQ(agents.send(snap(1, 1)).error().code, ErrorCode::unavailable);
            sent += agents.budget().sent;
        }
        EXPECT_FALSE(std::filesystem::exists(b.snapshot(snap(1, 1))));
        const auto kept = b.streams.kept(orders).value();
        const std::uint64_t now = kept ? kept->at.offset.value : 0;
        EXPECT_GE(now + step + on_its_way, reached + some) << "more than a step was lost";
        reached = now;
    }
    EXPECT_GT(reached, size / 2);
    TwoAgents agents(a.harness.disk.pool(), b.harness.disk.pool(), cluster);
    const auto receipt = agents.send(snap(1, 1));
    ASSERT_TRUE(receipt) << receipt.error();
    EXPECT_LT(receipt->bytes.value, size - reached + 300'000) << "what went out this time";
    EXPECT_EQ(agents.progress().back().sent, Bytes{size});
    EXPECT_GE(agents.progress().back().sent, agents.progress().front().sent);
    sent += agents.budget().sent;
    EXPECT_LE(sent, size + cuts * (step + on_its_way));
    EXPECT_EQ(tree_text(b.snapshot(snap(1, 1))), tree_text(a.snapshot(snap(1, 1))));
    EXPECT_EQ(b.left(), (std::set<std::string>{"marker.json", "e1-s1"}));
}

}  // namespace
}  // namespace flocker::contract
