// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "adapters/btrfs/marker.hpp"
#include "adapters/posix/fd.hpp"
#include "tests/contract/btrfs_harness.hpp"

namespace flocker::contract {

inline const model::DatasetId orders{"6e7a1c52-0d7f-4a53-9f2e-3a1b5c7d9e01"};
inline const model::NodeId alder{"0a0a0a0a-0000-4000-8000-000000000001"};
inline model::SnapshotId snap(std::uint64_t epoch, std::uint64_t sequence) {
    return {model::Epoch{epoch}, sequence};
}

/// One store on a pool of its own.
class BtrfsStore : public ::testing::Test {
protected:
    model::DatasetSeen done(const model::DatasetAction& action) {
        const auto seen = perform(harness, action);
        if (seen && *seen) return **seen;
        ADD_FAILURE() << (seen ? Error{ErrorCode::not_found, "the dataset is gone"} : seen.error());
        return {};
    }
    Error refused(ErrorCode code, const model::DatasetAction& action) {
        const auto seen = perform(harness, action);
        if (seen) {
            ADD_FAILURE() << "it was done";
            return {};
        }
        EXPECT_EQ(seen.error().code, code) << seen.error();
        return seen.error();
    }
    model::DatasetSeen see() {
        const auto seen = observe_one(harness, orders);
        EXPECT_TRUE(seen && *seen) << (seen ? Error{} : seen.error());
        return seen && *seen ? **seen : model::DatasetSeen{};
    }
    void make_mounted(const std::string& text) {
        done(model::CreateDataset{orders, model::Epoch{1}});
        done(model::MountDataset{orders});
        harness.append(orders, text);
    }
    std::string folder() { return harness.disk.dataset(orders.value); }
    std::string volume() { return harness.disk.volume(orders.value); }
    std::set<std::string> names_in_folder() {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(folder())) names.insert(entry.path().filename());
        return names;
    }
    /// The marker as a crash may have left it.
    void put_marker(const btrfs::Marker& marker) {
        const posix::Fd opened(::open(folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ASSERT_TRUE(btrfs::save_marker(opened, marker));
    }

    BtrfsHarness harness;
};

}  // namespace flocker::contract
