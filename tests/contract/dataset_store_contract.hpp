// SPDX-License-Identifier: Apache-2.0
//
// What every ports::DatasetStore does. Include it in one source of a test program, and name the stores:
//
//   INSTANTIATE_TEST_SUITE_P(Btrfs, DatasetStoreContract, ::testing::Values(DatasetStoreMaker{"btrfs", make}));
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/contract/dataset_step_down_contract.hpp"
#include "tests/contract/dataset_store_fixture.hpp"

namespace flocker::contract {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(DatasetStoreContract);

TEST_P(DatasetStoreContract, HoldsNothingAtFirst) {
    EXPECT_EQ(observe(*harness_).value().size(), 0U);
    EXPECT_FALSE(observe_one(*harness_, orders).value().has_value());
    expect_refused(ErrorCode::not_found, model::MountDataset{orders});
    expect_refused(ErrorCode::not_found, model::TakeSnapshot{orders, snap(1, 1)});
    EXPECT_EQ(observe(*harness_).value().size(), 0U);
}

TEST_P(DatasetStoreContract, MakesAnEmptyDatasetThatItsApplicationCanWrite) {
    const auto made = done(model::CreateDataset{orders, model::Epoch{1}});
    EXPECT_EQ(made.id, orders);
    EXPECT_EQ(made.epoch, model::Epoch{1});
    EXPECT_TRUE(made.live);
    EXPECT_FALSE(made.mounted);
    EXPECT_EQ(ids(made), Ids{});

    EXPECT_TRUE(done(model::MountDataset{orders}).mounted);
    EXPECT_EQ(harness_->content(orders), "");
    harness_->append(orders, "one,");
    harness_->append(orders, "two");
    EXPECT_EQ(harness_->content(orders), "one,two");
}

TEST_P(DatasetStoreContract, NeverMakesADatasetOverAnother) {
    make_mounted("precious");
    EXPECT_TRUE(perform(*harness_, model::CreateDataset{orders, model::Epoch{1}})) << "the same again";
    expect_refused(ErrorCode::already_exists, model::CreateDataset{orders, model::Epoch{2}});
    EXPECT_EQ(harness_->content(orders), "precious");

    done(model::TakeSnapshot{orders, snap(1, 1)});
    expect_refused(ErrorCode::already_exists, model::CreateDataset{orders, model::Epoch{1}});
    done(model::DemoteDataset{orders, model::Epoch{2}});
    expect_refused(ErrorCode::already_exists, model::CreateDataset{orders, model::Epoch{3}});
}

TEST_P(DatasetStoreContract, KeepsDatasetsApart) {
    make_mounted("of orders");
    done(model::CreateDataset{users, model::Epoch{5}});
    done(model::MountDataset{users});
    harness_->append(users, "of users");
    done(model::TakeSnapshot{users, snap(5, 1)});

    const auto all = observe(*harness_).value();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].id, orders);
    EXPECT_EQ(all[1].id, users);
    EXPECT_EQ(ids(all[0]), Ids{});
    EXPECT_EQ(ids(all[1]), Ids{snap(5, 1)});
    EXPECT_EQ(harness_->content(orders), "of orders");
    EXPECT_EQ(harness_->content(users), "of users");
}

TEST_P(DatasetStoreContract, SaysChangedWheneverLiveDiffersFromTheNewestSnapshot) {
    make_mounted("a");
    EXPECT_TRUE(see().changed) << "no snapshot yet";
    EXPECT_FALSE(done(model::TakeSnapshot{orders, snap(1, 1)}).changed);
    EXPECT_FALSE(see().changed);
    EXPECT_FALSE(see().changed);
    harness_->append(orders, "b");
    EXPECT_TRUE(see().changed);
    EXPECT_TRUE(observe(*harness_).value().at(0).changed);
    EXPECT_FALSE(done(model::TakeSnapshot{orders, snap(1, 2)}).changed);
    EXPECT_FALSE(done(model::NoteAcknowledged{orders, alder, snap(1, 2)}).changed);
    EXPECT_FALSE(done(model::DropSnapshots{orders, {snap(1, 1)}}).changed);
    harness_->append(orders, "c");
    EXPECT_TRUE(done(model::NoteAcknowledged{orders, birch, snap(1, 2)}).changed);
}

TEST_P(DatasetStoreContract, FindsInOneLookWhichDatasetsMayHaveChanged) {
    static const model::DatasetId nowhere{"6e7a1c52-0d7f-4a53-9f2e-3a1b5c7d9e03"};
    static const model::DatasetId sealed{"6e7a1c52-0d7f-4a53-9f2e-3a1b5c7d9e04"};
    using Some = std::set<model::DatasetId>;
    const std::vector<model::DatasetId> all{orders, users, nowhere, sealed};
    const auto changed = [&] { return find_changed(*harness_, all).value(); };
    EXPECT_EQ(changed(), Some{});

    make_mounted("a");
    done(model::CreateDataset{users, model::Epoch{1}});
    done(model::MountDataset{users});
    EXPECT_EQ(changed(), (Some{orders, users})) << "no snapshot yet";
    done(model::TakeSnapshot{orders, snap(1, 9)});
    done(model::TakeSnapshot{users, snap(1, 9)});
    done(model::CreateDataset{sealed, model::Epoch{1}});
    done(model::SealDataset{sealed, first_move, snap(1, 1)});
    EXPECT_EQ(changed(), Some{});
    EXPECT_EQ(changed(), Some{});

    harness_->append(users, "b");
    EXPECT_EQ(changed(), Some{users});
    EXPECT_EQ(changed(), Some{users}) << "to look at it changes nothing";
    EXPECT_EQ(find_changed(*harness_, {orders}).value(), Some{}) << "only what was asked for";
    EXPECT_EQ(find_changed(*harness_, {}).value(), Some{});
    harness_->append(orders, "b");
    EXPECT_EQ(changed(), (Some{orders, users}));
    done(model::TakeSnapshot{users, snap(1, 10)});
    EXPECT_EQ(changed(), Some{orders});
    harness_->restart();
    EXPECT_EQ(changed(), Some{orders});
    done(model::DemoteDataset{orders, model::Epoch{2}});
    EXPECT_EQ(changed(), Some{}) << "a replica is not written";
    done(model::StartTrial{orders, first_move, snap(1, 9)});
    done(model::MountDataset{orders});
    harness_->append(orders, "c");
    EXPECT_EQ(changed(), Some{}) << "nor is a trial of a dataset the dataset";
}

TEST_P(DatasetStoreContract, FreezesASnapshotAndOrdersThemByAge) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 9)});
    harness_->append(orders, "b");
    const auto seen = done(model::TakeSnapshot{orders, snap(1, 10)});
    harness_->append(orders, "c");
    EXPECT_EQ(ids(done(model::TakeSnapshot{orders, snap(1, 10)})), (Ids{snap(1, 9), snap(1, 10)})) << "the same again";
    ASSERT_EQ(ids(seen), (Ids{snap(1, 9), snap(1, 10)}));
    EXPECT_LE(seen.snapshots[0].taken, seen.snapshots[1].taken);

    done(model::DemoteDataset{orders, model::Epoch{2}});
    done(model::StartTrial{orders, first_move, snap(1, 9)});
    done(model::MountDataset{orders});
    EXPECT_EQ(harness_->content(orders), "a");
    done(model::StartTrial{orders, second_move, snap(1, 10)});
    done(model::MountDataset{orders});
    EXPECT_EQ(harness_->content(orders), "ab");
}

TEST_P(DatasetStoreContract, SealsWithTheLastWriteInTheSnapshot) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    harness_->append(orders, "the last word");
    const auto sealed = done(model::SealDataset{orders, first_move, snap(1, 2)});
    EXPECT_EQ(sealed.seal, (model::Seal{first_move, snap(1, 2)}));
    EXPECT_TRUE(sealed.live);
    EXPECT_FALSE(sealed.mounted);
    EXPECT_FALSE(sealed.changed);
    EXPECT_EQ(ids(sealed), (Ids{snap(1, 1), snap(1, 2)}));

    done(model::DemoteDataset{orders, model::Epoch{2}});
    done(model::StartTrial{orders, first_move, snap(1, 2)});
    done(model::MountDataset{orders});
    EXPECT_EQ(harness_->content(orders), "athe last word");
}

TEST_P(DatasetStoreContract, SealsOnceAMoveAndAnewForTheNext) {
    make_mounted("a");
    const auto sealed = done(model::SealDataset{orders, first_move, snap(1, 1)});
    EXPECT_EQ(done(model::SealDataset{orders, first_move, snap(1, 1)}), sealed);
    EXPECT_EQ(done(model::SealDataset{orders, first_move, snap(1, 2)}), sealed) << "a second order for the same move";

    const auto again = done(model::SealDataset{orders, second_move, snap(1, 2)});
    EXPECT_EQ(again.seal, (model::Seal{second_move, snap(1, 2)}));
    EXPECT_FALSE(again.changed);
    EXPECT_EQ(ids(again), (Ids{snap(1, 1), snap(1, 2)}));
}

TEST_P(DatasetStoreContract, TakesTheWayBackFromASeal) {
    make_mounted("a");
    done(model::SealDataset{orders, first_move, snap(1, 1)});
    expect_refused(ErrorCode::conflict, model::UnsealDataset{orders, model::Epoch{2}});
    EXPECT_TRUE(see().seal);

    EXPECT_FALSE(done(model::UnsealDataset{orders, model::Epoch{1}}).seal);
    EXPECT_FALSE(done(model::UnsealDataset{orders, model::Epoch{1}}).seal);
    done(model::MountDataset{orders});
    harness_->append(orders, "b");
    EXPECT_EQ(harness_->content(orders), "ab");
    EXPECT_TRUE(see().changed);
}

TEST_P(DatasetStoreContract, StartsATrialOnlyFromASnapshotAndBesideNoLiveCopy) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    expect_refused(ErrorCode::conflict, model::StartTrial{orders, first_move, snap(1, 1)});

    done(model::DemoteDataset{orders, model::Epoch{2}});
    expect_refused(ErrorCode::not_found, model::StartTrial{orders, first_move, snap(1, 77)});
    expect_refused(ErrorCode::not_found, model::MountDataset{orders});
    const auto seen = done(model::StartTrial{orders, first_move, snap(1, 1)});
    EXPECT_EQ(seen.trial, (model::Trial{first_move, snap(1, 1)}));
    EXPECT_FALSE(seen.live);
    EXPECT_FALSE(seen.mounted);
}

TEST_P(DatasetStoreContract, ThrowsATrialAndItsWritesAway) {
    make_replica("a");
    done(model::StartTrial{orders, first_move, snap(1, 1)});
    EXPECT_TRUE(done(model::MountDataset{orders}).mounted);
    harness_->append(orders, "never acknowledged");
    EXPECT_TRUE(done(model::StartTrial{orders, first_move, snap(1, 1)}).mounted) << "the same again";
    EXPECT_EQ(harness_->content(orders), "anever acknowledged");

    const auto seen = done(model::DiscardTrial{orders});
    EXPECT_FALSE(seen.trial);
    EXPECT_FALSE(seen.mounted);
    EXPECT_EQ(ids(seen), Ids{snap(1, 1)});
    EXPECT_EQ(done(model::DiscardTrial{orders}), seen);

    done(model::StartTrial{orders, second_move, snap(1, 1)});
    done(model::MountDataset{orders});
    EXPECT_EQ(harness_->content(orders), "a");
}

TEST_P(DatasetStoreContract, ReplacesATrialOfAnotherMove) {
    make_replica("a");
    done(model::StartTrial{orders, first_move, snap(1, 1)});
    done(model::MountDataset{orders});
    harness_->append(orders, "of the first");
    const auto seen = done(model::StartTrial{orders, second_move, snap(1, 1)});
    EXPECT_EQ(seen.trial, (model::Trial{second_move, snap(1, 1)}));
    EXPECT_FALSE(seen.mounted);
    done(model::MountDataset{orders});
    EXPECT_EQ(harness_->content(orders), "a");
}

TEST_P(DatasetStoreContract, AdoptsATrialWithItsWritesWhileItStaysMounted) {
    make_replica("a");
    done(model::StartTrial{orders, first_move, snap(1, 1)});
    done(model::MountDataset{orders});
    harness_->append(orders, "b");
    done(model::SyncTrial{orders});
    expect_refused(ErrorCode::conflict, model::AdoptTrial{orders, second_move, model::Epoch{3}, alder});

    const auto adopted = done(model::AdoptTrial{orders, first_move, model::Epoch{3}, alder});
    EXPECT_TRUE(adopted.live);
    EXPECT_TRUE(adopted.mounted);
    EXPECT_FALSE(adopted.trial);
    EXPECT_FALSE(adopted.seal);
    EXPECT_TRUE(adopted.changed);
    EXPECT_EQ(adopted.epoch, model::Epoch{3});
    EXPECT_EQ(adopted.acknowledged, (std::map<model::NodeId, model::SnapshotId>{{alder, snap(1, 1)}}));
    harness_->append(orders, "c");
    EXPECT_EQ(harness_->content(orders), "abc");

    EXPECT_TRUE(done(model::AdoptTrial{orders, first_move, model::Epoch{3}, alder}).live) << "the same again";
    EXPECT_TRUE(done(model::MountDataset{orders}).mounted);
    EXPECT_EQ(harness_->content(orders), "abc");
    EXPECT_FALSE(done(model::TakeSnapshot{orders, snap(3, 1)}).changed);
}

TEST_P(DatasetStoreContract, LetsSnapshotsGo) {
    make_mounted("a");
    for (const std::uint64_t i : {1U, 2U, 3U}) done(model::TakeSnapshot{orders, snap(1, i)});
    EXPECT_EQ(ids(done(model::DropSnapshots{orders, {snap(1, 1), snap(1, 2)}})), Ids{snap(1, 3)});
    EXPECT_EQ(ids(done(model::DropSnapshots{orders, {snap(1, 1), snap(1, 2)}})), Ids{snap(1, 3)});
    EXPECT_EQ(harness_->content(orders), "a");
}

TEST_P(DatasetStoreContract, LetsTheNewestSnapshotGoOnlyWhereTheLiveCopyIsAndNotTheSealedOne) {
    make_mounted("a");
    for (const std::uint64_t i : {1U, 2U}) done(model::TakeSnapshot{orders, snap(1, i)});
    const auto without = done(model::DropSnapshots{orders, {snap(1, 1), snap(1, 2)}});
    EXPECT_EQ(ids(without), Ids{});
    EXPECT_TRUE(without.changed) << "there is no snapshot that it is equal to";
    EXPECT_EQ(harness_->content(orders), "a");

    done(model::TakeSnapshot{orders, snap(1, 3)});
    done(model::SealDataset{orders, first_move, snap(1, 4)});
    expect_refused(ErrorCode::conflict, model::DropSnapshots{orders, {snap(1, 3), snap(1, 4)}});
    EXPECT_EQ(ids(see()), (Ids{snap(1, 3), snap(1, 4)}));
    done(model::DemoteDataset{orders, model::Epoch{2}});
    expect_refused(ErrorCode::conflict, model::DropSnapshots{orders, {snap(1, 4)}});
    EXPECT_EQ(ids(done(model::DropSnapshots{orders, {snap(1, 3)}})), Ids{snap(1, 4)});
}

TEST_P(DatasetStoreContract, RemembersWhoHoldsWhat) {
    make_mounted("a");
    done(model::NoteAcknowledged{orders, alder, snap(1, 1)});
    done(model::NoteAcknowledged{orders, birch, snap(1, 1)});
    done(model::NoteAcknowledged{orders, alder, snap(1, 2)});
    const std::map<model::NodeId, model::SnapshotId> holdings{{alder, snap(1, 2)}, {birch, snap(1, 1)}};
    EXPECT_EQ(done(model::NoteAcknowledged{orders, alder, snap(1, 2)}).acknowledged, holdings);
    harness_->restart();
    EXPECT_EQ(see().acknowledged, holdings);
}

TEST_P(DatasetStoreContract, KeepsAMaximumSizeForAsLongAsThereIsACopyToWrite) {
    constexpr Bytes small{1U << 30U};
    constexpr Bytes large{2U << 30U};
    const auto limited = [this](std::optional<Bytes> maximum) {
        const auto seen = done(model::LimitDataset{orders, maximum});
        EXPECT_EQ(seen.maximum_size, maximum);
        EXPECT_EQ(seen.size_trouble, "");
        EXPECT_EQ(see().maximum_size, maximum);
    };
    expect_refused(ErrorCode::not_found, model::LimitDataset{orders, small});
    make_mounted("a");
    EXPECT_EQ(see().maximum_size, std::nullopt);
    limited(std::nullopt);
    limited(small);
    limited(small);
    harness_->restart();
    EXPECT_EQ(see().maximum_size, small);
    limited(large);
    limited(std::nullopt);
    limited(small);
    harness_->append(orders, "b");
    EXPECT_EQ(done(model::SealDataset{orders, first_move, snap(1, 1)}).maximum_size, small) << "the way back is open";

    EXPECT_EQ(done(model::DemoteDataset{orders, model::Epoch{2}}).maximum_size, std::nullopt);
    expect_refused(ErrorCode::not_found, model::LimitDataset{orders, small});
    EXPECT_EQ(done(model::StartTrial{orders, second_move, snap(1, 1)}).maximum_size, std::nullopt);
    done(model::MountDataset{orders});
    limited(large);
    EXPECT_EQ(done(model::AdoptTrial{orders, second_move, model::Epoch{3}, alder}).maximum_size, large);
    harness_->append(orders, "c");
    EXPECT_EQ(harness_->content(orders), "abc");
    EXPECT_FALSE(perform(*harness_, model::DestroyDataset{orders}).value().has_value());
    done(model::CreateDataset{orders, model::Epoch{1}});
    EXPECT_EQ(see().maximum_size, std::nullopt);
}

TEST_P(DatasetStoreContract, DestroysEveryTrace) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    done(model::CreateDataset{users, model::Epoch{1}});
    EXPECT_FALSE(perform(*harness_, model::DestroyDataset{orders}).value().has_value());
    EXPECT_FALSE(perform(*harness_, model::DestroyDataset{orders}).value().has_value());
    EXPECT_FALSE(observe_one(*harness_, orders).value().has_value());
    EXPECT_EQ(observe(*harness_).value().size(), 1U);

    done(model::CreateDataset{orders, model::Epoch{1}});
    done(model::MountDataset{orders});
    EXPECT_EQ(harness_->content(orders), "");
}

TEST_P(DatasetStoreContract, IsTheSameAfterARestartAtEveryStage) {
    const auto restarted = [this](model::DatasetSeen before) {
        harness_->restart();
        auto after = see();
        // Not knowing is allowed to say changed.
        after.changed = before.changed = false;
        after.used = before.used = Bytes{};
        EXPECT_EQ(after, before);
        EXPECT_EQ(observe(*harness_).value().size(), 1U);
    };
    restarted(done(model::CreateDataset{orders, model::Epoch{1}}));
    restarted(done(model::MountDataset{orders}));
    harness_->append(orders, "a");
    restarted(done(model::LimitDataset{orders, Bytes{1U << 30U}}));
    restarted(done(model::TakeSnapshot{orders, snap(1, 1)}));
    restarted(done(model::SealDataset{orders, first_move, snap(1, 2)}));
    restarted(done(model::DemoteDataset{orders, model::Epoch{2}}));
    restarted(done(model::StartTrial{orders, second_move, snap(1, 2)}));
    restarted(done(model::MountDataset{orders}));
    restarted(done(model::SyncTrial{orders}));
    restarted(done(model::AdoptTrial{orders, second_move, model::Epoch{3}, alder}));
    EXPECT_EQ(harness_->content(orders), "a");
}

TEST_P(DatasetStoreContract, KnowsItsRoom) {
    const auto capacity = outcome_of<ports::Capacity>(*harness_, [&](auto done) { harness_->store().capacity(done); });
    ASSERT_TRUE(capacity) << capacity.error();
    EXPECT_GT(capacity->free.value, 0U);
    EXPECT_LE(capacity->free, capacity->size);
}

}  // namespace flocker::contract
