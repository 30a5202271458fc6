// SPDX-License-Identifier: Apache-2.0
#include "plan/snapshots.hpp"

#include <gtest/gtest.h>

#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;

constexpr Instant at_ms(std::int64_t ms) { return {ms * 1'000'000}; }

TEST(CommonBase, IsTheNewestThatBothSidesHold) {
    const auto ours = live_dataset(2, {snap(1, 1), snap(1, 2), snap(2, 3)}).snapshots;
    EXPECT_EQ(common_base(ours, {snap(1, 1), snap(1, 2)}), snap(1, 2));
    EXPECT_EQ(common_base(ours, {snap(1, 1), snap(1, 7)}), snap(1, 1));
}

TEST(CommonBase, IsNoneWhenTheHistoriesShareNothing) {
    const auto ours = live_dataset(2, {snap(2, 1)}).snapshots;
    EXPECT_EQ(common_base(ours, {snap(1, 1)}), std::nullopt) << "the same number of another epoch";
    EXPECT_EQ(common_base(ours, {}), std::nullopt);
    EXPECT_EQ(common_base({}, {snap(1, 1)}), std::nullopt);
}

TEST(NextSnapshot, IsTheTimeInMilliseconds) {
    EXPECT_EQ(next_snapshot(live_dataset(2), Epoch{2}, at_ms(5000)), snap(2, 5000));
}

TEST(NextSnapshot, IsAboveEveryOneThatIsKnownHereEvenWhenTheClockWentBack) {
    DatasetSeen dataset = live_dataset(1, {snap(1, 7000)});
    EXPECT_EQ(next_snapshot(dataset, Epoch{1}, at_ms(5000)), snap(1, 7001));
    dataset.acknowledged[birch] = snap(1, 8000);
    EXPECT_EQ(next_snapshot(dataset, Epoch{1}, at_ms(5000)), snap(1, 8001));
    dataset.seal = Seal{MoveId{1}, snap(1, 9000)};
    EXPECT_EQ(next_snapshot(dataset, Epoch{1}, at_ms(5000)), snap(1, 9001));
}

TEST(NextSnapshot, IsNeverUsedAgainWhenThePoolHasForgottenIt) {
    // Taken, sent, and lost here by a power loss before anything was noted.
    const DatasetSeen before = live_dataset(1, {snap(1, 4000)});
    const SnapshotId sent = next_snapshot(before, Epoch{1}, at_ms(5000));
    EXPECT_NE(next_snapshot(before, Epoch{1}, at_ms(5001)), sent);
    EXPECT_GT(next_snapshot(before, Epoch{1}, at_ms(5001)), sent);
}

TEST(NextSnapshot, IsNeverZero) { EXPECT_EQ(next_snapshot(live_dataset(1), Epoch{1}, {}).sequence, 1U); }

class Disposable : public ::testing::Test {
protected:
    [[nodiscard]] std::vector<SnapshotId> gone(const std::set<NodeId>& replicas = {},
                                               const std::set<SnapshotId>& busy = {}) const {
        return disposable(dataset_, {.replicas = replicas, .busy = busy, .newest = newest_, .pool_short = pool_short_});
    }
    using Ids = std::vector<SnapshotId>;
    DatasetSeen dataset_ = live_dataset(1, {snap(1, 1), snap(1, 2), snap(1, 3), snap(1, 4)});
    bool newest_{true};
    bool pool_short_{false};
};

TEST_F(Disposable, IsEverythingButTheNewest) { EXPECT_EQ(gone(), (Ids{snap(1, 1), snap(1, 2), snap(1, 3)})); }

TEST_F(Disposable, IsNeverTheOnlyOne) {
    dataset_ = replica(1, {snap(1, 1)});
    EXPECT_EQ(gone(), Ids{});
    dataset_.snapshots.clear();
    EXPECT_EQ(gone(), Ids{});
}

TEST_F(Disposable, SparesWhatTheSealAndTheTrialAreMadeFrom) {
    dataset_.seal = Seal{MoveId{1}, snap(1, 1)};
    dataset_.trial = Trial{MoveId{1}, snap(1, 2)};
    EXPECT_EQ(gone(), Ids{snap(1, 3)});
}

TEST_F(Disposable, SparesWhatAReplicaAcknowledgedLast) {
    dataset_.acknowledged = {{birch, snap(1, 2)}};
    EXPECT_EQ(gone({birch}), (Ids{snap(1, 1), snap(1, 3)}));
}

TEST_F(Disposable, IsNotPinnedByANodeThatIsNoReplicaAnyMore) {
    dataset_.acknowledged = {{birch, snap(1, 2)}, {cedar, snap(1, 1)}};
    EXPECT_EQ(gone({cedar}), (Ids{snap(1, 2), snap(1, 3)}));
}

TEST_F(Disposable, SparesWhatAReplicaGotInTheLastSecondsButNotWhatAFastClockDatedAhead) {
    dataset_ = replica(2, {snap(1, 1), snap(1, 2), snap(1, 3), snap(2, 1), snap(2, 2), snap(2, 3), snap(2, 4)});
    dataset_.snapshots[0].taken = noon + 60min;
    dataset_.snapshots[1].taken = noon - 9s;
    dataset_.snapshots[2].taken = noon - 11s;
    EXPECT_EQ(gone(), (Ids{snap(1, 1), snap(1, 3)}));
}

TEST_F(Disposable, IsTheOwnersNewestTooWhenThatIsNotKept) {
    newest_ = false;
    EXPECT_EQ(gone().size(), 4U);
    dataset_.seal = Seal{MoveId{1}, snap(1, 4)};
    EXPECT_EQ(gone(), (Ids{snap(1, 1), snap(1, 2), snap(1, 3)})) << "it is sealed";
    dataset_ = replica(1, {snap(1, 1)});
    EXPECT_EQ(gone(), Ids{}) << "a replica has nothing else";
}

TEST_F(Disposable, IsAllButTheNewestOfAReplicaOnAShortPool) {
    dataset_ = replica(1, {snap(1, 1), snap(1, 2), snap(1, 3), snap(1, 4)});
    EXPECT_EQ(gone(), Ids{});
    pool_short_ = true;
    EXPECT_EQ(gone(), (Ids{snap(1, 1), snap(1, 2), snap(1, 3)}));
    dataset_.trial = Trial{MoveId{1}, snap(1, 2)};
    EXPECT_EQ(gone(), (Ids{snap(1, 1), snap(1, 3)})) << "a trial began from it";
}

TEST_F(Disposable, SparesWhatIsBeingSent) { EXPECT_EQ(gone({}, {snap(1, 1), snap(1, 3)}), Ids{snap(1, 2)}); }

}  // namespace
}  // namespace flocker::plan
