// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>

#include "adapters/btrfs/dataset_disk.hpp"
#include "base/time.hpp"

namespace flocker::contract {

/// Runs `work` in a process of its own and kills that, with all its threads, at an instant that `random` draws.
/// `work` goes on for ever; it ends its process with another code than 0 if an action fails that must not.
/// False, and the test fails: it ended before it was killed.
[[nodiscard]] bool kill_at_an_instant(std::mt19937& random, Duration at_most, const std::function<void()>& work);

/// What a process does that brings a dataset to the end of its story: empty when it is there, or why it fails.
using Story = std::function<std::string(btrfs::DatasetDisk&)>;
/// Kills a process that tells the story of the dataset again and again, destroying it in between, and tells it to its
/// end in this process each time. `look`: after the sweep that follows the kill; `check`: at the end of the story.
void kill_in_the_middle_of(const Story& story, const btrfs::Options& options, int rounds, Duration at_most,
                           const std::function<void(const std::vector<model::DatasetSeen>&)>& look,
                           const std::function<void(btrfs::DatasetDisk&, int round)>& check);

}  // namespace flocker::contract
