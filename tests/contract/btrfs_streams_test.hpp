// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>

#include "adapters/btrfs/snapshot_streams.hpp"
#include "tests/contract/btrfs_store_test.hpp"
#include "tests/contract/tree_text.hpp"

namespace flocker::contract {

/// One node: a pool, its store and its streams.
struct Place {
    explicit Place(const std::string& size = "2G") : harness(size), streams(harness.disk.pool()) {}

    model::DatasetSeen done(const model::DatasetAction& action) {
        const auto seen = perform(harness, action);
        if (seen && *seen) return **seen;
        ADD_FAILURE() << (seen ? Error{ErrorCode::not_found, "the dataset is gone"} : seen.error());
        return {};
    }
    Result<std::string> write(std::optional<model::SnapshotId> base, model::SnapshotId to) {
        std::string bytes;
        FLOCKER_CHECK_OK(streams.write(orders, base, to, [&](std::span<const std::byte> some) -> Status {
            bytes.append(reinterpret_cast<const char*>(some.data()), some.size());
            return {};
        }));
        return bytes;
    }
    /// Gives the bytes in pieces of uneven size.
    Status read(const std::string& bytes, std::optional<model::SnapshotId> base, model::SnapshotId to,
                model::Epoch epoch = model::Epoch{1}) {
        std::size_t at = 0;
        std::size_t piece = 1;
        return streams.read(orders, epoch, base, to, [&](std::span<std::byte> buffer) -> Result<std::size_t> {
            piece = piece * 7 % 65521;
            const std::size_t some = std::min({buffer.size(), bytes.size() - at, piece});
            std::memcpy(buffer.data(), bytes.data() + at, some);
            at += some;
            return some;
        });
    }
    std::filesystem::path volume() { return harness.disk.volume(orders.value); }
    std::filesystem::path snapshot(model::SnapshotId id) {
        return harness.disk.dataset(orders.value) / model::to_text(id);
    }
    std::set<std::string> left() {
        std::set<std::string> names;
        const auto folder = harness.disk.dataset(orders.value);
        if (!std::filesystem::exists(folder)) return names;
        for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename());
        return names;
    }

    BtrfsHarness harness;
    btrfs::BtrfsSnapshotStreams streams;
};

class BtrfsStreams : public ::testing::Test {
protected:
    void SetUp() override {
        a.done(model::CreateDataset{orders, model::Epoch{1}});
        a.done(model::MountDataset{orders});
    }
    /// From a to b; the two must be equal then.
    std::size_t carry(Place& from, Place& to, std::optional<model::SnapshotId> base, model::SnapshotId id,
                      model::Epoch epoch = model::Epoch{1}) {
        const auto bytes = from.write(base, id);
        EXPECT_TRUE(bytes) << bytes.error();
        if (!bytes) return 0;
        const auto received = to.read(*bytes, base, id, epoch);
        EXPECT_TRUE(received) << received.error();
        EXPECT_EQ(tree_text(to.snapshot(id)), tree_text(from.snapshot(id)));
        return bytes->size();
    }
    std::string stream_of_something() {
        run("cd " + a.volume().string() +
            " && echo text > file && mkdir folder && head -c 300000 /dev/urandom > folder/large");
        a.done(model::TakeSnapshot{orders, snap(1, 1)});
        return a.write({}, snap(1, 1)).value();
    }

    Place a;
    Place b;
};

}  // namespace flocker::contract
