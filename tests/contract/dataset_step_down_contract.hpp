// SPDX-License-Identifier: Apache-2.0
//
// The part of dataset_store_contract.hpp that is about owners which are owners no more, and what they wrote.
#pragma once

#include <gtest/gtest.h>

#include "tests/contract/dataset_store_fixture.hpp"

namespace flocker::contract {

TEST_P(DatasetStoreContract, KeepsWhatAnOldOwnerWroteWhenItStepsDown) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    harness_->append(orders, "written after the failover");
    const auto demoted = done(model::DemoteDataset{orders, model::Epoch{2}, snap(1, 1)});
    EXPECT_FALSE(demoted.live);
    EXPECT_FALSE(demoted.mounted);
    EXPECT_EQ(demoted.epoch, model::Epoch{2});
    EXPECT_EQ(ids(demoted), Ids{snap(1, 1)});
    ASSERT_EQ(demoted.set_aside.size(), 1U);
    EXPECT_GT(demoted.set_aside[0].id, snap(1, 1));
    EXPECT_EQ(demoted.set_aside[0].id.epoch, model::Epoch{1}) << "it is its owner's, at that owner's epoch";
    EXPECT_GT(demoted.set_aside[0].taken, Instant{});
    EXPECT_EQ(harness_->content_set_aside(orders, demoted.set_aside[0].id), "awritten after the failover");
    EXPECT_EQ(done(model::DemoteDataset{orders, model::Epoch{2}, snap(1, 1)}), demoted) << "the same again";

    done(model::StartTrial{orders, first_move, snap(1, 1)});
    done(model::MountDataset{orders});
    EXPECT_EQ(harness_->content(orders), "a") << "of the line that goes on";
}

TEST_P(DatasetStoreContract, SetsNothingAsideThatTheNewOwnerBeganFrom) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    harness_->append(orders, "b");
    done(model::TakeSnapshot{orders, snap(1, 2)});
    const auto demoted = done(model::DemoteDataset{orders, model::Epoch{2}, snap(1, 2)});
    EXPECT_FALSE(demoted.live);
    EXPECT_EQ(ids(demoted), (Ids{snap(1, 1), snap(1, 2)}));
    EXPECT_EQ(demoted.set_aside.size(), 0U);
}

TEST_P(DatasetStoreContract, SetsAsideWhatOnlyAReplicaHasOfALineThatEnded) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    harness_->append(orders, "b");
    done(model::TakeSnapshot{orders, snap(1, 2)});
    harness_->append(orders, "c");
    done(model::SealDataset{orders, first_move, snap(1, 3)});
    done(model::DemoteDataset{orders, model::Epoch{2}, snap(1, 3)});
    const auto demoted = done(model::DemoteDataset{orders, model::Epoch{3}, snap(1, 1)});
    EXPECT_EQ(ids(demoted), Ids{snap(1, 1)});
    ASSERT_EQ(demoted.set_aside.size(), 1U);
    EXPECT_EQ(demoted.set_aside[0].id, snap(1, 3));
    EXPECT_EQ(harness_->content_set_aside(orders, snap(1, 3)), "abc");
    EXPECT_EQ(done(model::DemoteDataset{orders, model::Epoch{3}, snap(1, 1)}), demoted) << "the same again";
}

TEST_P(DatasetStoreContract, DropsTheSnapshotsOfTheLineThatWasSetAside) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    harness_->append(orders, "b");
    done(model::TakeSnapshot{orders, snap(1, 2)});
    harness_->append(orders, "c");
    done(model::TakeSnapshot{orders, snap(1, 3)});
    const auto demoted = done(model::DemoteDataset{orders, model::Epoch{2}, snap(1, 1)});
    EXPECT_EQ(ids(demoted), Ids{snap(1, 1)});
    ASSERT_EQ(demoted.set_aside.size(), 1U);
    EXPECT_GT(demoted.set_aside[0].id, snap(1, 3)) << "no snapshot of any line was called so";
    EXPECT_EQ(harness_->content_set_aside(orders, demoted.set_aside[0].id), "abc");
}

TEST_P(DatasetStoreContract, SetsAsideAllThatIsHereWhenTheNewOwnersBeginIsNot) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 3)});
    const auto later = done(model::DemoteDataset{orders, model::Epoch{2}, snap(1, 9)});
    EXPECT_EQ(ids(later), Ids{snap(1, 3)}) << "the new owner's line went through it";
    ASSERT_EQ(later.set_aside.size(), 1U);
    EXPECT_GT(later.set_aside[0].id, snap(1, 9));

    done(model::CreateDataset{users, model::Epoch{1}});
    done(model::TakeSnapshot{users, snap(1, 3)});
    const auto earlier = done(model::DemoteDataset{users, model::Epoch{2}, snap(1, 2)});
    EXPECT_EQ(ids(earlier), Ids{});
    EXPECT_EQ(earlier.set_aside.size(), 1U);
}

TEST_P(DatasetStoreContract, KeepsEverySnapshotWhenItIsNotToldWhereTheNewOwnerBegan) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    done(model::TakeSnapshot{orders, snap(1, 2)});
    harness_->append(orders, "b");
    const auto demoted = done(model::DemoteDataset{orders, model::Epoch{2}});
    EXPECT_EQ(ids(demoted), (Ids{snap(1, 1), snap(1, 2)}));
    ASSERT_EQ(demoted.set_aside.size(), 1U);
    EXPECT_EQ(harness_->content_set_aside(orders, demoted.set_aside[0].id), "ab");
}

TEST_P(DatasetStoreContract, DoesNotStepDownForAnOlderEpoch) {
    make_mounted("a");
    expect_refused(ErrorCode::conflict, model::DemoteDataset{orders, model::Epoch{1}});
    EXPECT_TRUE(see().mounted);
    done(model::TakeSnapshot{orders, snap(1, 1)});
    done(model::DemoteDataset{orders, model::Epoch{5}});
    EXPECT_EQ(done(model::DemoteDataset{orders, model::Epoch{3}}).epoch, model::Epoch{5});
}

TEST_P(DatasetStoreContract, KeepsWhatWasSetAsideWhateverComes) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    harness_->append(orders, "b");
    const auto first = done(model::DemoteDataset{orders, model::Epoch{2}, snap(1, 1)}).set_aside;
    ASSERT_EQ(first.size(), 1U);

    done(model::StartTrial{orders, first_move, snap(1, 1)});
    EXPECT_EQ(done(model::DiscardTrial{orders}).set_aside, first);
    done(model::StartTrial{orders, second_move, snap(1, 1)});
    done(model::MountDataset{orders});
    EXPECT_EQ(done(model::AdoptTrial{orders, second_move, model::Epoch{3}, alder}).set_aside, first);
    harness_->append(orders, "c");
    done(model::TakeSnapshot{orders, snap(3, 1)});
    EXPECT_EQ(done(model::DropSnapshots{orders, {snap(1, 1), first[0].id}}).set_aside, first);
    harness_->append(orders, "d");
    harness_->restart();
    EXPECT_EQ(observe(*harness_).value().at(0).set_aside, first);

    const auto both = done(model::DemoteDataset{orders, model::Epoch{4}, snap(3, 1)}).set_aside;
    ASSERT_EQ(both.size(), 2U);
    EXPECT_EQ(both[0], first[0]) << "oldest first";
    EXPECT_EQ(harness_->content_set_aside(orders, both[0].id), "ab");
    EXPECT_EQ(harness_->content_set_aside(orders, both[1].id), "acd");
    EXPECT_FALSE(perform(*harness_, model::DestroyDataset{orders}).value().has_value());
    EXPECT_EQ(observe(*harness_).value().size(), 0U);
}

TEST_P(DatasetStoreContract, RemovesWhatWasSetAsideByNameAndNothingElse) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    harness_->append(orders, "b");
    const auto kept = done(model::DemoteDataset{orders, model::Epoch{2}, snap(1, 1)}).set_aside;
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_EQ(done(model::DropAside{orders, {snap(1, 1), snap(7, 7)}}).set_aside, kept) << "these were not set aside";
    const auto left = done(model::DropAside{orders, {kept[0].id}});
    EXPECT_EQ(left.set_aside.size(), 0U);
    EXPECT_EQ(ids(left), Ids{snap(1, 1)}) << "what replication uses stays";
    EXPECT_EQ(done(model::DropAside{orders, {kept[0].id}}), left) << "the same again";
    harness_->restart();
    EXPECT_EQ(observe(*harness_).value().at(0).set_aside.size(), 0U);
}

TEST_P(DatasetStoreContract, LeavesNoTraceWhenTheLastThatWasSetAsideGoes) {
    make_mounted("a");
    const auto kept = done(model::DemoteDataset{orders, model::Epoch{2}, snap(1, 1)}).set_aside;
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_FALSE(perform(*harness_, model::DropAside{orders, {kept[0].id}}).value().has_value());
    EXPECT_FALSE(perform(*harness_, model::DropAside{orders, {kept[0].id}}).value().has_value()) << "the same again";
    EXPECT_EQ(observe(*harness_).value().size(), 0U);
    done(model::CreateDataset{orders, model::Epoch{3}});
}

TEST_P(DatasetStoreContract, StepsDownFromASealWithNoMoreThanTheSealedSnapshot) {
    make_mounted("a");
    done(model::SealDataset{orders, first_move, snap(1, 1)});
    const auto demoted = done(model::DemoteDataset{orders, model::Epoch{2}});
    EXPECT_FALSE(demoted.live);
    EXPECT_FALSE(demoted.seal);
    EXPECT_EQ(ids(demoted), Ids{snap(1, 1)});
    EXPECT_EQ(demoted.set_aside.size(), 0U);
}

TEST_P(DatasetStoreContract, SetsASealedCopyAsideWhenTheNewOwnerBeganFromAnother) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    harness_->append(orders, "b");
    done(model::SealDataset{orders, first_move, snap(1, 2)});
    const auto demoted = done(model::DemoteDataset{orders, model::Epoch{2}, snap(1, 1)});
    EXPECT_FALSE(demoted.live);
    EXPECT_FALSE(demoted.seal);
    EXPECT_EQ(ids(demoted), Ids{snap(1, 1)});
    ASSERT_EQ(demoted.set_aside.size(), 1U);
    EXPECT_EQ(harness_->content_set_aside(orders, demoted.set_aside[0].id), "ab");
}

TEST_P(DatasetStoreContract, LetsAReplicaGoWithEveryTrace) {
    make_replica("a");
    EXPECT_FALSE(perform(*harness_, model::ReleaseReplica{orders}).value().has_value());
    EXPECT_FALSE(perform(*harness_, model::ReleaseReplica{orders}).value().has_value()) << "the same again";
    EXPECT_FALSE(observe_one(*harness_, orders).value().has_value());
    EXPECT_EQ(observe(*harness_).value().size(), 0U);
    done(model::CreateDataset{orders, model::Epoch{1}});
}

TEST_P(DatasetStoreContract, LetsNoReplicaGoThatIsTheOwnersCopyOrATrial) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    expect_refused(ErrorCode::conflict, model::ReleaseReplica{orders});
    EXPECT_TRUE(see().mounted);
    done(model::DemoteDataset{orders, model::Epoch{2}});
    done(model::StartTrial{orders, first_move, snap(1, 1)});
    expect_refused(ErrorCode::conflict, model::ReleaseReplica{orders});
    EXPECT_EQ(ids(see()), Ids{snap(1, 1)});
}

TEST_P(DatasetStoreContract, KeepsWhatWasSetAsideWhenTheReplicaGoes) {
    make_mounted("a");
    done(model::TakeSnapshot{orders, snap(1, 1)});
    harness_->append(orders, "b");
    const auto kept = done(model::DemoteDataset{orders, model::Epoch{2}, snap(1, 1)}).set_aside;
    const auto left = done(model::ReleaseReplica{orders});
    EXPECT_EQ(ids(left), Ids{});
    EXPECT_EQ(left.epoch, model::Epoch{2});
    EXPECT_EQ(left.set_aside, kept);
    EXPECT_EQ(done(model::ReleaseReplica{orders}).set_aside, kept) << "the same again";

    harness_->restart();
    const auto all = observe(*harness_).value();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].set_aside, kept);
    EXPECT_FALSE(all[0].live);
    expect_refused(ErrorCode::already_exists, model::CreateDataset{orders, model::Epoch{3}});
    ASSERT_EQ(kept.size(), 1U);
    EXPECT_EQ(harness_->content_set_aside(orders, kept[0].id), "ab");
}

}  // namespace flocker::contract
