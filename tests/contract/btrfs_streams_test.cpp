// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <random>
#include <set>
#include <thread>

#include "adapters/posix/fd.hpp"
#include "tests/contract/btrfs_streams_test.hpp"
#include "tests/contract/tree_text.hpp"

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;
using namespace model;

// --- equal trees --------------------------------------------------------------------------------

TEST_F(BtrfsStreams, CarryEveryKindOfEntryWithAllThatBelongsToIt) {
    run("cd " + a.volume().string() +
        " && umask 022 && echo text > file && mkdir -p deep/er/still && echo x > deep/er/still/leaf && ln file "
        "deep/hard && "
        "ln -s ../no/where link && ln -s /etc/passwd absolute && mkfifo pipe && mknod null c 1 3 && mknod disk b 7 99 "
        "&& "
        "touch empty && mkdir sealed && "
        "chmod 4755 file && chmod 1777 deep && chmod 000 sealed && chown 1234:5678 file && chown -h 42:43 link && "
        "touch -d '1999-12-31 23:59:59.123456789' deep/er && touch -h -d '2001-02-03' link && touch -d '1955-01-01' "
        "empty && "
        "printf n > \"$(printf 'new\\nline')\" && printf u > \"$(printf 'um\\303\\244l \\377')\" && "
        "truncate -s 50M sparse && printf end | dd of=sparse bs=1 seek=30000000 conv=notrunc 2>/dev/null && "
        "head -c 1000000 /dev/urandom > large && touch -d '1970-01-02 UTC' . && "
        "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")'");
    ASSERT_EQ(::setxattr((a.volume() / "file").c_str(), "user.note", "v\0w", 3, 0), 0);
    ASSERT_EQ(::setxattr((a.volume() / "deep").c_str(), "user.empty", "", 0, 0), 0);
    ASSERT_EQ(::setxattr(a.volume().c_str(), "trusted.root", "r", 1, 0), 0);
    ASSERT_EQ(::lsetxattr((a.volume() / "link").c_str(), "trusted.link", "l", 1, 0), 0);
    const unsigned char net_bind[20] = {1, 0, 0, 2, 0, 4};
    ASSERT_EQ(::setxattr((a.volume() / "large").c_str(), "security.capability", net_bind, sizeof net_bind, 0), 0);
    a.done(TakeSnapshot{orders, snap(1, 1)});

    const std::size_t bytes = carry(a, b, {}, snap(1, 1));
    EXPECT_LT(bytes, 2'000'000U) << "the hole was sent";
    struct stat sparse {};
    ASSERT_EQ(::stat((b.snapshot(snap(1, 1)) / "sparse").c_str(), &sparse), 0);
    EXPECT_LT(sparse.st_blocks * 512, 1'000'000) << "the hole was filled";
    EXPECT_LT(::open((b.snapshot(snap(1, 1)) / "file").c_str(), O_WRONLY | O_CLOEXEC), 0) << "it can be written";
}

TEST_F(BtrfsStreams, CarryChangesAsIncrements) {
    const std::string enter = "cd " + a.volume().string() + " && ";
    run(enter +
        "mkdir d1 d2 d1/sub && for i in 1 2 3 4 5 6 7 8; do echo $i > f$i; "
        "head -c 100000 /dev/urandom > d1/g$i; done && mkfifo p");
    a.done(TakeSnapshot{orders, snap(1, 1)});
    carry(a, b, {}, snap(1, 1));
    const std::vector<std::string> changes = {
        ":",
        "mv f1 f1new && rm f2 && mkdir f2 && echo in > f2/in",
        "mv d1 tmp && mv d2 d1 && mv tmp d2",
        "rm f3 && ln -s target f3 && rm p && echo now a file > p",
        "ln f4 d2/f4hard && ln f4 f4again && rm f4",
        "printf middle | dd of=d2/g1 bs=1 seek=50000 conv=notrunc 2>/dev/null && truncate -s 10 d2/g2 && truncate -s "
        "5M d2/g3",
        "mv d2/sub sub && mv d2 sub/d2 && mv sub/d2/g4 .",
        "chmod 600 f5 && chown 7:8 f5 && touch -d 2000-01-01 f6 && rm -rf sub",
        "mv f7 x && mv f8 f7 && mv x f8",
        "printf z > \"$(printf 'a\\nb')\" && fallocate -p -o 4096 -l 8192 g4 && fallocate -l 100000 prealloc",
    };
    std::uint64_t sequence = 1;
    for (const std::string& change : changes) {
        SCOPED_TRACE(change);
        run(enter + change);
        a.done(TakeSnapshot{orders, snap(1, ++sequence)});
        carry(a, b, snap(1, sequence - 1), snap(1, sequence));
    }
    a.done(TakeSnapshot{orders, snap(1, ++sequence)});
    carry(a, b, snap(1, 1), snap(1, sequence));
    EXPECT_EQ(b.left().size(), 1 + 1 + changes.size() + 1) << "marker, the whole one, the increments, the long one";
}

TEST_F(BtrfsStreams, CarryHundredsOfRandomChanges) {
    std::mt19937 random(4523);
    const auto pick = [&](unsigned most) { return std::uniform_int_distribution<unsigned>(0, most)(random); };
    const fs::path top = a.volume();
    const auto any_path = [&] {
        fs::path path = top;
        for (unsigned depth = pick(2); depth > 0; --depth) path /= "d" + std::to_string(pick(2));
        return path / ((pick(3) == 0 ? "d" : "f") + std::to_string(pick(3)));
    };
    std::optional<SnapshotId> base;
    for (std::uint64_t round = 1; round <= 25; ++round) {
        for (int i = 0; i < 25; ++i) {
            const fs::path path = any_path();
            const fs::path other = any_path();
            std::error_code ignored;
            switch (pick(7)) {
                case 0: fs::create_directories(path, ignored); break;
                case 1: fs::rename(path, other, ignored); break;
                case 2: fs::remove_all(path, ignored); break;
                case 3: fs::create_hard_link(path, other, ignored); break;
                case 4: fs::create_symlink("to" + std::to_string(i), path, ignored); break;
                case 5: static_cast<void>(!::truncate(path.c_str(), pick(200000))); break;
                case 6: static_cast<void>(!::lchown(path.c_str(), pick(5), pick(5))); break;
                default: {
                    const posix::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644));
                    const std::string text(pick(30000), static_cast<char>('a' + pick(25)));
                    if (file) static_cast<void>(!::pwrite(file.get(), text.data(), text.size(), pick(100000)));
                }
            }
        }
        a.done(TakeSnapshot{orders, snap(1, round)});
        carry(a, b, base, snap(1, round));
        ASSERT_FALSE(HasFailure()) << "round " << round;
        base = snap(1, round);
    }
}

TEST_F(BtrfsStreams, CarryCopiesThatShareContentWithoutTheContent) {
    const std::string enter = "cd " + a.volume().string() + " && ";
    run(enter + "head -c 4000000 /dev/urandom > first");
    a.done(TakeSnapshot{orders, snap(1, 1)});
    carry(a, b, {}, snap(1, 1));
    run(enter + "cp --reflink=always first second && cp --reflink=always second third && rm first");
    a.done(TakeSnapshot{orders, snap(1, 2)});
    EXPECT_LT(carry(a, b, snap(1, 1), snap(1, 2)), 100'000U);
    run(enter + "head -c 4000000 /dev/urandom > fourth && cp --reflink=always fourth fifth");
    a.done(TakeSnapshot{orders, snap(1, 3)});
    EXPECT_LT(carry(a, b, snap(1, 2), snap(1, 3)), 5'000'000U);
}

// --- chains over nodes --------------------------------------------------------------------------

TEST_F(BtrfsStreams, TurnRoundWithTheOwnerAndComeBack) {
    Place c;
    a.harness.append(orders, "a");
    a.done(TakeSnapshot{orders, snap(1, 1)});
    carry(a, b, {}, snap(1, 1));
    a.harness.append(orders, "b");
    a.done(SealDataset{orders, MoveId{1}, snap(1, 2)});
    carry(a, b, snap(1, 1), snap(1, 2));
    b.done(StartTrial{orders, MoveId{1}, snap(1, 2)});
    b.done(MountDataset{orders});
    b.done(AdoptTrial{orders, MoveId{1}, Epoch{2}, alder});
    a.done(DemoteDataset{orders, Epoch{2}});

    // The base is a's own original, b's received copy, and c's copy of the copy.
    carry(b, c, {}, snap(1, 2), Epoch{2});
    b.harness.append(orders, "c");
    b.done(TakeSnapshot{orders, snap(2, 1)});
    carry(b, a, snap(1, 2), snap(2, 1), Epoch{2});
    carry(b, c, snap(1, 2), snap(2, 1), Epoch{2});

    b.done(SealDataset{orders, MoveId{2}, snap(2, 2)});
    carry(b, a, snap(2, 1), snap(2, 2), Epoch{2});
    a.done(StartTrial{orders, MoveId{2}, snap(2, 2)});
    a.done(MountDataset{orders});
    EXPECT_EQ(a.harness.content(orders), "abc");
    const auto home = a.done(AdoptTrial{orders, MoveId{2}, Epoch{3}, alder});
    EXPECT_EQ(home.epoch, Epoch{3});
    a.harness.append(orders, "d");
    a.done(TakeSnapshot{orders, snap(3, 1)});
    b.done(DemoteDataset{orders, Epoch{3}});
    carry(a, b, snap(2, 2), snap(3, 1), Epoch{3});
    carry(a, c, snap(2, 1), snap(3, 1), Epoch{3});
}

TEST_F(BtrfsStreams, BringAnOldOwnerBackByIncrementAndKeepItsOwnWrites) {
    a.harness.append(orders, "a");
    a.done(TakeSnapshot{orders, snap(1, 1)});
    carry(a, b, {}, snap(1, 1));
    a.harness.append(orders, " written while cut off");
    b.done(StartTrial{orders, MoveId{1}, snap(1, 1)});
    b.done(AdoptTrial{orders, MoveId{1}, Epoch{2}, alder});
    b.done(MountDataset{orders});
    b.harness.append(orders, "b");
    b.done(TakeSnapshot{orders, snap(2, 1)});

    a.done(DemoteDataset{orders, Epoch{2}, snap(1, 1)});
    carry(b, a, snap(1, 1), snap(2, 1), Epoch{2});
    EXPECT_EQ(a.left(), (std::set<std::string>{"marker.json", "e1-s1", "aside-e1-s2", "e2-s1"}));
    EXPECT_EQ(a.harness.content_set_aside(orders, snap(1, 2)), "a written while cut off");

    a.done(ReleaseReplica{orders});
    EXPECT_FALSE(a.read("nonsense", {}, snap(2, 1), Epoch{2}));
    EXPECT_EQ(a.left(), (std::set<std::string>{"marker.json", "aside-e1-s2"})) << "a refused one takes nothing along";
    EXPECT_FALSE(a.read(b.write(snap(1, 1), snap(2, 1)).value(), snap(1, 1), snap(2, 1), Epoch{2}));
    carry(b, a, {}, snap(2, 1), Epoch{2});
    EXPECT_EQ(a.left(), (std::set<std::string>{"marker.json", "aside-e1-s2", "e2-s1"})) << "and it is a replica again";
}

TEST_F(BtrfsStreams, TellWhenASnapshotWasTakenAndNoteTheEpoch) {
    const auto sent = a.done(TakeSnapshot{orders, snap(1, 1)});
    ::usleep(20'000);
    carry(a, b, {}, snap(1, 1), Epoch{4});
    const auto seen = observe_one(b.harness, orders).value();
    ASSERT_TRUE(seen);
    EXPECT_EQ(seen->epoch, Epoch{4});
    EXPECT_FALSE(seen->live);
    EXPECT_EQ(seen->snapshots, sent.snapshots);
}

TEST_F(BtrfsStreams, SurviveAPowerLossOnceTheyWereRead) {
    const std::string bytes = stream_of_something();
    ASSERT_TRUE(b.read(bytes, {}, snap(1, 1)));
    b.harness.disk.power_loss();
    EXPECT_EQ(observe(b.harness).value().size(), 1U);
    EXPECT_EQ(tree_text(b.snapshot(snap(1, 1))), tree_text(a.snapshot(snap(1, 1))));

    run("cd " + a.volume().string() + " && head -c 3000000 /dev/urandom > more");
    a.done(TakeSnapshot{orders, snap(1, 2)});
    carry(a, b, snap(1, 1), snap(1, 2));
    b.harness.disk.power_loss();
    EXPECT_EQ(tree_text(b.snapshot(snap(1, 2))), tree_text(a.snapshot(snap(1, 2))));
}

TEST_F(BtrfsStreams, AreEstimatedAtNoLessThanHalf) {
    const std::string bytes = stream_of_something();
    EXPECT_GE(a.streams.measure(orders, {}, snap(1, 1)).value().value, bytes.size() / 2);
    EXPECT_LE(a.streams.measure(orders, {}, snap(1, 1)).value().value, bytes.size() * 2);
    run("cd " + a.volume().string() + " && head -c 2000000 /dev/urandom > more");
    a.done(TakeSnapshot{orders, snap(1, 2)});
    const auto increment = a.write(snap(1, 1), snap(1, 2)).value().size();
    EXPECT_GE(a.streams.measure(orders, snap(1, 1), snap(1, 2)).value().value, increment / 2);
    EXPECT_EQ(a.streams.measure(orders, {}, snap(1, 9)).error().code, ErrorCode::not_found);
    EXPECT_EQ(a.write(snap(1, 9), snap(1, 1)).error().code, ErrorCode::not_found);
}

// --- refused, and nothing left ------------------------------------------------------------------

TEST_F(BtrfsStreams, AreRefusedWhenCutAnywhere) {
    const std::string bytes = stream_of_something();
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{10}, std::size_t{20}, std::size_t{37}, std::size_t{100}, std::size_t{1000},
          bytes.size() / 2, bytes.size() - 11, bytes.size() - 10, bytes.size() - 1}) {
        const auto received = b.read(bytes.substr(0, size), {}, snap(1, 1));
        ASSERT_FALSE(received) << size;
        EXPECT_EQ(received.error().code, ErrorCode::corrupt) << received.error();
        EXPECT_EQ(b.left(), std::set<std::string>{}) << size;
        EXPECT_FALSE(fs::exists(b.harness.disk.dataset(orders.value)));
    }
    EXPECT_FALSE(b.read(bytes + "x", {}, snap(1, 1)));
    EXPECT_EQ(b.left(), std::set<std::string>{});
    EXPECT_TRUE(b.read(bytes, {}, snap(1, 1)));
}

TEST_F(BtrfsStreams, AreRefusedWhenOneBitIsWrong) {
    const std::string bytes = stream_of_something();
    std::mt19937 random(1);
    for (int i = 0; i < 25; ++i) {
        std::string bad = bytes;
        const std::size_t at = i < 60 && i % 2 == 0 ? static_cast<std::size_t>(i) : random() % bytes.size();
        bad[at] = static_cast<char>(bad[at] ^ (1 << (i % 8)));
        const auto received = b.read(bad, {}, snap(1, 1));
        ASSERT_FALSE(received) << at;
        EXPECT_EQ(received.error().code, ErrorCode::corrupt) << received.error();
        EXPECT_EQ(b.left(), std::set<std::string>{});
    }
}

TEST_F(BtrfsStreams, AreRefusedOnAnotherBase) {
    stream_of_something();
    a.done(TakeSnapshot{orders, snap(1, 2)});
    const std::string increment = a.write(snap(1, 1), snap(1, 2)).value();
    const auto expect_conflict = [&](Place& place, std::optional<SnapshotId> base) {
        const auto before = place.left();
        const auto received = place.read(increment, base, snap(1, 2));
        ASSERT_FALSE(received);
        EXPECT_EQ(received.error().code, ErrorCode::conflict) << received.error();
        EXPECT_EQ(place.left(), before);
    };
    expect_conflict(b, snap(1, 1));
    EXPECT_EQ(b.left(), std::set<std::string>{});
    EXPECT_EQ(b.read(increment, {}, snap(1, 2)).error().code, ErrorCode::corrupt) << "an increment is not whole";

    // The same name for something else.
    Place c;
    c.done(CreateDataset{orders, Epoch{1}});
    c.done(TakeSnapshot{orders, snap(1, 1)});
    c.done(DemoteDataset{orders, Epoch{2}});
    ASSERT_TRUE(b.read(c.write({}, snap(1, 1)).value(), {}, snap(1, 1)));
    expect_conflict(b, snap(1, 1));
}

TEST_F(BtrfsStreams, AreRefusedFromAnOlderOwnerAndByAnOwner) {
    const std::string bytes = stream_of_something();
    EXPECT_EQ(a.read(bytes, {}, snap(1, 5)).error().code, ErrorCode::conflict) << "it has the live copy";
    ASSERT_TRUE(b.read(bytes, {}, snap(1, 1), Epoch{3}));
    EXPECT_EQ(b.read(bytes, {}, snap(1, 2), Epoch{2}).error().code, ErrorCode::conflict);
    EXPECT_EQ(b.left(), (std::set<std::string>{"marker.json", "e1-s1"}));
    EXPECT_TRUE(b.read(bytes, {}, snap(1, 1), Epoch{3})) << "it is here already";
}

TEST_F(BtrfsStreams, PassOnTheErrorsOfBothEnds) {
    stream_of_something();
    std::size_t taken = 0;
    const auto cancelled = a.streams.write(orders, {}, snap(1, 1), [&](std::span<const std::byte> some) -> Status {
        taken += some.size();
        if (taken > 1000) return fail(ErrorCode::timed_out, "the other side is away");
        return {};
    });
    ASSERT_FALSE(cancelled);
    EXPECT_EQ(cancelled.error(), (Error{ErrorCode::timed_out, "the other side is away"}));
    const std::string bytes = a.write({}, snap(1, 1)).value();
    std::size_t at = 0;
    const auto received =
        b.streams.read(orders, Epoch{1}, {}, snap(1, 1), [&](std::span<std::byte> buffer) -> Result<std::size_t> {
            if (at > 1000) return fail(ErrorCode::timed_out, "nothing comes any more");
            const std::size_t some = std::min<std::size_t>(buffer.size(), 500);
            std::memcpy(buffer.data(), bytes.data() + at, some);
            at += some;
            return some;
        });
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error(), (Error{ErrorCode::timed_out, "nothing comes any more"}));
    EXPECT_EQ(b.left(), std::set<std::string>{});
}

TEST_F(BtrfsStreams, AreRefusedWhenThereIsNoRoomAndGiveItBack) {
    Place small("150M");
    run("head -c 300000000 /dev/urandom > " + (a.volume() / "huge").string());
    a.done(TakeSnapshot{orders, snap(1, 1)});
    const auto received = small.read(a.write({}, snap(1, 1)).value(), {}, snap(1, 1));
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().code, ErrorCode::unavailable) << received.error();
    EXPECT_EQ(small.left(), std::set<std::string>{});
    run("btrfs -q filesystem sync " + small.harness.disk.pool() + " && btrfs subvolume sync " +
        small.harness.disk.pool() + " >/dev/null");
    small.done(CreateDataset{orders, Epoch{1}});
    small.done(MountDataset{orders});
    small.harness.append(orders, std::string(20'000'000, 'x'));
    run("sync -f " + small.harness.disk.pool());
}

// --- side by side with the store ----------------------------------------------------------------

TEST_F(BtrfsStreams, AreNotDisturbedByAnObserveAndSeenOnlyWhenWhole) {
    const std::string bytes = stream_of_something();
    std::size_t at = 0;
    int looks = 0;
    const auto received =
        b.streams.read(orders, Epoch{1}, {}, snap(1, 1), [&](std::span<std::byte> buffer) -> Result<std::size_t> {
            if (++looks % 20 == 5) {
                EXPECT_EQ(observe(b.harness).value().size(), 0U);
                EXPECT_EQ(observe_one(b.harness, orders).value(), std::nullopt);
                EXPECT_EQ(perform(b.harness, CreateDataset{orders, Epoch{1}}).error().code, ErrorCode::already_exists);
                EXPECT_EQ(b.read(bytes, {}, snap(1, 1)).error().code, ErrorCode::conflict)
                    << "a second one at the same time";
            }
            const std::size_t some = std::min({buffer.size(), bytes.size() - at, std::size_t{2000}});
            std::memcpy(buffer.data(), bytes.data() + at, some);
            at += some;
            return some;
        });
    ASSERT_TRUE(received) << received.error();
    EXPECT_GT(looks, 20);
    EXPECT_EQ(tree_text(b.snapshot(snap(1, 1))), tree_text(a.snapshot(snap(1, 1))));
    EXPECT_EQ(b.left(), (std::set<std::string>{"marker.json", "e1-s1"}));
}

TEST_F(BtrfsStreams, EndWithAnErrorWhenTheDatasetIsDestroyedMeanwhile) {
    const std::string bytes = stream_of_something();
    std::size_t at = 0;
    const auto received =
        b.streams.read(orders, Epoch{1}, {}, snap(1, 1), [&](std::span<std::byte> buffer) -> Result<std::size_t> {
            if (at > 100'000 && !b.left().empty()) {
                EXPECT_TRUE(perform(b.harness, DestroyDataset{orders}));
            }
            const std::size_t some = std::min({buffer.size(), bytes.size() - at, std::size_t{2000}});
            std::memcpy(buffer.data(), bytes.data() + at, some);
            at += some;
            return some;
        });
    EXPECT_FALSE(received);
    EXPECT_EQ(b.left(), std::set<std::string>{});
    EXPECT_EQ(observe(b.harness).value().size(), 0U);
}

TEST_F(BtrfsStreams, LeaveNothingForGoodWhenTheReaderIsKilled) {
    const std::string bytes = stream_of_something();
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const pid_t reader = ::fork();
    if (reader == 0) {
        std::size_t at = 0;
        static_cast<void>(
            b.streams.read(orders, Epoch{1}, {}, snap(1, 1), [&](std::span<std::byte> buffer) -> Result<std::size_t> {
                if (at > 100'000) {
                    static_cast<void>(!::write(ends[1], "x", 1));
                    ::pause();
                }
                const std::size_t some = std::min({buffer.size(), bytes.size() - at, std::size_t{2000}});
                std::memcpy(buffer.data(), bytes.data() + at, some);
                at += some;
                return some;
            }));
        ::_exit(0);
    }
    char reached = 0;
    ASSERT_EQ(::read(ends[0], &reached, 1), 1);
    EXPECT_EQ(observe(b.harness).value().size(), 0U);
    EXPECT_EQ(b.left(), std::set<std::string>{".incoming-e1-s1"}) << "it is alive, and its work is left alone";
    ::kill(reader, SIGKILL);
    ::waitpid(reader, nullptr, 0);
    EXPECT_EQ(observe(b.harness).value().size(), 0U);
    EXPECT_EQ(b.left(), std::set<std::string>{});
    EXPECT_TRUE(b.read(bytes, {}, snap(1, 1)));
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(BtrfsStreams, EndSoonWhenTheirSnapshotIsLetGoAndLeaveThePoolItsRoom) {
    stream_of_something();
    run("head -c 5000000 /dev/urandom > " + (a.volume() / "more").string());
    a.done(TakeSnapshot{orders, snap(1, 2)});
    a.done(TakeSnapshot{orders, snap(1, 3)});
    std::size_t bytes = 0;
    const auto drop = [&] { EXPECT_EQ(a.done(DropSnapshots{orders, {snap(1, 1), snap(1, 2)}}).snapshots.size(), 1U); };
    const auto sent = a.streams.write(orders, {}, snap(1, 2), [&](std::span<const std::byte> some) -> Status {
        // More than the pipe holds is still to come.
        if (bytes <= 100 && bytes + some.size() > 100) drop();
        bytes += some.size();
        // As slow as a network.
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
        return {};
    });
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, ErrorCode::not_found);
    EXPECT_LT(bytes, 4'000'000U);
    EXPECT_EQ(observe(a.harness).value().at(0).snapshots.size(), 1U);
    EXPECT_EQ(a.left(), (std::set<std::string>{"marker.json", "live", "e1-s3"}));
}

}  // namespace
}  // namespace flocker::contract
