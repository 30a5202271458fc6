// SPDX-License-Identifier: Apache-2.0
//
// Snapshots that are cut on their way: what is kept of them, and that they go on from there.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "adapters/btrfs/partial.hpp"
#include "adapters/posix/fd.hpp"
#include "tests/contract/btrfs_streams_test.hpp"
#include "tests/contract/tree_text.hpp"

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;
using namespace model;
using btrfs::BtrfsSnapshotStreams;
using btrfs::Keeping;

constexpr std::uint64_t step = 1'000'000;
const Keeping every_step{.every = 60min, .every_bytes = Bytes{step}};
const Error cut_error{ErrorCode::unavailable, "the connection was cut"};

class BtrfsParts : public BtrfsStreams {
protected:
    /// Some of everything, about 30 MB.
    void fill_volume() {
        run("cd " + a.volume().string() +
            " && mkdir many && for i in $(seq 300); do head -c $((i * 100)) /dev/urandom > many/f$i; done && "
            "mkdir -p deep/er && for i in 1 2 3 4; do head -c 5000000 /dev/urandom > deep/er/large$i; done && "
            "cp --reflink=always deep/er/large1 twin && ln deep/er/large2 hard && ln -s hard soft && mkfifo pipe && "
            "truncate -s 20M sparse && head -c 4000000 /dev/urandom | dd of=sparse bs=1M seek=8 conv=notrunc "
            "2>/dev/null && "
            "chmod 4750 twin && chown 12:34 many/f7 && "
            "touch -d '1999-12-31 23:59:59.123456789' deep/er && touch -d '1970-01-02 UTC' .");
        EXPECT_EQ(::setxattr((a.volume() / "many").c_str(), "user.note", "text", 4, 0), 0);
    }
    /// From one to the next: about 15 MB, with clones from the base, renames and removals.
    void change_volume() {
        run("cd " + a.volume().string() +
            " && cp --reflink=always deep/er/large3 kept && rm deep/er/large3 && mv deep/er moved && mkdir deep/er && "
            "for i in $(seq 1 3 300); do mv many/f$i deep/er/g$i; done && rm many/f2 && mkdir many/f2 && "
            "head -c 9000000 /dev/urandom > fresh && cp --reflink=always fresh again && "
            "head -c 5000000 /dev/urandom | dd of=moved/large4 bs=1000 seek=1234 conv=notrunc 2>/dev/null && "
            "truncate -s 100 twin && touch -d '2001-02-03 UTC' .");
        EXPECT_EQ(::removexattr((a.volume() / "many").c_str(), "user.note"), 0);
    }
    std::string first_stream() {
        fill_volume();
        a.done(TakeSnapshot{orders, snap(1, 1)});
        return a.write({}, snap(1, 1)).value();
    }
    std::string second_stream() {
        first_stream();
        carry(a, b, {}, snap(1, 1));
        change_volume();
        a.done(TakeSnapshot{orders, snap(1, 2)});
        return a.write(snap(1, 1), snap(1, 2)).value();
    }
    /// A source of some bytes which then fails, or calls `at_end`.
    static ports::Source cut_after(std::string bytes, std::function<void()> at_end = {}) {
        return [bytes = std::move(bytes), at_end,
                at = std::size_t{0}](std::span<std::byte> buffer) mutable -> Result<std::size_t> {
            const std::size_t some = std::min({buffer.size(), bytes.size() - at, std::size_t{30'000}});
            if (some == 0 && at_end) at_end();
            if (some == 0) return tl::unexpected(cut_error);
            std::memcpy(buffer.data(), bytes.data() + at, some);
            at += some;
            return some;
        };
    }
    static ports::Source all_of(std::string bytes) {
        return [bytes = std::move(bytes),
                at = std::size_t{0}](std::span<std::byte> buffer) mutable -> Result<std::size_t> {
            const std::size_t some = std::min({buffer.size(), bytes.size() - at});
            std::memcpy(buffer.data(), bytes.data() + at, some);
            at += some;
            return some;
        };
    }
    std::optional<ports::KeptPart> kept(Place& place) {
        const auto part = BtrfsSnapshotStreams(place.harness.disk.pool()).kept(orders);
        EXPECT_TRUE(part) << part.error();
        return part.value_or(std::nullopt);
    }
    /// What the sender has to give now: the rest behind what is kept, as it writes it anew.
    std::string rest_for(const std::optional<ports::KeptPart>& part, std::optional<SnapshotId> base, SnapshotId to) {
        if (!part) return a.write(base, to).value();
        std::string bytes;
        const auto written =
            a.streams.write_on(orders, base, to, part->at, [&](std::span<const std::byte> some) -> Status {
                bytes.append(reinterpret_cast<const char*>(some.data()), some.size());
                return {};
            });
        EXPECT_TRUE(written) << written.error();
        return bytes;
    }
    /// As a process that has just begun.
    Status take(const Keeping& keeping, const std::optional<ports::KeptPart>& part, std::optional<SnapshotId> base,
                SnapshotId to, const ports::Source& source, Epoch epoch = Epoch{1}) {
        BtrfsSnapshotStreams streams(b.harness.disk.pool(), keeping);
        return part ? streams.read_on(orders, *part, source) : streams.read(orders, epoch, base, to, source);
    }
    /// Cuts a copy of e1-s1 in its middle.
    ports::KeptPart cut_in_the_middle(const std::string& bytes, std::optional<SnapshotId> base = {},
                                      SnapshotId to = snap(1, 1)) {
        const auto cut = take(every_step, {}, base, to, cut_after(bytes.substr(0, bytes.size() / 2)));
        EXPECT_EQ(cut.error(), cut_error);
        const auto part = kept(b);
        EXPECT_TRUE(part);
        return part.value_or(ports::KeptPart{});
    }
    void expect_it_goes_on(std::optional<SnapshotId> base, SnapshotId to) {
        const auto part = kept(b);
        ASSERT_TRUE(part);
        const auto outcome = take(every_step, part, base, to, all_of(rest_for(part, base, to)));
        ASSERT_TRUE(outcome) << outcome.error();
        EXPECT_EQ(tree_text(b.snapshot(to)), tree_text(a.snapshot(to)));
    }
    std::size_t parts_left() {
        std::size_t parts = 0;
        for (const std::string& name : b.left()) parts += btrfs::is_part(name) ? 1U : 0U;
        return parts;
    }
    posix::Fd folder_of_b() {
        return posix::Fd(::open(b.harness.disk.dataset(orders.value).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    void copy_with_ten_cuts(std::optional<SnapshotId> base, SnapshotId to, std::size_t size, unsigned seed);
};

void BtrfsParts::copy_with_ten_cuts(std::optional<SnapshotId> base, SnapshotId to, std::size_t size, unsigned seed) {
    std::mt19937 random(seed);
    std::size_t given = 0;
    constexpr unsigned cuts = 10;
    for (unsigned cut = 0; cut < cuts; ++cut) {
        SCOPED_TRACE("cut " + std::to_string(cut));
        const auto part = kept(b);
        const std::string rest = rest_for(part, base, to);
        const std::size_t some =
            std::uniform_int_distribution<std::size_t>(1, 2 * rest.size() / (cuts + 2 - cut))(random);
        given += some;
        if (cut % 2 == 0) {
            EXPECT_EQ(take(every_step, part, base, to, cut_after(rest.substr(0, some))).error(), cut_error);
        } else {
            const pid_t process = ::fork();
            if (process == 0) {
                const auto die = [] { ::kill(::getpid(), SIGKILL); };
                static_cast<void>(take(every_step, part, base, to, cut_after(rest.substr(0, some), die)));
                ::_exit(0);
            }
            int status = 0;
            ::waitpid(process, &status, 0);
            ASSERT_TRUE(WIFSIGNALED(status));
        }
        const auto now = kept(b);
        const std::uint64_t before = part ? part->at.offset.value : 0;
        const std::uint64_t after = now ? now->at.offset.value : 0;
        EXPECT_GE(after + step + btrfs::stream::Parser::command_bytes_max, before + some)
            << "more than a step was lost";
        EXPECT_FALSE(fs::exists(b.snapshot(to)));
        EXPECT_EQ(observe(b.harness).value().size(), base ? 1U : 0U);
        EXPECT_EQ(parts_left(), now ? 2U : 0U);
    }
    const auto part = kept(b);
    ASSERT_TRUE(part);
    EXPECT_EQ(part->to, to);
    const std::string rest = rest_for(part, base, to);
    given += rest.size();
    EXPECT_LE(given, size + cuts * step);
    const auto outcome = take(every_step, part, base, to, all_of(rest));
    ASSERT_TRUE(outcome) << outcome.error();
    EXPECT_EQ(tree_text(b.snapshot(to)), tree_text(a.snapshot(to)));
    EXPECT_EQ(parts_left(), 0U);
    EXPECT_EQ(kept(b), std::nullopt);
}

TEST_F(BtrfsParts, GoOnThroughTenCutsOfAWholeSnapshotAndOfAnIncrement) {
    const std::size_t whole = first_stream().size();
    ASSERT_GT(whole, 25'000'000U);
    copy_with_ten_cuts({}, snap(1, 1), whole, 1);
    ASSERT_FALSE(HasFailure());
    change_volume();
    a.done(TakeSnapshot{orders, snap(1, 2)});
    const std::size_t increment = a.write(snap(1, 1), snap(1, 2)).value().size();
    ASSERT_GT(increment, 13'000'000U);
    copy_with_ten_cuts(snap(1, 1), snap(1, 2), increment, 2);
    ASSERT_FALSE(HasFailure());

    run("echo more > " + (a.volume() / "more").string());
    a.done(TakeSnapshot{orders, snap(1, 3)});
    carry(a, b, snap(1, 2), snap(1, 3));
}

TEST_F(BtrfsParts, KeepTheTimesOfATopFolderOfWhichTheStreamSaysNothing) {
    first_stream();
    carry(a, b, {}, snap(1, 1));
    // Made under names in the top folder at the receiver, and moved down.
    run("cd " + a.volume().string() + "/deep && for i in $(seq 30); do head -c 200000 /dev/urandom > new$i; done");
    a.done(TakeSnapshot{orders, snap(1, 2)});
    cut_in_the_middle(a.write(snap(1, 1), snap(1, 2)).value(), snap(1, 1), snap(1, 2));
    expect_it_goes_on(snap(1, 1), snap(1, 2));
}

TEST_F(BtrfsParts, AreWholeAfterAKillAtAnyInstant) {
    const std::string bytes = first_stream();
    const Keeping often{.every = 60min, .every_bytes = Bytes{300'000}};
    std::mt19937 random(20261122);
    std::uint64_t reached = 0;
    for (int round = 0; round < 40 && !fs::exists(b.snapshot(snap(1, 1))); ++round) {
        const auto part = kept(b);
        const auto said = std::uniform_int_distribution<std::size_t>(250'000, 700'000)(random);
        int ends[2] = {-1, -1};
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        const pid_t process = ::fork();
        if (process == 0) {
            // Killed at some time after it was given so much: in the middle of the first or second keeping.
            std::size_t left = said;
            const auto rest = all_of(bytes.substr(part ? part->at.offset.value : 0));
            static_cast<void>(take(often, part, {}, snap(1, 1), [&](std::span<std::byte> buffer) {
                const auto got = rest(buffer.first(std::min<std::size_t>(buffer.size(), 10'000)));
                if (left > 0 && left <= *got) static_cast<void>(!::write(ends[1], "x", 1));
                left -= std::min(left, *got);
                return got;
            }));
            static_cast<void>(!::write(ends[1], "x", 1));
            ::_exit(0);
        }
        char reached_it = 0;
        ASSERT_EQ(::read(ends[0], &reached_it, 1), 1);
        ::usleep(std::uniform_int_distribution<useconds_t>(0, 10'000)(random));
        ::kill(process, SIGKILL);
        ::waitpid(process, nullptr, 0);
        ::close(ends[0]);
        ::close(ends[1]);

        const auto seen = observe(b.harness);
        ASSERT_TRUE(seen) << "round " << round << ": " << seen.error();
        const auto now = kept(b);
        EXPECT_EQ(parts_left(), now ? 2U : 0U) << "round " << round;
        const std::uint64_t kept_up_to = now ? now->at.offset.value : 0;
        EXPECT_GE(kept_up_to, fs::exists(b.snapshot(snap(1, 1))) ? 0 : reached) << "round " << round;
        reached = std::max(reached, kept_up_to);
        for (const std::string& name : b.left())
            EXPECT_FALSE(name.starts_with(".incoming") || name.starts_with(".dropping"));
    }
    EXPECT_GT(reached, 300'000U) << "the kills came too early or too late to show anything";
    const auto part = kept(b);
    if (!fs::exists(b.snapshot(snap(1, 1)))) {
        ASSERT_TRUE(take(often, part, {}, snap(1, 1), all_of(rest_for(part, {}, snap(1, 1)))));
    }
    EXPECT_EQ(tree_text(b.snapshot(snap(1, 1))), tree_text(a.snapshot(snap(1, 1))));
    EXPECT_EQ(b.left(), (std::set<std::string>{"marker.json", "e1-s1"}));
}

TEST_F(BtrfsParts, SurviveAPowerLoss) {
    const auto part = cut_in_the_middle(first_stream());
    b.harness.disk.power_loss();
    EXPECT_EQ(kept(b), part);
    expect_it_goes_on({}, snap(1, 1));
}

TEST_F(BtrfsParts, AreWholeWhereverTheKeepingOfThemStopped) {
    const auto part = cut_in_the_middle(first_stream());
    const std::string folder = b.harness.disk.dataset(orders.value);
    const std::string name = btrfs::partial_name(part.to, part.at.offset.value);
    const auto expect_clear = [&] {
        EXPECT_EQ(observe(b.harness).value().size(), 0U);
        EXPECT_EQ(b.left(), (std::set<std::string>{"partial.json", name}));
        EXPECT_EQ(kept(b), part);
    };
    // The next part was made and not noted; or this one was noted, and the one before not removed.
    run("btrfs -q subvolume snapshot -r " + folder + "/" + name + " " + folder + "/.partial-e1-s1-99999999");
    expect_clear();
    // The note was half written.
    std::ofstream(folder + "/.dropping-partial.json") << "{\"version\"";
    expect_clear();
    // The subvolume that was being written was left.
    run("btrfs -q subvolume snapshot " + folder + "/" + name + " " + folder + "/.incoming-e1-s1");
    expect_clear();
    expect_it_goes_on({}, snap(1, 1));
}

TEST_F(BtrfsParts, AreKeptOnlyOfWhatIsLongOrTakesLong) {
    const std::string bytes = first_stream();
    const std::string half = bytes.substr(0, bytes.size() / 2);
    EXPECT_FALSE(take(Keeping{}, {}, {}, snap(1, 1), cut_after(half)));
    EXPECT_EQ(b.left(), std::set<std::string>{});
    EXPECT_FALSE(take({.every = 60min, .every_bytes = Bytes{half.size()}}, {}, {}, snap(1, 1), cut_after(half)));
    EXPECT_EQ(b.left(), std::set<std::string>{});
    EXPECT_FALSE(take({.every = 10ms, .every_bytes = Bytes{UINT64_MAX}}, {}, {}, snap(1, 1), cut_after(half)));
    EXPECT_TRUE(kept(b));
    expect_it_goes_on({}, snap(1, 1));
}

TEST_F(BtrfsParts, AreNoSnapshotsAndDisturbNobody) {
    const std::string bytes = second_stream();
    const auto part = cut_in_the_middle(bytes, snap(1, 1), snap(1, 2));
    for (int i = 0; i < 2; ++i) {
        const auto seen = observe(b.harness).value();
        ASSERT_EQ(seen.size(), 1U);
        ASSERT_EQ(seen[0].snapshots.size(), 1U);
        EXPECT_EQ(seen[0].snapshots[0].id, snap(1, 1));
    }
    EXPECT_EQ(kept(b), part);
    EXPECT_EQ(part.base, snap(1, 1));
    EXPECT_LE(part.at.offset.value, bytes.size() / 2);
    b.done(NoteAcknowledged{orders, alder, snap(1, 1)});
    EXPECT_EQ(kept(b), part);
    expect_it_goes_on(snap(1, 1), snap(1, 2));
}

TEST_F(BtrfsParts, AreLeftAloneWhileTheyAreGoneOnWith) {
    const std::string bytes = first_stream();
    const auto part = cut_in_the_middle(bytes);
    const std::string rest = rest_for(part, {}, snap(1, 1));
    std::size_t at = 0;
    int looks = 0;
    const auto outcome =
        take(every_step, part, {}, snap(1, 1), [&](std::span<std::byte> buffer) -> Result<std::size_t> {
            if (++looks % 20 == 5) {
                EXPECT_EQ(observe(b.harness).value().size(), 0U);
                EXPECT_TRUE(kept(b));
                EXPECT_EQ(take(every_step, kept(b), {}, snap(1, 1), all_of("")).error().code, ErrorCode::conflict);
            }
            const std::size_t some = std::min({buffer.size(), rest.size() - at, std::size_t{50'000}});
            std::memcpy(buffer.data(), rest.data() + at, some);
            at += some;
            return some;
        });
    ASSERT_TRUE(outcome) << outcome.error();
    EXPECT_GT(looks, 40);
    EXPECT_EQ(tree_text(b.snapshot(snap(1, 1))), tree_text(a.snapshot(snap(1, 1))));
    EXPECT_EQ(b.left(), (std::set<std::string>{"marker.json", "e1-s1"}));
}

// --- begun anew ---------------------------------------------------------------------------------

TEST_F(BtrfsParts, AreNotGoneOnWithWhenTheStreamIsAnother) {
    const auto part = cut_in_the_middle(first_stream());
    const auto write_on = [&](const ports::StreamPlace& from) {
        return a.streams.write_on(orders, {}, snap(1, 1), from, [](std::span<const std::byte> some) -> Status {
            EXPECT_TRUE(some.empty());
            return {};
        });
    };
    for (const ports::StreamPlace& place : {ports::StreamPlace{part.at.offset, "crc32c:00000000"},
                                            {part.at.offset + Bytes{1}, part.at.digest},
                                            {Bytes{1'000'000'000}, part.at.digest},
                                            {part.at.offset, ""}}) {
        const auto written = write_on(place);
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().code, ErrorCode::conflict) << written.error();
    }
    const auto cancelled =
        a.streams.write_on(orders, {}, snap(1, 1), part.at, [](auto) -> Status { return tl::unexpected(cut_error); });
    EXPECT_EQ(cancelled.error(), cut_error) << "before the place is reached";

    const std::string beginning = a.write({}, snap(1, 1)).value().substr(0, 500'000);
    EXPECT_EQ(take(every_step, {}, {}, snap(1, 1), cut_after(beginning)).error(), cut_error);
    EXPECT_EQ(b.left(), std::set<std::string>{}) << "it comes from the beginning, and what was kept before is gone";
    carry(a, b, {}, snap(1, 1));
}

TEST_F(BtrfsParts, AreForgottenWhenWhatFollowsDoesNotFit) {
    const std::string bytes = first_stream();
    for (const bool in_the_middle_of_a_command : {true, false}) {
        const auto part = cut_in_the_middle(bytes);
        std::string rest = rest_for(part, {}, snap(1, 1));
        if (in_the_middle_of_a_command)
            rest[100] = static_cast<char>(rest[100] ^ 4);
        else
            rest.resize(2 * step);
        const auto outcome = take(every_step, part, {}, snap(1, 1), all_of(rest));
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, ErrorCode::corrupt);
        EXPECT_EQ(b.left(), std::set<std::string>{});
    }
    carry(a, b, {}, snap(1, 1));
}

TEST_F(BtrfsParts, AreNotGoneOnWithByAnotherOfferOrFromAnotherPlace) {
    const auto part = cut_in_the_middle(first_stream());
    const std::string rest = rest_for(part, {}, snap(1, 1));
    auto others = std::vector(5, part);
    others[0].epoch = Epoch{2};
    others[1].base = snap(1, 0);
    others[2].to = snap(1, 2);
    others[3].at.offset += Bytes{1};
    others[4].at.digest = "crc32c:00000000";
    for (const auto& other : others)
        EXPECT_EQ(take(every_step, other, {}, {}, all_of(rest)).error().code, ErrorCode::unavailable);
    EXPECT_EQ(kept(b), part);
    others[4].at.digest = "sha1:x";
    EXPECT_EQ(take(every_step, others[4], {}, {}, all_of(rest)).error().code, ErrorCode::invalid_argument);
    expect_it_goes_on({}, snap(1, 1));
}

// --- of no use any more -------------------------------------------------------------------------

TEST_F(BtrfsParts, AreSweptWhenTheirBaseIsAnother) {
    const std::string bytes = second_stream();
    const auto part = cut_in_the_middle(bytes, snap(1, 1), snap(1, 2));
    const std::string base = b.snapshot(snap(1, 1));
    run("btrfs -q subvolume snapshot -r " + base + " " + base + "x && btrfs -q subvolume delete " + base +
        " >/dev/null && mv " + base + "x " + base);
    EXPECT_EQ(kept(b), std::nullopt);
    EXPECT_EQ(take(every_step, part, {}, {}, all_of("")).error().code, ErrorCode::unavailable);
    EXPECT_TRUE(observe(b.harness));
    EXPECT_EQ(parts_left(), 0U);
}

TEST_F(BtrfsParts, AreSweptWhenTheEpochIsAnother) {
    const std::string bytes = second_stream();
    cut_in_the_middle(bytes, snap(1, 1), snap(1, 2));
    b.done(DemoteDataset{orders, Epoch{2}});
    EXPECT_EQ(kept(b), std::nullopt);
    EXPECT_TRUE(observe(b.harness));
    EXPECT_EQ(parts_left(), 0U);

    const auto received =
        take(every_step, {}, snap(1, 1), snap(1, 2), cut_after(bytes.substr(0, bytes.size() / 2)), Epoch{2});
    EXPECT_EQ(received.error(), cut_error);
    EXPECT_EQ(kept(b)->epoch, Epoch{2});
    expect_it_goes_on(snap(1, 1), snap(1, 2));
}

TEST_F(BtrfsParts, AreSweptAfterADay) {
    cut_in_the_middle(first_stream());
    auto note = btrfs::load_partial(folder_of_b()).value().value();
    note.saved = note.saved - btrfs::partial_kept_for + 1min;
    ASSERT_TRUE(btrfs::save_partial(folder_of_b(), note));
    EXPECT_TRUE(observe(b.harness));
    EXPECT_TRUE(kept(b));
    note.saved = note.saved - 2min;
    ASSERT_TRUE(btrfs::save_partial(folder_of_b(), note));
    EXPECT_EQ(kept(b), std::nullopt);
    EXPECT_TRUE(observe(b.harness));
    EXPECT_FALSE(fs::exists(b.harness.disk.dataset(orders.value)));
}

TEST_F(BtrfsParts, AreSweptWhenTheNoteOrThePartIsNotWhatItWas) {
    const std::string bytes = first_stream();
    const std::string folder = b.harness.disk.dataset(orders.value);
    const std::vector<std::string> harms = {
        "echo x > " + folder + "/partial.json", "rm " + folder + "/partial.json",
        "btrfs -q subvolume delete " + folder + "/.partial-* >/dev/null",
        "for p in " + folder + "/.partial-*; do btrfs property set $p ro false; done",
        "head -c 100000 /dev/zero > " + folder + "/partial.json"};
    for (const std::string& harm : harms) {
        SCOPED_TRACE(harm);
        cut_in_the_middle(bytes);
        run(harm);
        EXPECT_EQ(kept(b), std::nullopt);
        EXPECT_TRUE(observe(b.harness));
        EXPECT_FALSE(fs::exists(folder));
    }
}

TEST_F(BtrfsParts, GoWhenTheSnapshotOrAnotherOneArrives) {
    const std::string bytes = first_stream();
    cut_in_the_middle(bytes);
    ASSERT_TRUE(b.read(bytes, {}, snap(1, 1)));
    EXPECT_EQ(b.left(), (std::set<std::string>{"marker.json", "e1-s1"}));

    EXPECT_TRUE(perform(b.harness, DestroyDataset{orders}));
    cut_in_the_middle(bytes);
    a.done(TakeSnapshot{orders, snap(1, 2)});
    ASSERT_TRUE(b.read(a.write({}, snap(1, 2)).value(), {}, snap(1, 2)));
    EXPECT_EQ(b.left(), (std::set<std::string>{"marker.json", "e1-s2"}));
}

TEST_F(BtrfsParts, GoWhenThePartOfAnotherOneIsKept) {
    const std::string bytes = first_stream();
    cut_in_the_middle(bytes);
    a.done(TakeSnapshot{orders, snap(1, 2)});
    const auto other = cut_in_the_middle(a.write({}, snap(1, 2)).value(), {}, snap(1, 2));
    EXPECT_EQ(other.to, snap(1, 2));
    EXPECT_EQ(parts_left(), 2U) << "at most one";
}

TEST_F(BtrfsParts, GoWhenTheDatasetGetsACopyOfItsOwnOrLeaves) {
    const std::string bytes = first_stream();
    cut_in_the_middle(bytes);
    b.done(CreateDataset{orders, Epoch{1}});
    EXPECT_EQ(b.left(), (std::set<std::string>{"marker.json", "live"}));
    EXPECT_TRUE(perform(b.harness, DestroyDataset{orders}));

    cut_in_the_middle(bytes);
    EXPECT_TRUE(perform(b.harness, DestroyDataset{orders}));
    EXPECT_FALSE(fs::exists(b.harness.disk.dataset(orders.value)));

    cut_in_the_middle(bytes);
    EXPECT_TRUE(perform(b.harness, ReleaseReplica{orders}));
    EXPECT_TRUE(observe(b.harness));
    EXPECT_FALSE(fs::exists(b.harness.disk.dataset(orders.value)));

    carry(a, b, {}, snap(1, 1));
    change_volume();
    a.done(TakeSnapshot{orders, snap(1, 2)});
    const std::string increment = a.write(snap(1, 1), snap(1, 2)).value();
    cut_in_the_middle(increment, snap(1, 1), snap(1, 2));
    b.done(StartTrial{orders, MoveId{1}, snap(1, 1)});
    EXPECT_EQ(b.left(), (std::set<std::string>{"marker.json", "trial", "e1-s1"}));
}

}  // namespace
}  // namespace flocker::contract
