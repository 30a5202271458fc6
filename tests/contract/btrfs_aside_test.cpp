// SPDX-License-Identifier: Apache-2.0
//
// What a former owner wrote, on a real pool: that it is kept whole, through crashes too.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "adapters/btrfs/dataset_disk.hpp"
#include "adapters/btrfs/snapshot_view.hpp"
#include "tests/contract/btrfs_store_test.hpp"
#include "tests/contract/kill_loop.hpp"

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;
using namespace model;
using Names = std::set<std::string>;

class BtrfsAside : public BtrfsStore {
protected:
    /// An owner with the snapshots e1-s1 "a" and e1-s2 "ab", and "abc" in its live copy.
    void make_diverged() {
        make_mounted("a");
        done(TakeSnapshot{orders, snap(1, 1)});
        harness.append(orders, "b");
        done(TakeSnapshot{orders, snap(1, 2)});
        harness.append(orders, "c");
    }
    DatasetSeen step_down() { return done(DemoteDataset{orders, Epoch{2}, snap(1, 1)}); }
    /// Whatever came in between, this is how it ends.
    void expect_kept(std::uint64_t sequence, const std::string& content = "abc") {
        const std::string aside = "aside-e1-s" + std::to_string(sequence);
        EXPECT_EQ(names_in_folder(), (Names{"marker.json", "e1-s1", aside}));
        EXPECT_EQ(harness.content_set_aside(orders, snap(1, sequence)), content);
        const auto seen = see();
        EXPECT_EQ(seen.epoch, Epoch{2});
        EXPECT_FALSE(seen.live);
        EXPECT_EQ(seen.set_aside.size(), 1U);
    }
};

TEST_F(BtrfsAside, CanNotBeWritten) {
    make_diverged();
    step_down();
    expect_kept(3);
    std::ofstream file(folder() + "/aside-e1-s3/log", std::ios::app);
    EXPECT_FALSE(file.is_open());
}

TEST_F(BtrfsAside, HoldsWhatNoSnapshotWouldHold) {
    make_diverged();
    run("btrfs -q subvolume create " + volume() + "/inner && echo text > " + volume() + "/inner/file");
    EXPECT_EQ(step_down().set_aside.size(), 1U);
    EXPECT_TRUE(fs::exists(folder() + "/aside-e1-s3/inner/file"));
    EXPECT_FALSE(perform(harness, DestroyDataset{orders}).value().has_value());
    EXPECT_TRUE(fs::is_empty(harness.disk.pool() + "/flocker"));
}

TEST_F(BtrfsAside, SaysRoughlyHowMuchItIsAndWhenItWasWritten) {
    make_diverged();
    harness.append(orders, std::string(3'000'000, 'x'));
    const auto set_aside = step_down().set_aside;
    ASSERT_EQ(set_aside.size(), 1U);
    EXPECT_GT(set_aside[0].size.value, 2'900'000U);
    EXPECT_LT(set_aside[0].size.value, 3'200'000U);
    const auto snapshots = see().snapshots;
    ASSERT_EQ(snapshots.size(), 1U);
    EXPECT_GT(set_aside[0].taken, snapshots[0].taken);
    EXPECT_LT(set_aside[0].taken - snapshots[0].taken, Duration{1min});
}

TEST_F(BtrfsAside, IsNotTakenForAStrangersFile) {
    make_diverged();
    step_down();
    done(ReleaseReplica{orders});
    run("mkdir " + folder() + "/aside-notes && echo mine > " + folder() + "/aside-e1");
    const auto all = observe(harness);
    ASSERT_TRUE(all) << all.error();
    ASSERT_EQ(all->size(), 1U);
    EXPECT_EQ(all->at(0).set_aside.size(), 1U);
    EXPECT_EQ(names_in_folder(), (Names{"marker.json", "aside-e1-s3", "aside-notes", "aside-e1"}));
}

TEST_F(BtrfsAside, StaysReadableWhileItIsLookedAtWhenItIsRemoved) {
    make_diverged();
    step_down();
    const std::string view = harness.disk.pool() + "/../view";
    fs::create_directories(view);
    ASSERT_TRUE(btrfs::mount_snapshot(harness.disk.pool(), orders, "aside-e1-s3", view));
    EXPECT_EQ(done(DropAside{orders, {snap(1, 3)}}).set_aside.size(), 0U);
    EXPECT_EQ(names_in_folder(), (Names{"marker.json", "e1-s1", ".dropping-aside-e1-s3"}));
    EXPECT_TRUE(fs::exists(view + "/log"));
    ASSERT_TRUE(btrfs::unmount_snapshot(view));
    ASSERT_TRUE(observe(harness));
    EXPECT_EQ(names_in_folder(), (Names{"marker.json", "e1-s1"}));
}

// --- crashes ------------------------------------------------------------------------------------

TEST_F(BtrfsAside, SurvivesAPowerLoss) {
    make_diverged();
    harness.append(orders, std::string(1'000'000, 'x'));
    step_down();
    harness.disk.power_loss();
    harness.restart();
    ASSERT_EQ(observe(harness).value().size(), 1U);
    expect_kept(3, "abc" + std::string(1'000'000, 'x'));
}

TEST_F(BtrfsAside, IsWholeWhereverAStepDownStopped) {
    const std::string frozen = "cd " + folder() + " && btrfs property set live ro true";
    for (const std::string& stopped :
         {frozen, frozen + " && mv e1-s2 .dropping-e1-s2", frozen + " && btrfs -q subvolume delete e1-s2"}) {
        make_diverged();
        ASSERT_EQ(::umount2(volume().c_str(), 0), 0);
        run(stopped);
        harness.restart();
        ASSERT_EQ(observe(harness).value().size(), 1U) << stopped;
        EXPECT_TRUE(see().live) << "so it is done again: " << stopped;
        step_down();
        expect_kept(stopped.find("e1-s2") == std::string::npos ? 3 : 2);
        ASSERT_TRUE(perform(harness, DestroyDataset{orders}));
    }
    make_diverged();
    ASSERT_EQ(::umount2(volume().c_str(), 0), 0);
    run(frozen + " && btrfs -q subvolume delete e1-s2 && mv live aside-e1-s2");
    EXPECT_EQ(see().set_aside.size(), 1U);
    step_down();
    expect_kept(2);
}

/// One step on the way of an owner that diverges after its first snapshot and then steps down; nullopt: it is there.
std::optional<DatasetAction> next_action(const std::optional<DatasetSeen>& seen, const std::string& log) {
    if (!seen) return CreateDataset{orders, Epoch{1}};
    if (!seen->live) {
        if (seen->epoch == Epoch{2}) return std::nullopt;
        return DemoteDataset{orders, Epoch{2}, snap(1, 1)};
    }
    std::ifstream file(log);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    if (content == "abc") return DemoteDataset{orders, Epoch{2}, snap(1, 1)};
    if (!seen->mounted) return MountDataset{orders};
    const std::size_t snapshots_due = content.size();
    if (seen->snapshots.size() < snapshots_due) return TakeSnapshot{orders, snap(1, snapshots_due)};
    std::ofstream(log, std::ios::app) << std::string(1, static_cast<char>('a' + content.size())) << std::flush;
    return next_action(seen, log);
}

TEST_F(BtrfsAside, IsWholeAfterAKillAtAnyInstant) {
    const std::string log = folder() + "/live/log";
    const auto go_on = [&](btrfs::DatasetDisk& disk) -> std::string {
        for (int steps = 0; steps < 100; ++steps) {
            const auto seen = disk.observe_one(orders);
            if (!seen) return seen.error().message;
            const auto action = next_action(*seen, log);
            if (!action) return "";
            if (const auto done = disk.perform(*action); !done) return done.error().message;
        }
        return "it does not come to an end";
    };
    const btrfs::Options options{.pool = harness.disk.pool(), .volumes = harness.disk.volumes(), .patience = 100ms};
    int in_the_middle = 0;
    const auto look = [&](const std::vector<DatasetSeen>& all) {
        const bool stepping_down =
            !all.empty() && (all.at(0).live ? !all.at(0).mounted && fs::exists(log) : all.at(0).epoch == Epoch{1});
        in_the_middle += stepping_down ? 1 : 0;
    };
    kill_in_the_middle_of(go_on, options, 60, 120ms, look, [&](btrfs::DatasetDisk& disk, int round) {
        const auto end = disk.observe_one(orders).value();
        ASSERT_TRUE(end) << "round " << round;
        ASSERT_EQ(end->set_aside.size(), 1U) << "round " << round;
        ASSERT_EQ(harness.content_set_aside(orders, end->set_aside[0].id), "abc") << "round " << round;
        ASSERT_EQ(end->snapshots.size(), 1U) << "round " << round;
        disk.observe().value();
        EXPECT_EQ(names_in_folder(), (Names{"marker.json", "e1-s1", "aside-" + to_text(end->set_aside[0].id)}));
        if (round % 2 == 0) {
            ASSERT_TRUE(disk.perform(DestroyDataset{orders}));
        }
    });
    EXPECT_GT(in_the_middle, 0) << "no kill has met a step down";
}

}  // namespace
}  // namespace flocker::contract
