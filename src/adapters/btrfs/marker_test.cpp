// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/marker.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace flocker::btrfs {
namespace {

using model::Epoch;
using model::MoveId;
using model::NodeId;
using model::SnapshotId;

const Marker full{Epoch{3},
                  model::Seal{MoveId{7}, SnapshotId{Epoch{3}, 42}},
                  model::Trial{MoveId{8}, SnapshotId{Epoch{2}, 1}},
                  {{NodeId{"alder"}, SnapshotId{Epoch{3}, 41}}, {NodeId{"birch"}, SnapshotId{Epoch{1}, 1}}},
                  Bytes{1U << 30U}};

TEST(MarkerText, ComesBackAsItWent) {
    EXPECT_EQ(parse_marker(to_json(full)), full);
    const Marker bare{.epoch = Epoch{18446744073709551615U}, .seal = {}, .trial = {}, .acknowledged = {}};
    EXPECT_EQ(parse_marker(to_json(bare)), bare);
}

TEST(MarkerText, KeepsItsFormat) {
    EXPECT_EQ(parse_marker(R"({"version":1,"epoch":3,"seal":{"move":7,"snapshot":"e3-s42"},
        "trial":{"move":8,"from":"e2-s1"},"acknowledged":{"alder":"e3-s41","birch":"e1-s1"},"maximum_size":1073741824})"),
              full);
    EXPECT_TRUE(parse_marker(R"({"version":1,"epoch":3})"));
}

TEST(MarkerText, IsCorruptRatherThanHalfUnderstood) {
    for (const char* text : {"", "{", "[]", "{}", R"({"version":2,"epoch":1})", R"({"version":1})",
                             R"({"version":1,"epoch":-1})", R"({"version":1,"epoch":"1"})",
                             R"({"version":1,"epoch":1,"seal":[]})", R"({"version":1,"epoch":1,"seal":{"move":1}})",
                             R"({"version":1,"epoch":1,"seal":{"move":1,"snapshot":"e1"}})",
                             R"({"version":1,"epoch":1,"acknowledged":{"a":5}})",
                             R"({"version":1,"epoch":1,"maximum_size":"1G"})"}) {
        const auto marker = parse_marker(text);
        ASSERT_FALSE(marker) << text;
        EXPECT_EQ(marker.error().code, ErrorCode::corrupt) << text;
    }
}

class MarkerFile : public ::testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "flkt-marker-XXXXXX").string();
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        path = pattern;
        folder = posix::Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    void TearDown() override { std::filesystem::remove_all(path); }

    std::filesystem::path path;
    posix::Fd folder;
};

TEST_F(MarkerFile, IsReplacedAsAWhole) {
    EXPECT_EQ(load_marker(folder).value(), std::nullopt);
    ASSERT_TRUE(save_marker(folder, full));
    EXPECT_EQ(load_marker(folder).value(), full);
    const Marker next{.epoch = Epoch{4}, .seal = {}, .trial = {}, .acknowledged = {}};
    ASSERT_TRUE(save_marker(folder, next));
    EXPECT_EQ(load_marker(folder).value(), next);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path), {}), 1);
}

TEST_F(MarkerFile, ThatIsEmptyIsCorruptAndNotAbsent) {
    std::ofstream(path / "marker.json");
    const auto marker = load_marker(folder);
    ASSERT_FALSE(marker);
    EXPECT_EQ(marker.error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace flocker::btrfs
