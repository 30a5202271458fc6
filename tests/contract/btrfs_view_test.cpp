// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "adapters/btrfs/snapshot_view.hpp"
#include "adapters/posix/fd.hpp"
#include "tests/contract/btrfs_store_test.hpp"

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;
using namespace model;

/// A dataset with the snapshots e1-s1 "a" and e1-s2 "ab", and a folder to look into them.
class BtrfsView : public BtrfsStore {
protected:
    void SetUp() override {
        make_mounted("a");
        done(TakeSnapshot{orders, snap(1, 1)});
        harness.append(orders, "b");
        done(TakeSnapshot{orders, snap(1, 2)});
        fs::create_directories(view());
    }
    std::string view() { return harness.disk.pool() + "/../view"; }
    std::string content() {
        std::ifstream file(view() + "/log");
        return {std::istreambuf_iterator<char>(file), {}};
    }
    Status mount(const std::string& id) { return btrfs::mount_snapshot(harness.disk.pool(), orders, id, view()); }
    void mounted(const std::string& id) {
        const Status status = mount(id);
        EXPECT_TRUE(status) << status.error();
    }
    Status unmount() { return btrfs::unmount_snapshot(view()); }
    static void expect_refused(ErrorCode code, const Status& status) {
        ASSERT_FALSE(status);
        EXPECT_EQ(status.error().code, code) << status.error();
    }
};

TEST_F(BtrfsView, ShowsASnapshotReadOnly) {
    mounted("e1-s1");
    EXPECT_EQ(content(), "a");
    EXPECT_LT(::open((view() + "/log").c_str(), O_RDWR | O_CLOEXEC), 0);
    EXPECT_EQ(errno, EROFS);
    struct statvfs system {};
    ASSERT_EQ(::statvfs(view().c_str(), &system), 0);
    EXPECT_EQ(system.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV), ST_RDONLY | ST_NOSUID | ST_NODEV);
    harness.append(orders, "c");
    EXPECT_EQ(harness.content(orders), "abc") << "the owner goes on";
    EXPECT_TRUE(unmount());
    EXPECT_TRUE(fs::is_empty(view()));
}

TEST_F(BtrfsView, ShowsWhatWasSetAsideByEitherName) {
    harness.append(orders, "c");
    const auto aside = done(DemoteDataset{orders, Epoch{2}, snap(1, 1)}).set_aside;
    ASSERT_EQ(aside.size(), 1U);
    for (const std::string& name : {to_text(aside[0].id), "aside-" + to_text(aside[0].id)}) {
        mounted(name);
        EXPECT_EQ(content(), "abc");
        EXPECT_LT(::open((view() + "/log").c_str(), O_RDWR | O_CLOEXEC), 0);
        EXPECT_TRUE(unmount());
    }
}

TEST_F(BtrfsView, RefusesWhatItCanNotShow) {
    expect_refused(ErrorCode::not_found, mount("e1-s3"));
    expect_refused(ErrorCode::not_found, mount("aside-e1-s1"));
    for (const char* name : {"live", "marker.json", "../e1-s1", "e1-s1/", "", ".."}) {
        expect_refused(ErrorCode::invalid_argument, mount(name));
    }
    const DatasetId nowhere{"00000000-0000-4000-8000-000000000001"};
    expect_refused(ErrorCode::not_found, btrfs::mount_snapshot(harness.disk.pool(), nowhere, "e1-s1", view()));
    const DatasetId bad{"../" + orders.value};
    expect_refused(ErrorCode::invalid_argument, btrfs::mount_snapshot(harness.disk.pool(), bad, "e1-s1", view()));
}

TEST_F(BtrfsView, HidesNothingThatIsThereAlready) {
    fs::remove(view());
    expect_refused(ErrorCode::not_found, mount("e1-s1"));
    run("echo mine > " + view());
    expect_refused(ErrorCode::invalid_argument, mount("e1-s1"));
    run("rm " + view() + " && mkdir " + view() + " && echo mine > " + view() + "/notes");
    expect_refused(ErrorCode::conflict, mount("e1-s1"));
    run("rm " + view() + "/notes");
    mounted("e1-s1");
    expect_refused(ErrorCode::already_exists, mount("e1-s1"));
    expect_refused(ErrorCode::already_exists, mount("e1-s2"));
    EXPECT_EQ(content(), "a");
    EXPECT_TRUE(unmount());
    expect_refused(ErrorCode::not_found, unmount());
}

TEST_F(BtrfsView, UnmountsNothingButASnapshot) {
    expect_refused(ErrorCode::conflict, btrfs::unmount_snapshot(volume()));
    EXPECT_TRUE(see().mounted);
    ASSERT_EQ(::mount("tmpfs", view().c_str(), "tmpfs", 0, nullptr), 0);
    expect_refused(ErrorCode::conflict, unmount());
    ASSERT_EQ(::umount2(view().c_str(), 0), 0);
    mounted("e1-s1");
    posix::Fd open_file(::open((view() + "/log").c_str(), O_RDONLY | O_CLOEXEC));
    expect_refused(ErrorCode::conflict, unmount());
    open_file.reset();
    EXPECT_TRUE(unmount());
}

TEST_F(BtrfsView, StaysReadableWhenTheSnapshotIsDropped) {
    mounted("e1-s1");
    const auto seen = done(DropSnapshots{orders, {snap(1, 1)}});
    EXPECT_EQ(seen.snapshots.size(), 1U);
    EXPECT_EQ(content(), "a");
    harness.restart();
    ASSERT_TRUE(observe(harness));
    EXPECT_EQ(content(), "a") << "and an agent that starts again leaves it";
    EXPECT_TRUE(names_in_folder().contains(".dropping-e1-s1")) << "not only in the cache";
    done(TakeSnapshot{orders, snap(1, 3)});
    EXPECT_EQ(done(DropSnapshots{orders, {snap(1, 2)}}).snapshots.size(), 1U) << "the others still go";

    EXPECT_TRUE(unmount());
    ASSERT_TRUE(observe(harness));
    EXPECT_EQ(names_in_folder(), (std::set<std::string>{"marker.json", "live", "e1-s3"}));
}

TEST_F(BtrfsView, StaysReadableWhenTheDatasetGoes) {
    mounted("e1-s2");
    EXPECT_FALSE(perform(harness, DestroyDataset{orders}).value().has_value());
    EXPECT_EQ(observe(harness).value().size(), 0U);
    done(CreateDataset{orders, Epoch{1}});
    EXPECT_EQ(content(), "ab");
    EXPECT_TRUE(unmount());
    EXPECT_EQ(observe(harness).value().size(), 1U);
    std::set<std::string> left;
    for (const auto& entry : fs::directory_iterator(folder() + "/..")) left.insert(entry.path().filename());
    EXPECT_EQ(left, std::set<std::string>{orders.value});
}

}  // namespace
}  // namespace flocker::contract
