// SPDX-License-Identifier: Apache-2.0
//
// Digests of snapshots on real pools: equal trees have equal ones, and nothing that a user could see escapes them.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "adapters/btrfs/snapshot_digests.hpp"
#include "adapters/btrfs/tree_digest.hpp"
#include "adapters/btrfs/tree_walk.hpp"
#include "tests/contract/btrfs_streams_test.hpp"

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;
using namespace model;
using ports::DigestMark;
using ports::DigestProgress;
using ports::DigestRange;
using ::testing::Contains;

/// All that a digest tells on its way.
struct Listener {
    [[nodiscard]] ports::DigestListener listener() {
        return [this](const std::variant<DigestProgress, DigestMark>& news) -> Status {
            if (const auto* mark = std::get_if<DigestMark>(&news)) marks.push_back(*mark);
            if (const auto* progress = std::get_if<DigestProgress>(&news)) last = *progress;
            if (hook) hook();
            if (left == 0) return fail(ErrorCode::unavailable, "nobody listens");
            --left;
            return {};
        };
    }
    std::vector<DigestMark> marks;
    DigestProgress last;
    std::size_t left{1'000'000'000};
    std::function<void()> hook{};
};

/// A shell command that sets an extended attribute, of a link itself.
std::string set_attribute(const std::string& file, const std::string& name, const std::string& value) {
    return "python3 -c 'import os, struct; os.setxattr(\"" + file + "\", \"" + name + "\", " + value +
           ", follow_symlinks=False)'";
}
/// An access control list that lets user 1234 read it, and perhaps write.
std::string access_list(int permissions) {
    return "struct.pack(\"<I\" + \"HHI\" * 5, 2, 1, 6, 2**32 - 1, 2, " + std::to_string(permissions) +
           ", 1234, 4, 4, 2**32 - 1, 16, 6, 2**32 - 1, 32, 4, 2**32 - 1)";
}

class BtrfsDigest : public BtrfsStreams {
protected:
    static constexpr const char* odd_tree =
        "umask 022 && echo text > file && mkdir -p deep/er/still && echo x > deep/er/still/leaf && ln file deep/hard "
        "&& "
        "ln -s ../no/where link && mkfifo pipe && mknod null c 1 3 && mknod disk b 7 99 && touch empty && mkdir sealed "
        "&& "
        "chmod 4755 file && chmod 000 sealed && chown 1234:5678 file && chown -h 42:43 link && "
        "touch -d '1999-12-31 23:59:59.123456789' deep/er && touch -h -d '2001-02-03' link && "
        "printf n > \"$(printf 'new\\nline')\" && printf u > \"$(printf 'um\\303\\244l \\377')\" && "
        "truncate -s 50M sparse && printf end | dd of=sparse bs=1 seek=30000000 conv=notrunc 2>/dev/null && "
        "head -c 3000000 /dev/urandom > large && "
        "python3 -c 'import os; os.setxattr(\"file\", \"user.note\", b\"one\")' && "
        "echo a > 'a' && echo b > 'a b' && mkdir a.d && echo c > a.d/c";

    void in_volume(const std::string& command) { run("cd " + a.volume().string() + " && " + command); }
    void make(const std::string& command) {
        in_volume(command);
        a.done(TakeSnapshot{orders, snap(1, 1)});
    }
    /// Of the snapshot e1-s1.
    static Result<ports::TreeDigest> digest(Place& place, Listener& listener,
                                            std::optional<DigestRange> only = std::nullopt) {
        btrfs::BtrfsSnapshotDigests digests(place.harness.disk.pool());
        FLOCKER_TRY(const auto held, digests.hold(orders, snap(1, 1)));
        return held->digest(only, listener.listener());
    }
    static ports::TreeDigest digest(Place& place) {
        Listener listener;
        const auto made = digest(place, listener);
        EXPECT_TRUE(made) << made.error();
        return made.value_or(ports::TreeDigest{});
    }
    static ports::TreeDigest digest_of(const std::string& folder, Listener& listener,
                                       std::optional<DigestRange> only = std::nullopt) {
        const posix::Fd root(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const auto made = btrfs::digest_tree(root, only, {}, listener.listener());
        EXPECT_TRUE(made) << made.error();
        return made.value_or(ports::TreeDigest{});
    }
    /// A copy of a's snapshot that is changed by the command, with every time as it was.
    std::string changed_copy(const std::string& command) {
        const std::string copy = a.harness.disk.pool() + "/copy";
        run("if test -e " + copy + "; then btrfs -q subvolume delete " + copy + "; fi; btrfs -q subvolume snapshot " +
            a.snapshot(snap(1, 1)).string() + " " + copy + " && cd " + copy + " && " + command);
        return copy;
    }
    /// The paths of the entries whose digests differ.
    static std::vector<std::string> differing(const std::string& one, const std::string& other) {
        Listener here;
        Listener there;
        digest_of(one, here, DigestRange{0, 1'000'000});
        digest_of(other, there, DigestRange{0, 1'000'000});
        std::vector<std::string> paths;
        for (const DigestMark& mark : here.marks) {
            if (std::ranges::find(there.marks, mark) == there.marks.end()) paths.push_back(mark.path);
        }
        return paths;
    }
};

TEST_F(BtrfsDigest, IsEqualWhereASnapshotHasGone) {
    make(odd_tree);
    carry(a, b, {}, snap(1, 1));
    in_volume("mv deep moved && echo more >> large && rm file && chmod 644 empty");
    a.done(TakeSnapshot{orders, snap(1, 2)});
    carry(a, b, snap(1, 1), snap(1, 2));
    Listener here;
    Listener there;
    const auto ours = digest(a, here);
    const auto theirs = digest(b, there);
    ASSERT_TRUE(ours) << ours.error();
    ASSERT_TRUE(theirs) << theirs.error();
    EXPECT_EQ(*ours, *theirs);
    EXPECT_EQ(here.marks, there.marks);
    EXPECT_EQ(ours->digest.size(), 64U);
    EXPECT_EQ(ours->entries, 21U);
    EXPECT_EQ(here.last.entries_expected, 20U) << "a file with two names is one inode";
    EXPECT_LT(ours->bytes.value, 6'000'000U) << "the hole was read";
    EXPECT_GE(ours->bytes.value, 3'000'000U);
    btrfs::BtrfsSnapshotDigests digests(b.harness.disk.pool());
    Listener increment;
    const auto later = digests.hold(orders, snap(1, 2)).value()->digest({}, increment.listener());
    EXPECT_NE(later.value().digest, ours->digest);
    EXPECT_EQ(a.left(), (std::set<std::string>{"marker.json", "live", "e1-s1", "e1-s2"})) << "nothing is left of it";
}

TEST_F(BtrfsDigest, FindsEveryDifferenceThatAUserCouldSee) {
    make(odd_tree + std::string(" && ") + set_attribute("large", "system.posix_acl_access", access_list(6)));
    const std::string original = a.snapshot(snap(1, 1));
    Listener listener;
    const std::string digest = digest_of(original, listener).digest;
    EXPECT_EQ(digest_of(changed_copy("true"), listener).digest, digest);

    // Each with the entry that it changes; times are put back, so that it is not them that are found.
    const std::string keep =
        "touch -r . /tmp/flkt-folder && touch -r file /tmp/flkt-file && touch -r large "
        "/tmp/flkt-large && touch -r deep /tmp/flkt-deep; ";
    const std::string back =
        "; touch -r /tmp/flkt-file file; touch -r /tmp/flkt-large large; touch -r /tmp/flkt-deep deep; "
        "touch -r /tmp/flkt-folder .";
    const std::vector<std::pair<std::string, std::string>> changes{
        {"python3 -c 'f = open(\"large\", \"r+b\"); f.seek(2500000); b = f.read(1)[0]; f.seek(2500000); "
         "f.write(bytes([b ^ 1]))'",
         "large"},
        {"truncate -s 2999999 large", "large"},
        {"truncate -s +1 sparse", "sparse"},
        {"chmod 4754 file", "file"},
        {"chown 1234:1 file && chmod 4755 file", "file"},
        {"chown -h 42:44 link", "link"},
        {"touch -d '1999-12-31 23:59:59.123456788' deep/er", "deep/er"},
        {set_attribute("file", "user.note", "b\"two\""), "file"},
        {set_attribute("file", "user.more", "b\"one\""), "file"},
        {"python3 -c 'import os; os.removexattr(\"file\", \"user.note\")'", "file"},
        {set_attribute("large", "system.posix_acl_access", access_list(4)), "large"},
        {set_attribute("link", "trusted.link", "b\"l\""), "link"},
        {"rm pipe && mknod pipe p && chmod 600 pipe", "pipe"},
        {"rm null && mknod null c 1 5", "null"},
        {"ln -sf ../no/wher3 link && chown -h 42:43 link && touch -h -d '2001-02-03' link", "link"},
        {"cp -p --remove-destination file other && mv other deep/hard", "deep/hard"},
        {"mv empty emptier", "empty"},
        {"mv \"$(printf 'um\\303\\244l \\377')\" \"$(printf 'um\\303\\244l \\376')\"", "um\\xc3\\xa4l \\xff"},
        {"touch -d '2001-02-03' .", "/"},
    };
    for (const auto& [change, path] : changes) {
        const bool is_root = path == "/";
        const std::string copy = changed_copy(is_root ? change : keep + change + back);
        EXPECT_NE(digest_of(copy, listener).digest, digest) << change;
        EXPECT_THAT(differing(original, copy), Contains(path)) << change;
    }
    run("rm /tmp/flkt-file /tmp/flkt-folder /tmp/flkt-large /tmp/flkt-deep");
}

TEST_F(BtrfsDigest, DoesNotTellAHoleFromZeros) {
    make(
        "truncate -s 5500000 sparse && cp -p sparse full && cp -p sparse part && "
        "printf x | dd of=part bs=1 seek=2100000 conv=notrunc 2>/dev/null && printf x | dd of=full bs=1 seek=2100000 "
        "conv=notrunc 2>/dev/null && touch -r sparse part full");
    const std::string copy = changed_copy(
        "python3 -c 'd = open(\"full\", \"rb\").read(); open(\"full\", \"wb\").write(d)' && sync "
        "full && touch -r sparse full");
    Listener listener;
    struct stat filled {};
    ASSERT_EQ(::stat((copy + "/full").c_str(), &filled), 0);
    EXPECT_GE(filled.st_blocks * 512, 5'500'000);
    EXPECT_EQ(digest_of(copy, listener).digest, digest(a).digest);
}

TEST_F(BtrfsDigest, SetsMarksFromWhichTheFirstDifferenceIsSoonFound) {
    make(
        "mkdir -p many/deep && for i in $(seq 1000 1700); do echo $i > many/$i; done && head -c 70M /dev/urandom > "
        "many/1400 && "
        "echo last > zebra");
    Listener here;
    const std::string original = a.snapshot(snap(1, 1));
    const auto whole = digest_of(original, here);
    EXPECT_EQ(whole.entries, 705U);
    ASSERT_GE(here.marks.size(), 4U);
    const auto large = std::ranges::find(here.marks, "many/1400", &DigestMark::path);
    ASSERT_NE(large, here.marks.end());
    EXPECT_EQ((large - 1)->entry, large->entry - 1) << "a large file is not read again to find another";
    for (std::size_t i = 1; i < here.marks.size(); ++i) EXPECT_LE(here.marks[i].entry - here.marks[i - 1].entry, 256U);

    Listener there;
    const std::string copy = changed_copy("chmod 600 many/1600 many/1601");
    digest_of(copy, there);
    ASSERT_EQ(here.marks.size(), there.marks.size());
    const auto [ours, theirs] = std::ranges::mismatch(here.marks, there.marks);
    const std::uint64_t first = ours == here.marks.begin() ? 0 : (ours - 1)->entry + 1;
    Listener our_entries;
    Listener their_entries;
    digest_of(original, our_entries, DigestRange{first, 256});
    const auto again = digest_of(copy, their_entries, DigestRange{first, 256});
    EXPECT_LT(again.bytes.value, 100'000U);
    const auto [one, other] = std::ranges::mismatch(our_entries.marks, their_entries.marks);
    ASSERT_NE(one, our_entries.marks.end());
    EXPECT_EQ(one->path, "many/1600");
    EXPECT_EQ(other->path, "many/1600");
}

TEST_F(BtrfsDigest, GoesAsDeepAsFoldersGo) {
    make(
        "python3 -c '\nimport os\nfor i in range(3000):\n  os.mkdir(\"folder\"); os.chdir(\"folder\")\nopen(\"leaf\", "
        "\"w\")'");
    Listener listener;
    const auto made = digest(a, listener);
    ASSERT_TRUE(made) << made.error();
    EXPECT_EQ(made->entries, 3002U);
    run("cd " + a.volume().string() + " && rm -r folder");
}

TEST_F(BtrfsDigest, HoldsItsSnapshotAgainstEveryoneAndLeavesNothing) {
    make(odd_tree);
    const std::string digest = BtrfsDigest::digest(a).digest;
    btrfs::BtrfsSnapshotDigests digests(a.harness.disk.pool());
    a.done(TakeSnapshot{orders, snap(1, 2)});
    auto first = digests.hold(orders, snap(1, 1)).value();
    auto second = digests.hold(orders, snap(1, 1)).value();
    a.done(DropSnapshots{orders, {snap(1, 1)}});
    a.harness.restart();
    ASSERT_TRUE(observe(a.harness)) << "and a store that starts does not take it for a leftover";
    Listener listener;
    EXPECT_EQ(first->digest({}, listener.listener()).value().digest, digest);
    first.reset();
    EXPECT_FALSE(perform(a.harness, DestroyDataset{orders}).value().has_value());
    EXPECT_EQ(second->digest({}, listener.listener()).value().digest, digest) << "not even the dataset's end is seen";
    second.reset();
    ASSERT_TRUE(observe(a.harness));
    EXPECT_TRUE(fs::is_empty(a.harness.disk.pool() + "/flocker"));
    EXPECT_EQ(digests.hold(orders, snap(1, 1)).error().code, ErrorCode::not_found);
}

TEST_F(BtrfsDigest, LeavesNothingAfterACrash) {
    make("echo text > file");
    const pid_t agent = ::fork();
    if (agent == 0) {
        const auto held = btrfs::BtrfsSnapshotDigests(a.harness.disk.pool()).hold(orders, snap(1, 1));
        ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ::waitpid(agent, &status, 0);
    EXPECT_TRUE(a.left().contains(".reading-e1-s1-0"));
    ASSERT_TRUE(observe(a.harness));
    EXPECT_EQ(a.left(), (std::set<std::string>{"marker.json", "live", "e1-s1"}));
}

TEST_F(BtrfsDigest, EndsWhenNobodyListens) {
    make("head -c 20M /dev/urandom > large");
    Listener listener;
    listener.left = 5;
    const auto made = digest(a, listener);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message, "nobody listens");
    EXPECT_LT(listener.last.bytes.value, 10'000'000U);
    EXPECT_EQ(a.left(), (std::set<std::string>{"marker.json", "live", "e1-s1"}));
}

TEST_F(BtrfsDigest, SaysWhatCanNotBeRead) {
    make("echo text > file");
    Listener listener;
    const auto made = digest(a, listener, DigestRange{5, 0});
    ASSERT_TRUE(made) << "a range of none reads nothing";
    EXPECT_EQ(made->entries, 0U);
    EXPECT_EQ(btrfs::shown_path("odd\n\\\xff name"), "odd\\x0a\\x5c\\xff name");
}

TEST_F(BtrfsDigest, TakesTheLowestPriorityAndLeavesNothingInThePageCache) {
    make("head -c 60M /dev/urandom > large && sync large");
    Listener listener;
    int priority = 0;
    listener.hook = [&] { priority = ::getpriority(PRIO_PROCESS, 0); };
    ASSERT_TRUE(digest(a, listener));
    EXPECT_EQ(priority, 19);
    EXPECT_EQ(::getpriority(PRIO_PROCESS, 0), 0) << "the caller keeps its own";

    const std::string file = a.snapshot(snap(1, 1)) / "large";
    digest_of(a.snapshot(snap(1, 1)), listener);
    const posix::Fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    constexpr std::size_t size = 60U << 20U;
    void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, opened.get(), 0);
    ASSERT_NE(mapped, MAP_FAILED);
    std::vector<unsigned char> pages(size / 4096);
    ASSERT_EQ(::mincore(mapped, size, pages.data()), 0);
    const auto cached = std::ranges::count_if(pages, [](unsigned char page) { return (page & 1U) != 0; });
    ::munmap(mapped, size);
    EXPECT_LT(cached, 100);
}

}  // namespace
}  // namespace flocker::contract
