// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <set>
#include <thread>

#include "adapters/posix/fd.hpp"
#include "tests/contract/btrfs_store_test.hpp"
#include "tests/contract/dataset_store_contract.hpp"

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;
using namespace model;

std::unique_ptr<DatasetStoreHarness> make_btrfs() {
    return std::make_unique<BtrfsHarness>();
}
INSTANTIATE_TEST_SUITE_P(Btrfs, DatasetStoreContract, ::testing::Values(DatasetStoreMaker{"btrfs", make_btrfs}));

/// For a Child: from now on it sees mounts of its own.
bool own_mounts() {
    return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

/// Another process, for as long as this lives.
class Child {
public:
    /// `prepare` runs there; then the process waits for `for_how_long`.
    explicit Child(const std::function<bool()>& prepare, Duration for_how_long = 1min) {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            const char ready = prepare() ? 'y' : 'n';
            static_cast<void>(!::write(ends[1], &ready, 1));
            ::usleep(static_cast<useconds_t>(for_how_long.count() / 1000));
            ::_exit(0);
        }
        char ready = 0;
        EXPECT_EQ(::read(ends[0], &ready, 1), 1);
        EXPECT_EQ(ready, 'y') << "the child could not do its part";
        ::close(ends[0]);
        ::close(ends[1]);
    }
    ~Child() { end(); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    void end() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_{0};
};

// --- the pool -----------------------------------------------------------------------------------

TEST_F(BtrfsStore, DoesNotTakeAnUnmountedPoolForAnEmptyOne) {
    make_mounted("a");
    ::umount2(volume().c_str(), 0);
    run("umount " + harness.disk.pool());
    const auto seen = observe(harness);
    ASSERT_FALSE(seen);
    EXPECT_EQ(seen.error().code, ErrorCode::unavailable);
    refused(ErrorCode::unavailable, CreateDataset{orders, Epoch{1}});
    EXPECT_TRUE(fs::is_empty(harness.disk.pool()));
}

TEST_F(BtrfsStore, DoesNothingOnAMarkerThatItCannotRead) {
    make_mounted("a");
    for (const char* damage : {": > marker.json", "echo '{\"version\":1' > marker.json", "rm marker.json"}) {
        run("cd " + folder() + " && cp marker.json /tmp/flkt-marker && " + damage);
        const auto all = observe(harness);
        ASSERT_FALSE(all) << damage;
        EXPECT_EQ(all.error().code, ErrorCode::corrupt);
        EXPECT_NE(all.error().message.find(orders.value + "/marker.json"), std::string::npos) << all.error();
        EXPECT_FALSE(observe_one(harness, orders));
        refused(ErrorCode::corrupt, TakeSnapshot{orders, snap(1, 1)});
        refused(ErrorCode::corrupt, DemoteDataset{orders, Epoch{2}});
        refused(ErrorCode::corrupt, CreateDataset{orders, Epoch{1}});
        run("mv /tmp/flkt-marker " + folder() + "/marker.json");
        EXPECT_TRUE(see().live);
    }
    run(": > " + folder() + "/marker.json");
    EXPECT_TRUE(perform(harness, DestroyDataset{orders})) << "by name, it can be destroyed";
    EXPECT_EQ(observe(harness).value().size(), 0U);
}

TEST_F(BtrfsStore, RemovesWhatACrashLeftAndNothingElse) {
    make_mounted("a");
    done(TakeSnapshot{orders, snap(1, 1)});
    run("cd " + folder() +
        " && btrfs -q subvolume create .incoming-e1-s2 && "
        "btrfs -q subvolume snapshot -r live .dropping-e1-s0 && "
        "echo '{' > .dropping-marker.json && echo mine > notes.txt");
    // A dataset that was being made, one whose first snapshot was being received, one being destroyed.
    run("cd " + folder() +
        "/.. && mkdir 00000000-0000-4000-8000-000000000001 && mkdir 00000000-0000-4000-8000-000000000002 && "
        "cp " +
        orders.value +
        "/marker.json 00000000-0000-4000-8000-000000000002 && "
        "btrfs -q subvolume create 00000000-0000-4000-8000-000000000002/.incoming-e1-s1 && mkdir .dropping-x && "
        "btrfs -q subvolume create .dropping-x/live && mkdir lost+found");

    const auto all = observe(harness);
    ASSERT_TRUE(all) << all.error();
    EXPECT_EQ(all->size(), 1U);
    EXPECT_EQ(names_in_folder(), (std::set<std::string>{"marker.json", "live", "e1-s1", "notes.txt"}));
    std::set<std::string> folders;
    for (const auto& entry : fs::directory_iterator(folder() + "/..")) folders.insert(entry.path().filename());
    EXPECT_EQ(folders, (std::set<std::string>{orders.value, "lost+found"}));
}

TEST_F(BtrfsStore, SaysRoughlyHowMuchADatasetHolds) {
    make_mounted(std::string(3'000'000, 'x'));
    run("sync -f " + volume());
    harness.restart();
    const auto used = see().used.value;
    EXPECT_GT(used, 2'900'000U);
    EXPECT_LT(used, 3'200'000U);
}

// --- has it changed? ----------------------------------------------------------------------------

TEST_F(BtrfsStore, SeesAWriteThatIsOnlyInThePageCache) {
    make_mounted("begin");
    for (std::uint64_t i = 1; i <= 30; ++i) {
        EXPECT_FALSE(done(TakeSnapshot{orders, snap(1, i)}).changed);
        harness.append(orders, "x");
        ASSERT_TRUE(see().changed) << i;
    }
}

TEST_F(BtrfsStore, SeesAStoreThroughAMapping) {
    make_mounted(std::string(8192, 'x'));
    const posix::Fd file(::open((volume() + "/log").c_str(), O_RDWR | O_CLOEXEC));
    auto* text = static_cast<char*>(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
    ASSERT_NE(text, MAP_FAILED);
    for (std::uint64_t i = 1; i <= 10; ++i) {
        EXPECT_FALSE(done(TakeSnapshot{orders, snap(1, i)}).changed);
        text[i] = static_cast<char>('a' + i);
        ASSERT_TRUE(see().changed) << i;
    }
    ::munmap(text, 8192);
}

TEST_F(BtrfsStore, SeesChangesThatLeaveNoContentBehind) {
    make_mounted("x");
    std::uint64_t sequence = 0;
    for (const char* change :
         {"touch new", "mv new newer", "rm newer", "chmod 600 log", "mkdir d", "rmdir d", "ln -s a b",
          "truncate -s 100M log", "printf y | dd of=log bs=1 conv=notrunc 2>/dev/null"}) {
        EXPECT_FALSE(done(TakeSnapshot{orders, snap(1, ++sequence)}).changed);
        run("cd " + volume() + " && " + change);
        EXPECT_TRUE(see().changed) << change;
    }
}

/// One look through find_changed() after another, and never a write that it has not seen.
TEST_F(BtrfsStore, FindsAWriteThatIsOnlyInThePageCache) {
    make_mounted(std::string(300'000, 'x'));
    const posix::Fd file(::open((volume() + "/log").c_str(), O_RDWR | O_CLOEXEC));
    auto* text = static_cast<char*>(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
    ASSERT_NE(text, MAP_FAILED);
    const std::set<DatasetId> none;
    for (std::uint64_t i = 1; i <= 10; ++i) {
        done(TakeSnapshot{orders, snap(1, 2 * i)});
        ASSERT_EQ(find_changed(harness, {orders}).value(), none) << i;
        ASSERT_EQ(::pwrite(file.get(), "y", 1, 200'000 + static_cast<off_t>(i)), 1);
        ASSERT_EQ(find_changed(harness, {orders}).value(), (std::set{orders})) << i;
        done(TakeSnapshot{orders, snap(1, 2 * i + 1)});
        ASSERT_EQ(find_changed(harness, {orders}).value(), none) << i;
        text[i] = static_cast<char>('a' + i);
        ASSERT_EQ(find_changed(harness, {orders}).value(), (std::set{orders})) << i;
    }
    ::munmap(text, 8192);
}

TEST_F(BtrfsStore, FindsWhatChangedWithoutWaitingForAnAction) {
    make_mounted("a");
    done(TakeSnapshot{orders, snap(1, 1)});
    const posix::Fd action(::open(folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_EQ(::flock(action.get(), LOCK_EX), 0);
    EXPECT_EQ(find_changed(harness, {orders}).value(), std::set<DatasetId>{});
    harness.append(orders, "b");
    EXPECT_EQ(find_changed(harness, {orders}).value(), std::set{orders});
}

// --- mounts -------------------------------------------------------------------------------------

TEST_F(BtrfsStore, LetsNobodyWriteIntoAnUnmountedVolume) {
    make_mounted("a");
    done(SealDataset{orders, MoveId{1}, snap(1, 1)});
    ASSERT_TRUE(fs::exists(volume()));
    EXPECT_LT(::open((volume() + "/oops").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 0);
    EXPECT_EQ(errno, EPERM);
}

TEST_F(BtrfsStore, MountsTheRightSubvolumeOverAWrongOne) {
    make_mounted("right");
    ASSERT_EQ(::umount2(volume().c_str(), 0), 0);
    ASSERT_EQ(::mount("tmpfs", volume().c_str(), "tmpfs", 0, nullptr), 0);
    run("mount --bind " + folder() + " " + volume());
    EXPECT_FALSE(see().mounted);
    EXPECT_TRUE(done(MountDataset{orders}).mounted);
    EXPECT_EQ(harness.content(orders), "right");
}

TEST_F(BtrfsStore, MountsOnceHoweverOftenItIsAsked) {
    make_mounted("a");
    for (int i = 0; i < 3; ++i) done(MountDataset{orders});
    ASSERT_EQ(::umount2(volume().c_str(), 0), 0);
    EXPECT_FALSE(see().mounted);
}

TEST_F(BtrfsStore, MountsIntoContainersThatWereStartedBefore) {
    done(CreateDataset{orders, Epoch{1}});
    done(MountDataset{orders});
    harness.append(orders, "a");
    done(SealDataset{orders, MoveId{1}, snap(1, 1)});
    done(UnsealDataset{orders, Epoch{1}});
    const std::string elsewhere = harness.disk.pool() + "/../container";
    fs::create_directories(elsewhere);
    // What an engine does with bind-propagation=rslave.
    const Child container([&] {
        return ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0 &&
               ::mount(volume().c_str(), elsewhere.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0;
    });
    const fs::path inside =
        "/proc/" + std::to_string(container.pid()) + "/root" + fs::canonical(elsewhere).string() + "/log";
    EXPECT_FALSE(fs::exists(inside));
    done(MountDataset{orders});
    EXPECT_TRUE(fs::exists(inside));
    done(SealDataset{orders, MoveId{2}, snap(1, 2)});
    EXPECT_FALSE(fs::exists(inside)) << "and unmounts from there";
}

TEST_F(BtrfsStore, DoesNotSealWhileAProcessOfAnotherNamespaceCanWrite) {
    make_mounted("a");
    Child container([&] { return own_mounts() && ::open((volume() + "/log").c_str(), O_RDWR) >= 0; });
    const Error error = refused(ErrorCode::conflict, SealDataset{orders, MoveId{1}, snap(1, 1)});
    EXPECT_NE(error.message.find(std::to_string(container.pid())), std::string::npos) << error;
    EXPECT_FALSE(see().seal);
    EXPECT_EQ(see().snapshots.size(), 0U);
    refused(ErrorCode::conflict, DemoteDataset{orders, Epoch{2}});
    refused(ErrorCode::conflict, DestroyDataset{orders});
    EXPECT_TRUE(see().live);

    container.end();
    EXPECT_TRUE(done(SealDataset{orders, MoveId{1}, snap(1, 1)}).seal);
}

TEST_F(BtrfsStore, DoesNotSealWhileAFileIsMappedForWriting) {
    make_mounted("a");
    const std::string elsewhere = harness.disk.pool() + "/../mapped";
    fs::create_directories(elsewhere);
    run("mount --bind " + volume() + " " + elsewhere + " && mount --make-private " + elsewhere);
    Child writer([&] {
        const int file = ::open((elsewhere + "/log").c_str(), O_RDWR);
        void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        ::close(file);
        return memory != MAP_FAILED;
    });
    refused(ErrorCode::conflict, SealDataset{orders, MoveId{1}, snap(1, 1)});
    writer.end();
    EXPECT_TRUE(done(SealDataset{orders, MoveId{1}, snap(1, 1)}).seal);
    run("umount " + elsewhere);
}

/// A monitoring container with `-v /:/host` has a copy of every mount for as long as it lives.
TEST_F(BtrfsStore, SealsAndLetsGoWhatANamespaceThatOnlyLooksHasMounted) {
    make_mounted("a");
    const Child onlooker([&] { return own_mounts() && ::open((volume() + "/log").c_str(), O_RDONLY) >= 0; });
    const std::string seen = "/proc/" + std::to_string(onlooker.pid()) + "/root" + volume() + "/log";
    EXPECT_TRUE(done(SealDataset{orders, MoveId{1}, snap(1, 1)}).seal);
    EXPECT_LT(::open(seen.c_str(), O_RDWR), 0) << "it can look, and no longer write";
    EXPECT_EQ(errno, EROFS);
    EXPECT_FALSE(done(DemoteDataset{orders, Epoch{2}}).live);
    EXPECT_EQ(see().snapshots.size(), 1U);
}

TEST_F(BtrfsStore, SeesAWriterInAMountOfAPartOfTheVolumeToo) {
    make_mounted("a");
    fs::create_directories(volume() + "/part");
    const std::string elsewhere = harness.disk.pool() + "/../elsewhere";
    fs::create_directories(elsewhere);
    run("mount --bind " + volume() + "/part " + elsewhere + " && mount --make-private " + elsewhere);
    Child writer([&] { return ::open((elsewhere + "/file").c_str(), O_RDWR | O_CREAT, 0600) >= 0; });
    refused(ErrorCode::conflict, SealDataset{orders, MoveId{1}, snap(1, 1)});
    writer.end();
    EXPECT_TRUE(done(SealDataset{orders, MoveId{1}, snap(1, 1)}).seal);
    run("umount " + elsewhere);
}

TEST_F(BtrfsStore, NamesTheProcessThatHasAFileOpen) {
    make_mounted("a");
    Child user([&] { return ::open((volume() + "/log").c_str(), O_RDWR) >= 0; });
    const Error error = refused(ErrorCode::conflict, SealDataset{orders, MoveId{1}, snap(1, 1)});
    EXPECT_NE(error.message.find(std::to_string(user.pid())), std::string::npos) << error;
    user.end();
    done(SealDataset{orders, MoveId{1}, snap(1, 1)});
}

TEST_F(BtrfsStore, WaitsForAWriterThatIsOnItsWayOut) {
    harness.patience = 5s;
    harness.restart();
    make_mounted("a");
    const Child container([&] { return own_mounts() && ::open((volume() + "/log").c_str(), O_RDWR) >= 0; }, 300ms);
    std::thread reaper([pid = container.pid()] { ::waitpid(pid, nullptr, 0); });
    EXPECT_TRUE(done(SealDataset{orders, MoveId{1}, snap(1, 1)}).seal);
    reaper.join();
}

TEST_F(BtrfsStore, KeepsATrialThatAContainerStillHas) {
    make_mounted("a");
    done(TakeSnapshot{orders, snap(1, 1)});
    done(DemoteDataset{orders, Epoch{2}});
    done(StartTrial{orders, MoveId{1}, snap(1, 1)});
    done(MountDataset{orders});
    Child container([&] { return own_mounts() && ::open((volume() + "/log").c_str(), O_RDWR) >= 0; });
    refused(ErrorCode::conflict, DiscardTrial{orders});
    refused(ErrorCode::conflict, StartTrial{orders, MoveId{2}, snap(1, 1)});
    EXPECT_EQ(see().trial, (Trial{MoveId{1}, snap(1, 1)}));
    container.end();
    EXPECT_FALSE(done(DiscardTrial{orders}).trial);
}

// --- rules --------------------------------------------------------------------------------------

TEST_F(BtrfsStore, DoesNotLetASealedVolumeBeWritten) {
    make_mounted("a");
    done(SealDataset{orders, MoveId{1}, snap(1, 1)});
    done(MountDataset{orders});
    EXPECT_LT(::open((volume() + "/log").c_str(), O_WRONLY | O_CLOEXEC), 0);
    EXPECT_EQ(errno, EROFS);
}

TEST_F(BtrfsStore, RefusesVolumesWithASubvolumeInside) {
    make_mounted("a");
    run("btrfs -q subvolume create " + volume() + "/inner");
    refused(ErrorCode::conflict, TakeSnapshot{orders, snap(1, 1)});
    refused(ErrorCode::conflict, SealDataset{orders, MoveId{1}, snap(1, 1)});
    EXPECT_FALSE(perform(harness, DestroyDataset{orders}).value().has_value()) << "but it can be destroyed";
}

TEST_F(BtrfsStore, LeavesTheFolderThatAContainerWaitsWithForAVolumeThatIsOnItsWay) {
    const std::filesystem::path point = std::filesystem::path(harness.disk.volumes()) / orders.value;
    std::filesystem::create_directories(point);
    ASSERT_TRUE(observe(harness));
    EXPECT_TRUE(std::filesystem::exists(point));
}

TEST_F(BtrfsStore, TakesNoSnapshotThatIsOlderThanOneThatIsHere) {
    make_mounted("a");
    done(TakeSnapshot{orders, snap(1, 1)});
    done(TakeSnapshot{orders, snap(1, 2)});
    refused(ErrorCode::conflict, TakeSnapshot{orders, snap(1, 0)});
}

TEST_F(BtrfsStore, IgnoresOrdersOfAnOlderEpoch) {
    make_mounted("a");
    done(TakeSnapshot{orders, snap(1, 1)});
    done(DemoteDataset{orders, Epoch{5}});
    done(StartTrial{orders, MoveId{1}, snap(1, 1)});
    refused(ErrorCode::conflict, AdoptTrial{orders, MoveId{1}, Epoch{4}, alder});
    EXPECT_FALSE(perform(harness, TakeSnapshot{DatasetId{"../../etc"}, snap(1, 1)}));
}

}  // namespace
}  // namespace flocker::contract
