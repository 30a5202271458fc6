// SPDX-License-Identifier: Apache-2.0
//
// A long first copy between real agents in the simulated world.
#include <gtest/gtest.h>

#include "sim/cluster.hpp"

namespace flocker::sim {
namespace {

using namespace model;

const DatasetId orders{"33333333-3333-4333-8333-333333333333"};
const Epoch epoch{3};

/// alder owns a volume that is written all the time. Its replica on cedar is kept up; the one on birch is new, and
/// its first copy takes a minute.
class LongFirstCopy : public ::testing::Test {
protected:
    LongFirstCopy() {
        static_cast<void>(alder_.pool.perform(CreateDataset{orders, epoch}, world_.now()));
        tell("alder");
        tell("birch");
        tell("cedar");
        for (const auto& [name, host] : cluster_.hosts) host->start_agent();
        write();
        tell_again();
        pass_until_kept_up("cedar");
        replicas_ = {NodeId{"birch"}, NodeId{"cedar"}};
        faults_.copy_long = 1.0;
        faults_.copy_takes = 60s;
        tell("alder");
    }

    void tell(const std::string& node) {
        Assignment assignment;
        assignment.node = NodeId{node};
        assignment.revision = Revision{++revision_};
        for (const auto& [name, host] : cluster_.hosts) assignment.nodes.push_back(host->node);
        DatasetAssignment dataset;
        dataset.dataset = orders;
        dataset.owner = NodeId{"alder"};
        dataset.epoch = epoch;
        if (node == "alder") {
            dataset.duty = Duty::serve;
            dataset.replicas = replicas_;
        }
        assignment.datasets = {dataset};
        cluster_.newest_assignments[node] = assignment;
    }
    /// As a control service does whose word may have been lost.
    void tell_again() {
        for (const auto& [name, assignment] : cluster_.newest_assignments) cluster_.host(name).deliver(assignment);
        world_.at(1s, [this] { tell_again(); });
    }
    void write() {
        const auto* dataset = alder_.pool.find(orders);
        dataset->live->entries.push_back(std::to_string(world_.now().unix_ns));
        world_.at(300ms, [this] { write(); });
    }
    bool holds_something(const std::string& node) {
        const auto* dataset = cluster_.host(node).pool.find(orders);
        return dataset && !dataset->snapshots.empty();
    }
    void pass(Duration duration) { world_.run_until(world_.now() + duration); }
    void pass_until_kept_up(const std::string& node) {
        for (int i = 0; i < 60 && !holds_something(node); ++i) pass(1s);
        ASSERT_TRUE(holds_something(node));
    }
    /// Every ten seconds something of it breaks.
    void cut(int times) {
        for (int i = 0; i < times && !holds_something("birch"); ++i) {
            pass(10s);
            switch (i % 3) {
                case 0:
                    cluster_.network.cut("alder", "birch");
                    pass(2s);
                    cluster_.network.heal();
                    break;
                case 1:
                    birch_.kill_agent();
                    pass(1s);
                    birch_.start_agent();
                    break;
                case 2:
                    alder_.kill_agent();
                    pass(1s);
                    alder_.start_agent();
                    break;
            }
        }
    }

    World world_{4525};
    Faults faults_;
    Cluster cluster_{world_, faults_, 3};
    Host& alder_{cluster_.host("alder")};
    Host& birch_{cluster_.host("birch")};
    std::set<NodeId> replicas_{NodeId{"cedar"}};
    std::uint64_t revision_{1};
};

TEST_F(LongFirstCopy, ThatIsCutAgainAndAgainEnds) {
    cut(12);
    EXPECT_TRUE(holds_something("birch"));
    pass(5s);
    const auto& here = alder_.pool.find(orders)->snapshots;
    const auto& there = birch_.pool.find(orders)->snapshots;
    EXPECT_GE(there.rbegin()->first.sequence + 3000, here.rbegin()->first.sequence) << "and is kept up from then on";
}

TEST_F(LongFirstCopy, KeepsTheSnapshotThatWasCutAndNotEveryOneSince) {
    pass(15s);
    const auto* part = birch_.pool.part_of(orders);
    ASSERT_TRUE(part);
    const SnapshotId cut_one = part->to;
    cluster_.network.cut("alder", "birch");
    pass(60s);
    const auto& here = alder_.pool.find(orders)->snapshots;
    EXPECT_TRUE(here.contains(cut_one));
    EXPECT_LT(here.size(), 20U);
    cluster_.network.heal();
    pass(70s);
    const auto& there = birch_.pool.find(orders)->snapshots;
    EXPECT_FALSE(there.empty());
    EXPECT_FALSE(alder_.pool.find(orders)->snapshots.contains(cut_one)) << "it is not needed any more";
}

}  // namespace
}  // namespace flocker::sim
