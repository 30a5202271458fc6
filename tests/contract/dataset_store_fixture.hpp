// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/contract/dataset_store_harness.hpp"

namespace flocker::contract {

/// What every test of dataset_store_contract.hpp begins with: one empty store.
class DatasetStoreContract : public ::testing::TestWithParam<DatasetStoreMaker> {
protected:
    static inline const model::DatasetId orders{"6e7a1c52-0d7f-4a53-9f2e-3a1b5c7d9e01"};
    static inline const model::DatasetId users{"6e7a1c52-0d7f-4a53-9f2e-3a1b5c7d9e02"};
    static inline const model::NodeId alder{"0a0a0a0a-0000-4000-8000-000000000001"};
    static inline const model::NodeId birch{"0a0a0a0a-0000-4000-8000-000000000002"};
    static inline const model::MoveId first_move{7};
    static inline const model::MoveId second_move{8};
    static model::SnapshotId snap(std::uint64_t epoch, std::uint64_t sequence) {
        return {model::Epoch{epoch}, sequence};
    }

    void SetUp() override { harness_ = GetParam().make(); }

    /// Must succeed, and leave a dataset.
    model::DatasetSeen done(const model::DatasetAction& action) {
        const auto seen = perform(*harness_, action);
        if (!seen) {
            ADD_FAILURE() << seen.error();
            return {};
        }
        if (!*seen) {
            ADD_FAILURE() << "the dataset is gone";
            return {};
        }
        return **seen;
    }
    void expect_refused(ErrorCode code, const model::DatasetAction& action) {
        const auto seen = perform(*harness_, action);
        ASSERT_FALSE(seen);
        EXPECT_EQ(seen.error().code, code) << seen.error();
    }
    model::DatasetSeen see(const model::DatasetId& dataset = orders) {
        const auto seen = observe_one(*harness_, dataset);
        if (!seen || !*seen) {
            ADD_FAILURE() << (seen ? Error{ErrorCode::not_found, "there is no such dataset"} : seen.error());
            return {};
        }
        return **seen;
    }
    void make_mounted(const std::string& text) {
        done(model::CreateDataset{orders, model::Epoch{1}});
        done(model::MountDataset{orders});
        harness_->append(orders, text);
    }
    /// A replica that has snapshot e1-s1 with `text`, and no live copy.
    void make_replica(const std::string& text) {
        make_mounted(text);
        done(model::SealDataset{orders, first_move, snap(1, 1)});
        done(model::DemoteDataset{orders, model::Epoch{2}});
    }
    static std::vector<model::SnapshotId> ids(const model::DatasetSeen& seen) {
        std::vector<model::SnapshotId> all;
        for (const auto& snapshot : seen.snapshots) all.push_back(snapshot.id);
        return all;
    }
    using Ids = std::vector<model::SnapshotId>;

    std::unique_ptr<DatasetStoreHarness> harness_;
};

}  // namespace flocker::contract
