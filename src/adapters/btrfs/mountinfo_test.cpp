// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/mountinfo.hpp"

#include <gtest/gtest.h>

namespace flocker::btrfs {
namespace {

TEST(MountLine, IsReadWithItsOptionalFields) {
    const auto shared = parse_mount_line(
        "46 27 0:40 /flocker/a/live /data rw,relatime shared:3 master:1 - btrfs /dev/loop0 "
        "rw,subvolid=256,subvol=/flocker/a/live");
    EXPECT_EQ(shared, (MountLine{46, "0:40", "/flocker/a/live", "/data", true}));
    const auto plain = parse_mount_line("22 27 0:21 / /proc rw,relatime - proc proc rw");
    EXPECT_EQ(plain, (MountLine{22, "0:21", "/", "/proc", false}));
}

TEST(MountLine, UnescapesWhatTheKernelEscapes) {
    const auto mount = parse_mount_line(R"(1 0 0:1 /a\040b /c\134\012d rw - x y z)");
    ASSERT_TRUE(mount);
    EXPECT_EQ(mount->root, "/a b");
    EXPECT_EQ(mount->point, "/c\\\nd");
}

TEST(MountLine, RefusesWhatIsNotOne) {
    for (const char* line : {"", "x", "1", "1 2 0:1", "1 2 0:1 / /x rw", "a 2 0:1 / /x rw - x y z"}) {
        EXPECT_FALSE(parse_mount_line(line)) << line;
    }
}

TEST(Mount, ShowsAFolderAndWhatIsBelowIt) {
    EXPECT_TRUE(shows("/flocker/a/live", "/flocker/a/live"));
    EXPECT_TRUE(shows("/flocker/a/live/sub", "/flocker/a/live"));
    EXPECT_TRUE(shows("/flocker/a/live//deleted", "/flocker/a/live"));
    EXPECT_FALSE(shows("/flocker/a/live2", "/flocker/a/live"));
    EXPECT_FALSE(shows("/", "/flocker/a/live"));
}

}  // namespace
}  // namespace flocker::btrfs
