// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <fstream>
#include <iterator>

#include "adapters/btrfs/dataset_disk.hpp"
#include "tests/contract/btrfs_store_test.hpp"
#include "tests/contract/kill_loop.hpp"

namespace flocker::contract {
namespace {

using namespace model;

using BtrfsCrash = BtrfsStore;

TEST_F(BtrfsCrash, WritesAgainAfterASealThatDidNotComeToItsEnd) {
    make_mounted("a");
    ASSERT_EQ(::umount2(volume().c_str(), 0), 0);
    run("btrfs property set " + folder() + "/live ro true && btrfs -q subvolume snapshot -r " + folder() + "/live " +
        folder() + "/e1-s1");
    EXPECT_FALSE(see().seal);
    done(MountDataset{orders});
    harness.append(orders, "b");
    EXPECT_EQ(harness.content(orders), "ab");

    refused(ErrorCode::conflict, SealDataset{orders, MoveId{1}, snap(1, 1)});
    done(SealDataset{orders, MoveId{1}, snap(1, 2)});
}

TEST_F(BtrfsCrash, EndsASealWhoseMarkerWasNotWritten) {
    make_mounted("a");
    ASSERT_EQ(::umount2(volume().c_str(), 0), 0);
    run("btrfs property set " + folder() + "/live ro true && btrfs -q subvolume snapshot -r " + folder() + "/live " +
        folder() + "/e1-s1");
    EXPECT_EQ(done(SealDataset{orders, MoveId{1}, snap(1, 1)}).seal, (Seal{MoveId{1}, snap(1, 1)}));
}

TEST_F(BtrfsCrash, EndsAnAdoptionWhereverItStopped) {
    make_mounted("a");
    done(TakeSnapshot{orders, snap(1, 1)});
    done(DemoteDataset{orders, Epoch{2}});
    done(StartTrial{orders, MoveId{1}, snap(1, 1)});
    put_marker(
        {.epoch = Epoch{3}, .seal = {}, .trial = Trial{MoveId{1}, snap(1, 1)}, .acknowledged = {{alder, snap(1, 1)}}});
    EXPECT_FALSE(see().live);
    EXPECT_TRUE(see().trial);
    EXPECT_TRUE(done(AdoptTrial{orders, MoveId{1}, Epoch{3}, alder}).live);
    EXPECT_EQ(see().epoch, Epoch{3});
    EXPECT_FALSE(see().trial);
}

TEST_F(BtrfsCrash, EndsAStepDownWhereverItStopped) {
    make_mounted("a");
    done(TakeSnapshot{orders, snap(1, 1)});
    ASSERT_EQ(::umount2(volume().c_str(), 0), 0);
    run("mv " + folder() + "/live " + folder() + "/.dropping-live");
    EXPECT_FALSE(see().live);
    EXPECT_EQ(done(DemoteDataset{orders, Epoch{2}}).epoch, Epoch{2});
}

TEST_F(BtrfsCrash, SurvivesAPowerLossAfterEachDurableAction) {
    const auto power_loss = [&] {
        harness.disk.power_loss();
        harness.restart();
        const auto all = observe(harness);
        ASSERT_TRUE(all) << all.error();
        ASSERT_EQ(all->size(), 1U);
    };
    done(CreateDataset{orders, Epoch{1}});
    power_loss();
    EXPECT_TRUE(see().live);
    done(MountDataset{orders});
    harness.append(orders, std::string(1'000'000, 'a'));
    done(SealDataset{orders, MoveId{1}, snap(1, 1)});
    power_loss();
    EXPECT_EQ(see().seal, (Seal{MoveId{1}, snap(1, 1)}));
    done(DemoteDataset{orders, Epoch{2}});
    power_loss();
    EXPECT_FALSE(see().live);
    EXPECT_EQ(see().epoch, Epoch{2});
    done(StartTrial{orders, MoveId{2}, snap(1, 1)});
    done(MountDataset{orders});
    harness.append(orders, "b");
    done(SyncTrial{orders});
    power_loss();
    done(MountDataset{orders});
    EXPECT_EQ(harness.content(orders), std::string(1'000'000, 'a') + "b");
    done(AdoptTrial{orders, MoveId{2}, Epoch{3}, alder});
    power_loss();
    EXPECT_TRUE(see().live);
    EXPECT_EQ(see().epoch, Epoch{3});
    done(MountDataset{orders});
    EXPECT_EQ(harness.content(orders), std::string(1'000'000, 'a') + "b");
}

/// What an agent would do next to bring the dataset through a whole move and back into service here.
std::optional<DatasetAction> next_action(const std::optional<DatasetSeen>& seen, const std::string& content) {
    if (!seen) return CreateDataset{orders, Epoch{1}};
    const bool first = seen->epoch == Epoch{1};
    if (seen->live && first && seen->seal) return DemoteDataset{orders, Epoch{2}};
    if ((seen->live || seen->trial) && !seen->mounted) return MountDataset{orders};
    if (seen->live && first && content.empty()) return std::nullopt;
    if (seen->live && first && seen->snapshots.empty()) return TakeSnapshot{orders, snap(1, 1)};
    if (seen->live && first) return SealDataset{orders, MoveId{1}, snap(1, seen->snapshots.back().id.sequence + 1)};
    if (seen->trial) return AdoptTrial{orders, MoveId{2}, Epoch{3}, alder};
    if (!seen->live && first) return DemoteDataset{orders, Epoch{2}};
    if (!seen->live) return StartTrial{orders, MoveId{2}, seen->snapshots.back().id};
    return std::nullopt;
}

TEST_F(BtrfsCrash, EndsWhereItWouldHaveAfterAKillAtAnyInstant) {
    const std::string file = volume() + "/log";
    const auto content = [&] {
        std::ifstream log(file);
        return std::string(std::istreambuf_iterator<char>(log), {});
    };
    /// To the end of the story: in service at epoch 3. Empty: that is where it is.
    const auto go_on = [&](btrfs::DatasetDisk& disk) -> std::string {
        for (int steps = 0; steps < 100; ++steps) {
            const auto seen = disk.observe_one(orders);
            if (!seen) return seen.error().message;
            if (*seen && (*seen)->live && (*seen)->mounted && (*seen)->epoch == Epoch{3}) return "";
            const auto action = next_action(*seen, content());
            if (!action) {
                std::ofstream(file) << "written once";
                continue;
            }
            const auto done = disk.perform(*action);
            if (!done) return done.error().message;
        }
        return "it does not come to an end";
    };
    const btrfs::Options options{.pool = harness.disk.pool(), .volumes = harness.disk.volumes(), .patience = 100ms};
    kill_in_the_middle_of(
        go_on, options, 60, 80ms, [](const auto&) {},
        [&](btrfs::DatasetDisk& disk, int round) {
            ASSERT_EQ(content(), "written once") << "round " << round;
            EXPECT_EQ(disk.observe().value().size(), 1U);
            for (const std::string& name : names_in_folder()) EXPECT_FALSE(name.starts_with(".")) << name;
        });
}

}  // namespace
}  // namespace flocker::contract
