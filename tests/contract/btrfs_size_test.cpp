// SPDX-License-Identifier: Apache-2.0
//
// The maximum size of a volume, as its application meets it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "adapters/btrfs/subvolume.hpp"
#include "adapters/posix/fd.hpp"
#include "tests/contract/btrfs_store_test.hpp"

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;
using namespace model;

constexpr std::uint64_t mib = 1U << 20U;
/// What btrfs' own records of a small volume may take of its room.
constexpr std::uint64_t slack = 2 * mib;
const DatasetId users{"6e7a1c52-0d7f-4a53-9f2e-3a1b5c7d9e02"};

/// How far an application got.
struct Written {
    std::uint64_t bytes{0};
    int error{0};  ///< 0: all of it.
};

/// From the beginning of the file on; what was there is overwritten.
Written write_file(const fs::path& file, std::uint64_t bytes, char with = 'x') {
    const posix::Fd opened(::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    Written written;
    if (!opened) {
        written.error = errno;
        return written;
    }
    const std::vector<char> block(64 * 1024, with);
    while (written.bytes < bytes) {
        const ssize_t count = ::write(opened.get(), block.data(), block.size());
        if (count < 0) {
            written.error = errno;
            break;
        }
        written.bytes += static_cast<std::uint64_t>(count);
    }
    if (::fsync(opened.get()) != 0 && written.error == 0) written.error = errno;
    return written;
}

std::string output_of(const std::string& command) {
    std::string output;
    FILE* stream = ::popen(command.c_str(), "r");
    if (stream == nullptr) return output;
    for (int c = std::fgetc(stream); c != EOF && c != '\n'; c = std::fgetc(stream)) output += static_cast<char>(c);
    ::pclose(stream);
    return output;
}

std::uint64_t number_in(const std::string& file) {
    std::uint64_t number = 0;
    EXPECT_TRUE(std::ifstream(file) >> number) << file;
    return number;
}

class BtrfsSize : public BtrfsStore {
protected:
    static constexpr Bytes maximum{64 * mib};

    void make_limited() {
        make_mounted("");
        limit(maximum);
    }
    void limit(std::optional<Bytes> size) {
        const DatasetSeen seen = done(LimitDataset{orders, size});
        EXPECT_EQ(seen.maximum_size, size);
        EXPECT_EQ(seen.size_trouble, "");
    }
    fs::path file(const std::string& name) { return fs::path(volume()) / name; }
    /// Room that is not there at once, because it has to be measured, is there in a moment.
    Written write_patiently(const std::string& name, std::uint64_t bytes, char with = 'x') {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        for (;;) {
            const Written written = write_file(file(name), bytes, with);
            if (written.error == 0 || std::chrono::steady_clock::now() > end) return written;
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
        }
    }
    /// All that its files hold, as du would say.
    std::uint64_t held() {
        std::uint64_t sum = 0;
        for (const auto& entry : fs::recursive_directory_iterator(volume())) {
            struct stat seen {};
            EXPECT_EQ(::lstat(entry.path().c_str(), &seen), 0);
            sum += static_cast<std::uint64_t>(seen.st_blocks) * 512;
        }
        return sum;
    }
    /// How much more the kernel lets be written now.
    std::uint64_t room() {
        const posix::Fd live(::open((folder() + "/live").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const auto facts = btrfs::facts_of(live);
        EXPECT_TRUE(facts);
        const std::string group =
            "/sys/fs/btrfs/" + output_of("findmnt -no UUID " + harness.disk.pool()) + "/qgroups/0_" + std::to_string(facts->id);
        return number_in(group + "/max_referenced") - number_in(group + "/referenced");
    }
    void expect_full_at(std::uint64_t bytes) {
        EXPECT_LE(held(), bytes);
        EXPECT_GE(held() + slack, bytes);
    }
};

TEST_F(BtrfsSize, IsWhereTheApplicationIsToldThatItsQuotaIsExceeded) {
    make_limited();
    const Written all = write_file(file("data"), 2 * maximum.value);
    EXPECT_EQ(all.error, EDQUOT);
    expect_full_at(maximum.value);
    EXPECT_EQ(write_file(file("more"), mib).error, EDQUOT) << "not for a moment only";
}

TEST_F(BtrfsSize, IsNoMatterOfItsNeighbours) {
    make_limited();
    done(CreateDataset{users, Epoch{1}});
    done(MountDataset{users});
    EXPECT_EQ(write_file(file("data"), 2 * maximum.value).error, EDQUOT);
    EXPECT_EQ(write_file(harness.disk.volume(users.value) / "data", 2 * maximum.value).error, 0);
    EXPECT_EQ(write_file(fs::path(harness.disk.pool()) / "stranger", 2 * maximum.value).error, 0);
}

TEST_F(BtrfsSize, GivesRoomAgainForWhatWasRemoved) {
    make_limited();
    EXPECT_EQ(write_file(file("data"), maximum.value).error, EDQUOT);
    ASSERT_TRUE(fs::remove(file("data"))) << "a full volume can be emptied";
    EXPECT_EQ(write_patiently("data", maximum.value / 2).error, 0);
    EXPECT_EQ(write_file(file("more"), maximum.value).error, EDQUOT);
    expect_full_at(maximum.value);
}

TEST_F(BtrfsSize, IsRaisedLoweredAndTakenAwayWhileTheApplicationWrites) {
    make_limited();
    EXPECT_EQ(write_file(file("data"), maximum.value).error, EDQUOT);
    limit(Bytes{96 * mib});
    EXPECT_EQ(write_file(file("added"), 200 * mib).error, EDQUOT);
    expect_full_at(96 * mib);
    limit(maximum);
    EXPECT_EQ(write_file(file("more"), mib).error, EDQUOT) << "below what is there nothing more is taken";
    expect_full_at(96 * mib);
    limit(std::nullopt);
    EXPECT_EQ(write_file(file("data"), 200 * mib).error, 0);
}

TEST_F(BtrfsSize, CountsWhatWasThereBefore) {
    make_mounted("");
    EXPECT_EQ(write_file(file("before"), 40 * mib).error, 0) << "no quota was on the pool then";
    done(TakeSnapshot{orders, snap(1, 1)});
    limit(maximum);
    EXPECT_EQ(write_file(file("data"), maximum.value).error, EDQUOT);
    expect_full_at(maximum.value);
}

TEST_F(BtrfsSize, CountsWhatATrialBeganFromAndLetsItBeOverwritten) {
    make_mounted("");
    EXPECT_EQ(write_file(file("before"), 40 * mib).error, 0);
    done(SealDataset{orders, MoveId{7}, snap(1, 1)});
    done(DemoteDataset{orders, Epoch{2}});
    done(StartTrial{orders, MoveId{8}, snap(1, 1)});
    done(MountDataset{orders});
    limit(maximum);
    EXPECT_EQ(write_file(file("data"), maximum.value).error, EDQUOT);
    expect_full_at(maximum.value);
    ASSERT_TRUE(fs::remove(file("data")));
    done(AdoptTrial{orders, MoveId{8}, Epoch{2}, alder});
    for (const char with : {'a', 'b', 'c'}) {
        EXPECT_EQ(write_patiently("before", 40 * mib, with).error, 0) << with;
    }
    EXPECT_EQ(held(), 40 * mib);
}

TEST_F(BtrfsSize, DoesNotCountWhatOnlySnapshotsStillHold) {
    make_limited();
    for (std::uint64_t i = 1; i <= 4; ++i) {
        EXPECT_EQ(write_patiently("data", 40 * mib, static_cast<char>('a' + i)).error, 0) << i;
        done(TakeSnapshot{orders, snap(1, i)});
    }
    done(DropSnapshots{orders, {snap(1, 1), snap(1, 2), snap(1, 3)}});
    run("btrfs subvolume sync " + harness.disk.pool());
    // What is charged for has fallen: that alone is no room.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (room() > 24 * mib && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    EXPECT_EQ(write_file(file("more"), maximum.value).error, EDQUOT);
    expect_full_at(maximum.value);
}

TEST_F(BtrfsSize, HoldsAfterTheAgentAndTheNodeHaveDied) {
    make_limited();
    EXPECT_EQ(write_file(file("data"), 32 * mib).error, 0);
    done(SyncTrial{orders});
    harness.restart();
    EXPECT_EQ(see().maximum_size, maximum);
    EXPECT_EQ(write_file(file("more"), maximum.value).error, EDQUOT);
    expect_full_at(maximum.value);
    harness.disk.power_loss();
    harness.restart();
    done(MountDataset{orders});
    EXPECT_EQ(see().maximum_size, maximum);
    EXPECT_EQ(write_file(file("yet more"), maximum.value).error, EDQUOT);
    EXPECT_LE(held(), maximum.value);
}

TEST_F(BtrfsSize, IsKeptByFullQuotasWhereThoseAreInForce) {
    run("btrfs quota enable " + harness.disk.pool());
    make_mounted("");
    EXPECT_EQ(write_file(file("before"), 40 * mib).error, 0);
    done(TakeSnapshot{orders, snap(1, 1)});
    limit(maximum);
    EXPECT_EQ(write_file(file("data"), maximum.value).error, EDQUOT);
    expect_full_at(maximum.value);
}

TEST_F(BtrfsSize, TurnsQuotasOnOnlyWhereAVolumeHasOne) {
    make_mounted("a");
    limit(std::nullopt);
    done(TakeSnapshot{orders, snap(1, 1)});
    run("test \"$(btrfs qgroup show " + harness.disk.pool() + " 2>&1 | grep -c 0/5)\" = 0");
}

}  // namespace
}  // namespace flocker::contract
