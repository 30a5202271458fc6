// SPDX-License-Identifier: Apache-2.0
//
// An owner whose pool runs short of room, and a replica whose pool does.
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/agent.hpp"
#include "protocol/lag_watch.hpp"
#include "protocol/testing.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace protocol::testing;

constexpr Bytes pool_size{20ULL << 30U};
constexpr Bytes plenty{10ULL << 30U};
constexpr Bytes little{1ULL << 30U};

/// alder's agent, which has a detached volume with replicas at birch and cedar. The pool does at once what it is told.
class AgentOnAShortPool : public ::testing::Test {
protected:
    AgentOnAShortPool() {
        dataset_ = live_dataset(1, {snap(1, 1)});
        dataset_.snapshots.front().taken = noon - 60s;
        dataset_.changed = true;
        static_cast<void>(agent_.begin());
        tell(Agent::EngineSeen{});
    }

    void begin(const std::set<NodeId>& replicas, Duty duty = Duty::serve) {
        tell(Agent::PoolSeen{std::vector{dataset_}});
        assign(replicas, {}, duty);
    }
    void tell(const Agent::Event& event) {
        for (auto& effect : agent_.on(event, now_)) perform(effect);
    }
    void assign(const std::set<NodeId>& replicas, std::optional<NodeId> feed = {}, Duty duty = Duty::serve) {
        Assignment assignment;
        assignment.node = alder;
        assignment.revision = Revision{++revision_};
        assignment.nodes = {node(alder, "10.0.0.10", "east"), node(birch, "10.0.0.11", "east"), node(cedar, "10.0.0.12", "west")};
        DatasetAssignment dataset;
        dataset.dataset = orders;
        dataset.duty = duty;
        dataset.owner = duty == Duty::receive ? birch : alder;
        dataset.epoch = Epoch{1};
        dataset.replicas = replicas;
        dataset.feed = feed;
        assignment.datasets = {dataset};
        tell(Agent::Assigned{assignment, false});
    }
    /// So long, looking every 100 ms, with so much room.
    void pass(Duration duration, Bytes free) {
        for (const Instant end = now_ + duration; now_ < end;) {
            now_ = now_ + 100ms;
            tell(Agent::CapacitySeen{pool_size, free});
        }
    }
    [[nodiscard]] std::vector<SnapshotId> here() const {
        std::vector<SnapshotId> ids;
        for (const SnapshotSeen& snapshot : dataset_.snapshots) ids.push_back(snapshot.id);
        return ids;
    }
    [[nodiscard]] const FeedSeen& feed_to(const NodeId& to) const { return *std::ranges::find(report_.feeds, to, &FeedSeen::to); }

    Instant now_{noon};
    Agent agent_{{alder, "/volumes", 0x0ad50002U, 200, noon, noon}};
    std::uint64_t revision_{7};
    DatasetSeen dataset_;
    NodeReport report_;
    std::set<NodeId> away_;
    std::set<NodeId> slow_;  ///< Take what is sent, and never end.
    std::map<NodeId, std::vector<SnapshotId>> holdings_;
    std::vector<SendOrder> sent_;

private:
    void perform(const Agent::Effect& effect) {
        std::visit(Overloaded{[&](const Agent::SendReport& e) {
                                  report_ = e.report;
                                  tell(Agent::ReportDone{ReportReceipt{}});
                              },
                              [&](const Agent::ApplyRoutes& e) { tell(Agent::RoutesApplied{e.table, Status{}}); },
                              [&](const Agent::SaveAssignment& e) {
                                  tell(Agent::AssignmentSaved{e.assignment.revision, Status{}});
                              },
                              [&](const Agent::AskHoldings& e) {
                                  tell(Agent::HoldingsTold{e.dataset, e.node.id, asked(e.node.id)});
                              },
                              [&](const Agent::FindChanged& e) { tell(Agent::ChangedFound{e.datasets, changed()}); },
                              [&](const Agent::SendSnapshot& e) { send(e.order); },
                              [&](const Agent::DoToDataset& e) { act(e.action); },
                              [](const auto&) {}},
                   effect);
    }
    Result<Feed::Held> asked(const NodeId& node) {
        if (away_.contains(node)) return fail(ErrorCode::unavailable, "away");
        return Feed::Held{holdings_[node]};
    }
    Result<std::set<DatasetId>> changed() {
        dataset_.changed = true;
        return std::set{orders};
    }
    void send(const SendOrder& order) {
        sent_.push_back(order);
        if (slow_.contains(order.target.id)) return;
        if (away_.contains(order.target.id)) return tell(Agent::Sent{order, fail(ErrorCode::unavailable, "away")});
        holdings_[order.target.id].push_back(order.to);
        tell(Agent::Sent{order, SendReceipt{Bytes{10}}});
    }
    void act(const DatasetAction& action) {
        if (const auto* take = std::get_if<TakeSnapshot>(&action)) {
            dataset_.snapshots.push_back({take->snapshot, now_});
        } else if (const auto* drop = std::get_if<DropSnapshots>(&action)) {
            std::erase_if(dataset_.snapshots, [&](const SnapshotSeen& each) {
                return std::ranges::find(drop->snapshots, each.id) != drop->snapshots.end();
            });
        } else if (const auto* note = std::get_if<NoteAcknowledged>(&action)) {
            dataset_.acknowledged[note->node] = note->snapshot;
        }
        tell(Agent::DatasetDone{action, std::optional(dataset_)});
    }
};

TEST_F(AgentOnAShortPool, KeepsWhatASilentReplicaHasAsLongAsThereIsRoom) {
    begin({birch, cedar});
    pass(5s, plenty);
    const SnapshotId last = holdings_[birch].back();
    away_.insert(birch);
    pass(120s, plenty);
    EXPECT_EQ(std::ranges::count(here(), last), 1);
    EXPECT_FALSE(report_.pool_short);
    EXPECT_FALSE(feed_to(birch).let_go);
}

TEST_F(AgentOnAShortPool, LetsGoWhatASilentReplicaPinsAndGoesOnWithTheOther) {
    begin({birch, cedar});
    pass(5s, plenty);
    const SnapshotId last = holdings_[birch].back();
    away_.insert(birch);
    pass(30s, plenty);
    pass(10s, little);
    EXPECT_EQ(std::ranges::count(here(), last), 0);
    EXPECT_LE(here().size(), 4U) << "what the other one needs";
    EXPECT_TRUE(report_.pool_short);
    EXPECT_TRUE(feed_to(birch).let_go);
    EXPECT_EQ(feed_to(birch).trouble, "the pool of alder is short: its snapshots were let go");
    EXPECT_FALSE(feed_to(cedar).let_go);
    const std::size_t before = holdings_[cedar].size();
    pass(5s, little);
    EXPECT_GT(holdings_[cedar].size(), before);
}

TEST_F(AgentOnAShortPool, StartsTheReplicaAnewByAFullCopyWhenThereIsRoomAndNotBefore) {
    begin({birch, cedar});
    pass(5s, plenty);
    away_.insert(birch);
    pass(15s, little);
    away_.clear();
    sent_.clear();
    pass(60s, little);
    EXPECT_EQ(std::ranges::count(sent_, birch, [](const SendOrder& order) { return order.target.id; }), 0);
    pass(10s, Bytes{pool_size.value / 10 + 1});
    EXPECT_TRUE(report_.pool_short) << "half as much again";
    pass(5s, plenty);
    const auto whole = std::ranges::find(sent_, birch, [](const SendOrder& order) { return order.target.id; });
    ASSERT_NE(whole, sent_.end());
    EXPECT_FALSE(whole->base);
    EXPECT_FALSE(feed_to(birch).let_go);
    EXPECT_EQ(feed_to(birch).trouble, "");
    EXPECT_TRUE(std::prev(sent_.end())->base);
}

TEST_F(AgentOnAShortPool, LetsEverythingGoWhenNobodyTakesAnything) {
    begin({birch, cedar});
    pass(5s, plenty);
    away_ = {birch, cedar};
    pass(30s, plenty);
    EXPECT_FALSE(here().empty());
    pass(30s, little);
    EXPECT_TRUE(here().empty());
    pass(60s, little);
    EXPECT_TRUE(here().empty()) << "no new one is taken that would pin it again";
}

TEST_F(AgentOnAShortPool, LetsAFullCopyGoThatDoesNotComeToAnEnd) {
    begin({birch, cedar});
    slow_ = {birch, cedar};
    pass(60s, plenty);
    EXPECT_FALSE(here().empty());
    pass(60s, little);
    EXPECT_TRUE(here().empty());
}

TEST_F(AgentOnAShortPool, SparesReplicasThatKeepUp) {
    begin({birch, cedar});
    pass(5s, plenty);
    pass(120s, little);
    EXPECT_FALSE(feed_to(birch).let_go);
    EXPECT_FALSE(feed_to(cedar).let_go);
    EXPECT_LE(here().size(), 3U);
    EXPECT_EQ(std::ranges::count(sent_, std::optional<SnapshotId>{}, &SendOrder::base), 2) << "each one once";
}

TEST_F(AgentOnAShortPool, TouchesNothingOfAMoveUnderWay) {
    begin({birch, cedar});
    pass(5s, plenty);
    const SnapshotId last = holdings_[birch].back();
    away_ = {birch, cedar};
    assign({birch, cedar}, birch);
    pass(60s, little);
    EXPECT_EQ(std::ranges::count(here(), last), 1);
    EXPECT_FALSE(feed_to(birch).let_go);
}

TEST_F(AgentOnAShortPool, BeginsNoFirstCopyButAMoves) {
    begin({});
    pass(2s, little);
    assign({birch});
    pass(30s, little);
    EXPECT_TRUE(sent_.empty());
    EXPECT_EQ(feed_to(birch).trouble, "the pool of alder is short: it waits for room");
    EXPECT_FALSE(feed_to(birch).let_go) << "it had none";
    assign({birch}, birch);
    pass(2s, little);
    EXPECT_FALSE(sent_.empty());
}

TEST_F(AgentOnAShortPool, LetsANewestOneGoThatIsKeptForNobody) {
    begin({});
    pass(20s, plenty);
    EXPECT_EQ(here().size(), 1U);
    pass(20s, little);
    EXPECT_TRUE(here().empty());
}

TEST_F(AgentOnAShortPool, KeepsWhatIsEqualToTheLiveCopySinceItPinsNothing) {
    dataset_.changed = false;
    begin({});
    pass(60s, little);
    EXPECT_EQ(here().size(), 1U);
}

TEST_F(AgentOnAShortPool, AsAReplicaKeepsItsNewestAndTakesIncrementsOnly) {
    dataset_ = replica(1, {snap(1, 1), snap(1, 2), snap(1, 3)});
    begin({}, Duty::receive);
    pass(2s, plenty);
    EXPECT_EQ(here().size(), 3U);
    EXPECT_TRUE(agent_.admit(birch, orders, Epoch{1}, snap(1, 4), true));
    pass(2s, little);
    EXPECT_EQ(here(), std::vector{snap(1, 3)});
    EXPECT_TRUE(agent_.admit(birch, orders, Epoch{1}, snap(1, 4), false));
    const Status refused = agent_.admit(birch, orders, Epoch{1}, snap(1, 4), true);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "the pool of alder is short: it takes no full copy");
}

// --- what the control service says of it --------------------------------------------------------

class LagWatchOfAShortPool : public ::testing::Test {
protected:
    LagWatchOfAShortPool() {
        Ownership owned;
        owned.subject = SubjectId{orders.value};
        owned.dataset = orders;
        owned.owner = alder;
        owned.established = true;
        owned.replicas = {birch};
        scene_.records.ownerships[owned.subject] = owned;
        FeedSeen feed;
        feed.dataset = orders;
        feed.to = birch;
        feed.acknowledged = snap(1, 1);
        feed.rounds = 1;
        feed.proven = noon - 60s;
        feed.trouble = "the pool of alder is short: its snapshots were let go";
        feed.let_go = true;
        scene_.states[alder].report.feeds = {feed};
        scene_.states[alder].report.at = noon;
    }
    FeedSeen& feed() { return scene_.states[alder].report.feeds.front(); }
    std::vector<AddEvent> look() { return watch_.look(scene_.view()); }

    plan::testing::Scene scene_;
    LagWatch watch_;
};

TEST_F(LagWatchOfAShortPool, TellsOnceAndAgainWhenTheReplicaIsUpToDate) {
    const auto events = look();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events.front().event.kind, EventKind::snapshots_let_go);
    EXPECT_EQ(events.front().event.text,
              "the pool of alder is short: its snapshots were let go; the replica on birch gets a full copy when there is room");
    EXPECT_TRUE(look().empty());
    feed().let_go = false;
    feed().acknowledged.reset();
    EXPECT_TRUE(look().empty()) << "the copy is under way";
    feed().acknowledged = snap(1, 9);
    feed().proven = noon;
    const auto after = look();
    ASSERT_EQ(after.size(), 1U);
    EXPECT_EQ(after.front().event.kind, EventKind::lag_met);
    EXPECT_TRUE(look().empty());
}

}  // namespace
}  // namespace flocker::protocol
