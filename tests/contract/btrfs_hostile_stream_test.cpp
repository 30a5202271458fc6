// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "adapters/btrfs/crc32c.hpp"
#include "adapters/btrfs/stream_prefix.hpp"
#include "tests/contract/btrfs_streams_test.hpp"

namespace flocker::contract {
namespace {

namespace fs = std::filesystem;
using namespace model;

using BtrfsHostileStream = BtrfsStreams;

std::string little(std::uint64_t number, std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>((number >> (8 * i)) & 0xFFU);
    return text;
}
std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}
std::string attribute(unsigned type, const std::string& value) {
    return little(type, 2) + little(value.size(), 2) + value;
}
std::string command(unsigned kind, const std::string& payload) {
    const std::string head = little(payload.size(), 4) + little(kind, 2);
    return head + little(btrfs::crc32c(0, bytes_of(head + std::string(4, '\0') + payload)), 4) + payload;
}
std::string stream_of(const std::string& commands) {
    const auto prefix = btrfs::stream::encode_prefix({1});
    const std::string begin(reinterpret_cast<const char*>(prefix.data()), prefix.size());
    return begin + std::string("btrfs-stream\0", 13) + little(1, 4) + commands + command(21, "");
}
std::string whole(const std::string& commands) {
    const std::string snapshot = attribute(15, "x") + attribute(1, std::string(16, 'u')) + attribute(2, little(1, 8));
    return stream_of(command(1, snapshot) + commands);
}
/// On top of whole().
std::string increment(const std::string& commands) {
    const std::string snapshot = attribute(15, "x") + attribute(1, std::string(16, 'w')) + attribute(2, little(2, 8)) +
                                 attribute(20, std::string(16, 'u')) + attribute(21, little(1, 8));
    return stream_of(command(2, snapshot) + commands);
}
std::string clone_of(char uuid, const std::string& from, const std::string& to) {
    return command(16, attribute(15, to) + attribute(18, little(0, 8)) + attribute(24, little(4096, 8)) +
                           attribute(20, std::string(16, uuid)) + attribute(21, little(1, 8)) + attribute(22, from) +
                           attribute(23, little(0, 8)));
}
std::string make_file(const std::string& path) {
    return command(3, attribute(15, path));
}
std::string make_symlink(const std::string& path, const std::string& target) {
    return command(8, attribute(15, path) + attribute(17, target));
}
std::string make_node(const std::string& path, unsigned mode, std::uint64_t device) {
    return command(5, attribute(15, path) + attribute(5, little(mode, 8)) + attribute(8, little(device, 8)));
}
std::string write_to(const std::string& path, const std::string& text = "overwritten") {
    return command(15, attribute(15, path) + attribute(18, little(0, 8)) + attribute(19, text));
}
std::string rename_of(const std::string& path, const std::string& to) {
    return command(9, attribute(15, path) + attribute(16, to));
}
std::string chmod_of(const std::string& path) {
    return command(18, attribute(15, path) + attribute(5, little(0777, 8)));
}

TEST_F(BtrfsHostileStream, NeverReachesOutsideItsSubvolume) {
    const fs::path outside = fs::path(b.harness.disk.pool()) / ".." / "outside";
    fs::create_directories(outside);
    std::ofstream(outside / "victim") << "untouched";
    ASSERT_EQ(::chmod((outside / "victim").c_str(), 0600), 0);
    const std::string target = fs::canonical(outside).string();
    const std::string in = make_symlink("l", target);
    const std::string to_victim = make_symlink("l", target + "/victim");
    const std::string device = make_node("null", S_IFCHR | 0666U, makedev(1, 3));
    const std::string fifo = command(6, attribute(15, "fifo"));
    const std::string plain = make_file("f");
    const std::vector<std::string> attacks = {
        in + make_file("l/evil"),
        in + command(4, attribute(15, "l/evil")),
        in + make_symlink("l/evil", "x"),
        in + plain + command(9, attribute(15, "f") + attribute(16, "l/evil")),
        in + command(9, attribute(15, "l/victim") + attribute(16, "stolen")),
        in + plain + command(10, attribute(15, "l/evil") + attribute(17, "f")),
        in + command(10, attribute(15, "stolen") + attribute(17, "l/victim")),
        in + command(11, attribute(15, "l/victim")),
        in + write_to("l/victim"),
        in + chmod_of("l/victim"),
        in + command(13, attribute(15, "l/victim") + attribute(13, "user.x") + attribute(14, "y")),
        to_victim + write_to("l"),
        to_victim + command(17, attribute(15, "l") + attribute(4, little(0, 8))),
        to_victim + chmod_of("l"),
        to_victim + command(13, attribute(15, "l") + attribute(13, "user.x") + attribute(14, "y")),
        to_victim + plain +
            command(16, attribute(15, "f") + attribute(18, little(0, 8)) + attribute(24, little(4096, 8)) +
                            attribute(20, std::string(16, 'u')) + attribute(21, little(1, 8)) + attribute(22, "l") +
                            attribute(23, little(0, 8))),
        // An increment's commands may name its base; a whole stream has none.
        plain + command(16, attribute(15, "f") + attribute(18, little(0, 8)) + attribute(24, little(4096, 8)) +
                                attribute(20, std::string(16, 'v')) + attribute(21, little(1, 8)) + attribute(22, "f") +
                                attribute(23, little(0, 8))),
        // Opening these for writing would wait for ever, or reach the kernel.
        device + write_to("null"),
        fifo + write_to("fifo"),
        make_node("dir", S_IFDIR | 0777U, 0),
        command(4, attribute(15, "d")) + write_to("d"),
        plain + command(15, attribute(15, "f") + attribute(18, little(UINT64_MAX, 8)) + attribute(19, "x")),
        command(22, attribute(15, "f") + attribute(18, little(0, 8)) + attribute(4, little(1, 8))),
    };
    ASSERT_TRUE(b.read(whole(plain + in), {}, snap(1, 1))) << "the way it is made is right";
    ASSERT_EQ(perform(b.harness, DestroyDataset{orders}).value(), std::nullopt);
    for (std::size_t i = 0; i < attacks.size(); ++i) {
        const auto received = b.read(whole(attacks[i]), {}, snap(1, 1));
        ASSERT_FALSE(received) << "attack " << i;
        const ErrorCode code = received.error().code;
        EXPECT_TRUE(code == ErrorCode::corrupt || code == ErrorCode::unavailable) << i << " " << received.error();
        EXPECT_EQ(b.left(), std::set<std::string>{}) << "attack " << i;
    }
    std::ifstream victim(outside / "victim");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(victim), {}), "untouched");
    struct stat seen {};
    ASSERT_EQ(::stat((outside / "victim").c_str(), &seen), 0);
    EXPECT_EQ(seen.st_mode & 07777U, 0600U);
    EXPECT_EQ(seen.st_nlink, 1U);
    EXPECT_EQ(std::distance(fs::directory_iterator(outside), {}), 1);
}

/// Each command that names a path, with that path.
std::vector<std::string> all_commands_on(const std::string& path) {
    const std::string times = little(1, 8) + little(0, 4);
    return {
        make_file(path),
        command(4, attribute(15, path)),
        make_node(path, S_IFCHR | 0666U, makedev(1, 3)),
        command(6, attribute(15, path)),
        command(7, attribute(15, path)),
        make_symlink(path, "x"),
        rename_of("f", path),
        rename_of(path, "stolen"),
        command(10, attribute(15, path) + attribute(17, "f")),
        command(10, attribute(15, "stolen") + attribute(17, path)),
        command(11, attribute(15, path)),
        command(12, attribute(15, path)),
        command(13, attribute(15, path) + attribute(13, "user.x") + attribute(14, "y")),
        command(14, attribute(15, path) + attribute(13, "user.x")),
        write_to(path),
        clone_of('u', path, "f"),
        clone_of('u', "f", path),
        command(17, attribute(15, path) + attribute(4, little(0, 8))),
        chmod_of(path),
        command(19, attribute(15, path) + attribute(6, little(1, 8)) + attribute(7, little(1, 8))),
        command(20, attribute(15, path) + attribute(11, times) + attribute(10, times) + attribute(9, times)),
    };
}

TEST_F(BtrfsHostileStream, NamesNothingOutsideWhateverTheCommand) {
    const fs::path neighbour = fs::path(b.harness.disk.pool()) / "flocker" / "victim";
    fs::create_directories(neighbour / "folder");
    std::ofstream(neighbour / "file") << std::string(8192, 'x');
    run("touch -d 2001-01-01 " + neighbour.string() + "/file " + neighbour.string());
    const std::string before = tree_text(neighbour);
    const std::string plain = make_file("f") + write_to("f") + command(4, attribute(15, "d"));
    const std::string inward = make_symlink("l", neighbour.string()) + make_symlink("n", "../../victim");
    for (const std::string path :
         {"../../victim/file", "../../victim/folder", "d/../../../victim/file", "/etc/passwd", "//f", "./f", "d/./f", "d//f",
          "..", ".", "d/..", "l/file", "l/folder", "n/file", "n/folder", "d/../f", "f/", "/"}) {
        for (const std::string& attack : all_commands_on(path)) {
            const auto received = b.read(whole(plain + inward + attack), {}, snap(1, 1));
            ASSERT_FALSE(received) << path;
            const ErrorCode code = received.error().code;
            EXPECT_TRUE(code == ErrorCode::corrupt || code == ErrorCode::unavailable) << path << " " << received.error();
            ASSERT_EQ(b.left(), std::set<std::string>{}) << path;
        }
    }
    EXPECT_EQ(tree_text(neighbour), before);
}

TEST_F(BtrfsHostileStream, ChangesNothingOfItsBaseAndReachesNothingThroughIt) {
    const fs::path outside = fs::path(b.harness.disk.pool()) / ".." / "outside";
    fs::create_directories(outside);
    std::ofstream(outside / "secret") << std::string(8192, 's');
    const std::string target = fs::canonical(outside).string();
    const std::string base = make_file("f") + write_to("f", std::string(4096, 'b')) + make_symlink("l", target) +
                             make_symlink("s", target + "/secret") + command(4, attribute(15, "d"));
    ASSERT_TRUE(b.read(whole(base), {}, snap(1, 1)));
    const std::string before = tree_text(b.snapshot(snap(1, 1)));
    const std::vector<std::string> attacks = {
        clone_of('u', "l/secret", "f"), clone_of('u', "s", "f"),    clone_of('u', "d", "f"),
        clone_of('x', "f", "f"),        clone_of('u', "none", "f"), clone_of('w', "l/secret", "f"),
        write_to("l/secret"),           write_to("s"),              chmod_of("l/secret"),
        rename_of("f", "l/f"),          command(1, ""),             command(11, attribute(15, "l/secret")),
    };
    for (std::size_t i = 0; i < attacks.size(); ++i) {
        const auto received = b.read(increment(attacks[i]), snap(1, 1), snap(1, 2));
        ASSERT_FALSE(received) << i;
        EXPECT_EQ(b.left(), (std::set<std::string>{"marker.json", "e1-s1"})) << i;
    }
    ASSERT_TRUE(b.read(increment(make_file("g") + clone_of('u', "f", "g") + write_to("f", "changed") + chmod_of("d") +
                                 command(11, attribute(15, "l"))),
                       snap(1, 1), snap(1, 2)))
        << "the way it is made is right";
    EXPECT_EQ(tree_text(b.snapshot(snap(1, 1))), before);
    std::ifstream secret(outside / "secret");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(secret), {}), std::string(8192, 's'));
}

TEST_F(BtrfsHostileStream, LeavesNothingOfAnOfferThatDoesNotFitWhatIsHere) {
    ASSERT_TRUE(b.read(whole(make_file("f")), {}, snap(1, 1), Epoch{3}));
    const auto before = b.left();
    const std::string tree = tree_text(b.snapshot(snap(1, 1)));
    // What is behind the stream's first command is not even looked at: it is nonsense.
    const std::string nonsense(100, 'x');
    const auto older = b.read(whole(nonsense), {}, snap(1, 2), Epoch{2});
    ASSERT_FALSE(older);
    EXPECT_EQ(older.error().code, ErrorCode::conflict) << older.error();
    const auto baseless = b.read(increment(nonsense), snap(1, 7), snap(1, 8), Epoch{3});
    ASSERT_FALSE(baseless);
    EXPECT_EQ(baseless.error().code, ErrorCode::conflict) << baseless.error();
    EXPECT_EQ(b.left(), before);
    EXPECT_EQ(tree_text(b.snapshot(snap(1, 1))), tree);
}

TEST_F(BtrfsHostileStream, WritesToWhatAPathMeansNowAndNotToWhatItMeant) {
    const auto received = b.read(
        whole(make_file("f") + write_to("f", "first") + rename_of("f", "g") + make_file("f") + write_to("f", "second") +
              command(11, attribute(15, "g")) + rename_of("f", "g") + make_file("f") + write_to("f", "third")),
        {}, snap(1, 1));
    ASSERT_TRUE(received) << received.error();
    const auto content = [&](const char* name) {
        std::ifstream file(b.snapshot(snap(1, 1)) / name);
        return std::string(std::istreambuf_iterator<char>(file), {});
    };
    EXPECT_EQ(content("g"), "second");
    EXPECT_EQ(content("f"), "third");
}

}  // namespace
}  // namespace flocker::contract
