// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "plan/limits.hpp"
#include "protocol/agent.hpp"
#include "protocol/testing.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace protocol::testing;

/// alder's agent owns many volumes, each with a replica on birch.
class AgentWithFeeds : public ::testing::Test {
protected:
    static DatasetId volume(std::size_t i) {
        DatasetId id = orders;
        id.value.back() = static_cast<char>('a' + i);
        return id;
    }
    void own(std::size_t count, std::vector<SnapshotId> snapshots) {
        std::vector<DatasetSeen> pool;
        assignment_.node = alder;
        assignment_.nodes = {node(alder, "10.0.0.10", "east"), node(birch, "10.0.0.11", "east")};
        for (std::size_t i = 0; i < count; ++i) {
            DatasetSeen seen = live_dataset(1, snapshots);
            seen.id = volume(i);
            pool.push_back(seen);
            DatasetAssignment dataset;
            dataset.dataset = volume(i);
            dataset.duty = Duty::serve;
            dataset.owner = alder;
            dataset.epoch = Epoch{1};
            dataset.replicas = {birch};
            assignment_.datasets.push_back(dataset);
        }
        static_cast<void>(agent_.begin());
        tell(Agent::PoolSeen{pool});
        tell(Agent::EngineSeen{std::pair(std::vector<ContainerSeen>{}, std::set<std::string>{})});
        assign();
    }
    void assign() {
        assignment_.revision = Revision{assignment_.revision.value + 1};
        tell(Agent::Assigned{assignment_, false});
    }
    /// What birch holds of each.
    void hold(const std::vector<SnapshotId>& snapshots) {
        for (const auto& dataset : assignment_.datasets) {
            tell(Agent::HoldingsTold{dataset.dataset, birch, Feed::Held{snapshots}});
        }
    }
    void tell(const Agent::Event& event) {
        for (auto& effect : agent_.on(event, now_)) {
            if (const auto* send = std::get_if<Agent::SendSnapshot>(&effect)) sends_.push_back(send->order);
            if (const auto* limit = std::get_if<Agent::LimitSends>(&effect)) limits_.push_back(limit->limits);
            if (const auto* report = std::get_if<Agent::SendReport>(&effect)) {
                report_ = report->report;
                tell(Agent::ReportDone{ReportReceipt{}});
            }
        }
    }
    void pass(Duration duration) {
        now_ = now_ + duration;
        tell(Agent::Tick{});
    }
    [[nodiscard]] std::size_t queued() const {
        return static_cast<std::size_t>(std::ranges::count_if(report_.feeds, &FeedSeen::queued));
    }

    Instant now_{noon};
    Agent agent_{{alder, "/volumes", 0x0ad50002U, 200, noon, noon}};
    Assignment assignment_;
    NodeReport report_;
    std::vector<SendOrder> sends_;
    std::vector<SendLimits> limits_;
};

TEST_F(AgentWithFeeds, MakesAFewFullCopiesAtATimeAndTheNextWhenOneEnds) {
    own(5, {snap(1, 1)});
    hold({});
    ASSERT_EQ(sends_.size(), plan::full_copies_at_once);
    pass(2s);
    EXPECT_EQ(queued(), 5 - plan::full_copies_at_once) << "and says that the others wait";
    tell(Agent::Sent{sends_.front(), SendReceipt{Bytes{10}}});
    EXPECT_EQ(sends_.size(), plan::full_copies_at_once + 1);
}

TEST_F(AgentWithFeeds, IncrementsGoOnBesideFullCopies) {
    own(5, {snap(1, 1), snap(1, 2)});
    for (std::size_t i = 0; i < 4; ++i) tell(Agent::HoldingsTold{volume(i), birch, Feed::Held{{}}});
    ASSERT_EQ(sends_.size(), plan::full_copies_at_once);
    tell(Agent::HoldingsTold{volume(4), birch, Feed::Held{{snap(1, 1)}}});
    ASSERT_EQ(sends_.size(), plan::full_copies_at_once + 1);
    EXPECT_EQ(sends_.back().base, snap(1, 1));
}

TEST_F(AgentWithFeeds, AMoveDoesNotWaitForReplicas) {
    own(4, {snap(1, 1)});
    assignment_.datasets.back().feed = birch;
    assign();
    for (std::size_t i = 0; i < 4; ++i) tell(Agent::HoldingsTold{volume(i), birch, Feed::Held{{}}});
    ASSERT_EQ(sends_.size(), plan::full_copies_at_once + 1);
    EXPECT_EQ(sends_.back().dataset, volume(3));
}

TEST_F(AgentWithFeeds, TellsTheLinkItsLimitsOnceAndWhatClientsWaitFor) {
    own(2, {snap(1, 1)});
    EXPECT_TRUE(limits_.empty()) << "there are none";
    assignment_.bandwidth = {Bytes{1'000'000}};
    assignment_.datasets[1].bandwidth = {Bytes{500'000}};
    assign();
    pass(1s);
    ASSERT_EQ(limits_.size(), 1U);
    EXPECT_EQ(limits_.back(), (SendLimits{{Bytes{1'000'000}}, {{volume(1), {Bytes{500'000}}}}, {}}));
    assignment_.datasets[1].duty = Duty::seal;
    assign();
    ASSERT_EQ(limits_.size(), 2U);
    EXPECT_EQ(limits_.back().unlimited, std::set{volume(1)});
}

TEST_F(AgentWithFeeds, ASnapshotThatWasCutStaysWhileNewerOnesGo) {
    own(1, {snap(1, 1), snap(1, 2), snap(1, 3), snap(1, 4), snap(1, 5), snap(1, 6), snap(1, 7)});
    const PartialSeen partial{std::nullopt, snap(1, 2), Bytes{9}, Epoch{1}};
    std::vector<SnapshotId> dropped;
    const Agent::HoldingsTold told{volume(0), birch, Feed::Held{{}, partial}};
    for (auto& effect : agent_.on(told, now_)) {
        const auto* act = std::get_if<Agent::DoToDataset>(&effect);
        const auto* drop = act ? std::get_if<DropSnapshots>(&act->action) : nullptr;
        if (drop) dropped = drop->snapshots;
        if (const auto* send = std::get_if<Agent::SendSnapshot>(&effect)) sends_.push_back(send->order);
    }
    EXPECT_EQ(dropped, (std::vector{snap(1, 1), snap(1, 3), snap(1, 4), snap(1, 5), snap(1, 6)}));
    ASSERT_EQ(sends_.size(), 1U);
    EXPECT_EQ(sends_.front().to, snap(1, 2));
}

}  // namespace
}  // namespace flocker::protocol
