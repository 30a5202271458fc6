// SPDX-License-Identifier: Apache-2.0
//
// Data, bit for bit: what goes from one pool to another is there afterwards, all of it and nothing else.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "adapters/btrfs/snapshot_digests.hpp"
#include "adapters/posix/fd.hpp"
#include "tests/contract/btrfs_streams_test.hpp"
#include "tests/contract/tree_text.hpp"

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;
using namespace model;

/// An access control list as the kernel keeps it: user 1234 may read, and what `group` says.
std::string access_list(char group) {
    const auto entry = [](char tag, char permissions, const std::string& id) {
        return std::string{tag, 0, permissions, 0} + id;
    };
    const std::string nobody(4, '\xff');
    return std::string{2, 0, 0, 0} + entry(1, 6, nobody) + entry(2, 4, std::string("\xd2\x04\0\0", 4)) +
           entry(4, group, nobody) + entry(16, 6, nobody) + entry(32, 0, nobody);
}

class BtrfsEqual : public BtrfsStreams {
protected:
    void in_volume(const std::string& command) { run("cd " + a.volume().string() + " && umask 022 && " + command); }
    void set_attribute(const std::string& name, const char* attribute, const std::string& value) {
        const std::string path = a.volume() / name;
        ASSERT_EQ(::lsetxattr(path.c_str(), attribute, value.data(), value.size(), 0), 0) << name << " " << attribute;
    }
    static std::string digest(Place& place, SnapshotId id) {
        btrfs::BtrfsSnapshotDigests digests(place.harness.disk.pool());
        const auto held = digests.hold(orders, id);
        EXPECT_TRUE(held) << held.error();
        if (!held) return {};
        const auto made = (*held)->digest(std::nullopt, [](const auto&) { return Status{}; });
        EXPECT_TRUE(made) << made.error();
        return made ? made->digest + " of " + std::to_string(made->entries) : "";
    }
    /// Takes a snapshot of a's volume and carries it over. The digests must be equal then.
    void send(bool in_words = true) {
        const SnapshotId id = snap(1, ++sequence_);
        a.done(TakeSnapshot{orders, id});
        const auto bytes = a.write(base_, id);
        ASSERT_TRUE(bytes) << bytes.error();
        sent_ = bytes->size();
        const Status received = b.read(*bytes, base_, id);
        ASSERT_TRUE(received) << received.error();
        EXPECT_EQ(digest(b, id), digest(a, id)) << to_text(id);
        // By other means, and with what a digest leaves out.
        if (in_words) {
            EXPECT_EQ(tree_text(b.snapshot(id)), tree_text(a.snapshot(id))) << to_text(id);
        }
        base_ = id;
    }
    fs::path at_b(const std::string& name) { return b.snapshot(*base_) / name; }

    std::optional<SnapshotId> base_;
    std::uint64_t sequence_{0};
    std::size_t sent_{0};
};

TEST_F(BtrfsEqual, IsAVolumeOfEverythingThatThereIsInFullAndByIncrements) {
    const std::string longest(255, 'n');
    std::string deep = ".";
    for (int level = 0; level < 60; ++level) deep += "/level" + std::to_string(level);
    std::string long_target = "t";
    while (long_target.size() < 4000) long_target += "/t";
    in_volume(
        "echo text > file && ln file hard && ln -s ../no/where link && ln -s /etc/passwd absolute && mkfifo pipe && "
        "mknod null c 1 3 && mknod disk b 7 99 && touch empty && mkdir folder one two && echo 1 > one/in && echo 2 > two/in && "
        "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")' && "
        "chmod 4755 file && chmod 2711 folder && chmod 000 empty && chown 1234:5678 file && chown -h 42:43 link && "
        "chown 4294967294:4294967294 empty && touch -d '1999-12-31 23:59:59.123456789' folder && "
        "touch -h -d '2001-02-03 04:05:06.000000001' link && touch -d '1955-01-01' empty && touch -d '2300-01-01' one/in && "
        "printf n > \"$(printf 'new\\nline\\t ')\" && printf u > \"$(printf 'um\\303\\244l \\377\\001')\" && "
        "mkdir \"$(printf '\\377\\376')\" && echo x > \"$(printf '\\377\\376/in')\" && printf b > 'back\\slash' && "
        "printf s > ' ' && "
        "printf l > " + longest + " && mkdir folder/" + longest + " && ln -s " + long_target + " longlink && "
        "mkdir -p " + deep + " && echo leaf > " + deep + "/leaf && "
        "truncate -s 50M sparse && printf end | dd of=sparse bs=1 seek=30000000 conv=notrunc 2>/dev/null && "
        "truncate -s 7 hole && "
        "fallocate -l 3000000 reserved && touch beyond && fallocate -n -l 900000 beyond && "
        "head -c 3000000 /dev/urandom > large && "
        "head -c 5000000 /dev/zero > zeros && cp --reflink=always large shared && touch -d '1970-01-02 UTC' .");
    set_attribute("file", "user.note", std::string("v\0w", 3));
    set_attribute("file", "user.large", std::string(3000, '\xfe'));
    set_attribute("folder", "user.empty", "");
    set_attribute("", "trusted.root", "r");
    set_attribute("link", "trusted.link", "l");
    set_attribute("file", "system.posix_acl_access", access_list(6));
    set_attribute("folder", "system.posix_acl_access", access_list(4));
    set_attribute("folder", "system.posix_acl_default", access_list(5));
    set_attribute("large", "security.capability", std::string("\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20));
    send();
    EXPECT_LT(sent_, 10'000'000U) << "holes were sent";
    struct stat sparse {};
    ASSERT_EQ(::stat(at_b("sparse").c_str(), &sparse), 0);
    EXPECT_LT(sparse.st_blocks * 512, 1'000'000) << "the hole was filled";

    const std::vector<std::string> changes = {
        ":",
        "mv file renamed && rm hard && mkdir hard && echo in > hard/in && echo another > file",
        "mv one tmp && mv two one && mv tmp two",
        "mv one two/one && mv two one && mv one/one two",
        "rm link pipe sock null && ln -s elsewhere pipe && echo file > link && mkfifo sock && mknod null b 9 9",
        "rm empty && touch empty && rm empty && mkdir empty && rmdir empty && ln -s x empty",
        "for i in $(seq 300); do echo $i > n$i; done",
        "for i in $(seq 1 2 300); do mv n$i m$i; done && for i in $(seq 2 2 300); do rm n$i && echo again $i > n$i; done",
        "for i in $(seq 1 2 299); do mv m$i t && mv n$((i+1)) m$i && mv t n$((i+1)); done",
        "mv level0/level1/level2 top && rm -r level0 && mkdir level0 && mv top level0/below",
        "rm " + longest + " && mv folder/" + longest + " . && rm -r folder",
        "printf middle | dd of=large bs=1 seek=1500000 conv=notrunc 2>/dev/null && "
        "truncate -s 10 shared && truncate -s 9M shared && "
        "fallocate -p -o 4096 -l 81920 large && printf x | dd of=reserved bs=1 seek=2000000 conv=notrunc 2>/dev/null",
        "chmod 600 renamed && chown 7:8 renamed && touch -d '2000-01-01 00:00:00.999999999' . && "
        "ln renamed linked && ln linked l2 && "
        "rm renamed && chattr +C . && head -c 100000 /dev/urandom > nocow && chattr -C .",
        "find . -mindepth 1 -delete",
    };
    for (const std::string& change : changes) {
        SCOPED_TRACE(change);
        in_volume(change);
        if (fs::exists(a.volume() / "linked")) {
            set_attribute("linked", "user.note", "another");
            ASSERT_EQ(::removexattr((a.volume() / "linked").c_str(), "user.large"), 0);
        }
        ASSERT_NO_FATAL_FAILURE(send());
    }
}

TEST_F(BtrfsEqual, IsAVolumeThatHoldsNothing) {
    send();
    EXPECT_TRUE(fs::is_empty(b.snapshot(*base_)));
    send();
    in_volume("echo x > file");
    send();
    in_volume("rm file");
    send();
    EXPECT_TRUE(fs::is_empty(b.snapshot(*base_)));
}

TEST_F(BtrfsEqual, IsAVolumeOfAHundredThousandSmallFiles) {
    const auto file = [&](int i) {
        return a.volume() / std::to_string(i % 100) / std::to_string(i % 10) / ("file" + std::to_string(i));
    };
    for (int i = 0; i < 100; ++i) {
        for (int j = 0; j < 10; ++j) fs::create_directories(a.volume() / std::to_string(i) / std::to_string(j));
    }
    for (int i = 0; i < 100'000; ++i) {
        std::ofstream(file(i)) << "content of " << i << std::string(static_cast<std::size_t>(i % 50), '.');
    }
    ASSERT_NO_FATAL_FAILURE(send(false));
    for (int i = 0; i < 100'000; i += 97) {
        std::error_code error;
        switch (i % 3) {
            case 0: fs::remove(file(i), error); break;
            case 1: fs::rename(file(i), a.volume() / ("moved" + std::to_string(i)), error); break;
            default: std::ofstream(file(i), std::ios::app) << "and more";
        }
        EXPECT_FALSE(error) << i;
    }
    ASSERT_NO_FATAL_FAILURE(send(false));
    EXPECT_LT(sent_, 1'000'000U) << "what did not change was sent";
}

TEST_F(BtrfsEqual, IsAFileOfFourGibibytes) {
    // Most of it holes; what is written lies before, at and behind each of the bounds that 32 bits have.
    in_volume("truncate -s 4295000000 huge && head -c 268435456 /dev/urandom > written");
    const auto write_at = [&](std::int64_t offset, const std::string& text) {
        const posix::Fd opened(::open((a.volume() / "huge").c_str(), O_WRONLY | O_CLOEXEC));
        ASSERT_EQ(::pwrite(opened.get(), text.data(), text.size(), offset), static_cast<ssize_t>(text.size()));
    };
    const std::int64_t bound = std::int64_t{1} << 32;
    for (const std::int64_t offset : {std::int64_t{0}, bound / 2 - 3, bound - 70'000, bound - 3, bound + 4096}) {
        write_at(offset, "written at " + std::to_string(offset));
    }
    write_at(bound / 4, std::string(300'000, 'x'));
    ASSERT_NO_FATAL_FAILURE(send(false));
    EXPECT_LT(sent_, 272'000'000U) << "holes were sent";
    struct stat seen {};
    ASSERT_EQ(::stat(at_b("huge").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_size, 4'295'000'000);
    EXPECT_LT(seen.st_blocks * 512, 2'000'000);
    write_at(bound - 1, "over the bound");
    in_volume("printf x | dd of=written bs=1 seek=200000000 conv=notrunc 2>/dev/null");
    ASSERT_NO_FATAL_FAILURE(send(false));
    EXPECT_LT(sent_, 1'000'000U);
    // The kernel sends such a hole as zeros, from where the data before it ends.
    in_volume("fallocate -p -o 1073741824 -l 131072 huge");
    ASSERT_NO_FATAL_FAILURE(send(false));
}

TEST_F(BtrfsEqual, IsEachSnapshotOfAVolumeThatIsWrittenAllTheWhile) {
    std::atomic<bool> writes{true};
    std::thread application([&] {
        const posix::Fd log(::open((a.volume() / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
        for (int i = 0; writes; ++i) {
            const std::string line = "line " + std::to_string(i) + "\n";
            if (::write(log.get(), line.data(), line.size()) < 0) ADD_FAILURE() << errno;
            const std::string name = (a.volume() / ("f" + std::to_string(i % 50))).string();
            std::ofstream(name) << i;
            if (i % 7 == 0) static_cast<void>(std::rename(name.c_str(), (name + ".old").c_str()));
            if (i % 11 == 0) static_cast<void>(::unlink((name + ".old").c_str()));
        }
    });
    for (int round = 0; round < 8; ++round) send();
    writes = false;
    application.join();
    send();
}

}  // namespace
}  // namespace flocker::contract
