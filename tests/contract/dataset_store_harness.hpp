// SPDX-License-Identifier: Apache-2.0
//
// What a test of a dataset store needs of the store's world.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ports/dataset_store.hpp"

namespace flocker::contract {

/// One empty pool with its store, and the loop on which it answers.
class DatasetStoreHarness {
public:
    virtual ~DatasetStoreHarness() = default;
    virtual ports::DatasetStore& store() = 0;
    /// As if the process had died and come again. References to the store are void.
    virtual void restart() = 0;
    /// Adds text to the one file of the mounted copy, as an application would, without any sync.
    virtual void append(const model::DatasetId& dataset, const std::string& text) = 0;
    /// That file, of the mounted copy; empty if there is none.
    virtual std::string content(const model::DatasetId& dataset) = 0;
    /// That file, of a copy that was set aside.
    virtual std::string content_set_aside(const model::DatasetId& dataset, const model::SnapshotId& id) = 0;
    /// Runs the loop until it is so.
    virtual void run_until(std::function<bool()> met) = 0;
};

struct DatasetStoreMaker {
    std::string name;
    std::function<std::unique_ptr<DatasetStoreHarness>()> make;
    friend std::ostream& operator<<(std::ostream& out, const DatasetStoreMaker& maker) { return out << maker.name; }
};

using Seen = std::optional<model::DatasetSeen>;

/// Waits for the outcome of a call, given as a function that takes its Done.
template <class T>
Result<T> outcome_of(DatasetStoreHarness& harness, const std::function<void(Done<T>)>& call) {
    std::optional<Result<T>> outcome;
    bool returned = false;
    call([&](Result<T> ended) {
        EXPECT_TRUE(returned) << "done was called before the call had returned";
        EXPECT_FALSE(outcome.has_value()) << "done was called twice";
        outcome = std::move(ended);
    });
    returned = true;
    harness.run_until([&] { return outcome.has_value(); });
    return *std::move(outcome);
}

inline Result<Seen> perform(DatasetStoreHarness& harness, const model::DatasetAction& action) {
    return outcome_of<Seen>(harness, [&](auto done) { harness.store().perform(action, done); });
}
inline Result<Seen> observe_one(DatasetStoreHarness& harness, const model::DatasetId& dataset) {
    return outcome_of<Seen>(harness, [&](auto done) { harness.store().observe_one(dataset, done); });
}
inline Result<std::set<model::DatasetId>> find_changed(DatasetStoreHarness& harness,
                                                       const std::vector<model::DatasetId>& datasets) {
    return outcome_of<std::set<model::DatasetId>>(
        harness, [&](auto done) { harness.store().find_changed(datasets, done); });
}
inline Result<std::vector<model::DatasetSeen>> observe(DatasetStoreHarness& harness) {
    return outcome_of<std::vector<model::DatasetSeen>>(harness, [&](auto done) { harness.store().observe(done); });
}

}  // namespace flocker::contract
