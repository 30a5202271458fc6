// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/kill_loop.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "tests/contract/btrfs_store_test.hpp"

namespace flocker::contract {

bool kill_at_an_instant(std::mt19937& random, Duration at_most, const std::function<void()>& work) {
    const pid_t process = ::fork();
    if (process == 0) {
        work();
        ::_exit(1);
    }
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(at_most).count();
    ::usleep(std::uniform_int_distribution<useconds_t>(0, static_cast<useconds_t>(microseconds))(random));
    ::kill(process, SIGKILL);
    int status = 0;
    ::waitpid(process, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "an action failed without a crash";
    return WIFSIGNALED(status);
}

void kill_in_the_middle_of(const Story& story, const btrfs::Options& options, int rounds, Duration at_most,
                           const std::function<void(const std::vector<model::DatasetSeen>&)>& look,
                           const std::function<void(btrfs::DatasetDisk&, int round)>& check) {
    std::mt19937 random(20261122);
    for (int round = 0; round < rounds; ++round) {
        ASSERT_TRUE(kill_at_an_instant(random, at_most, [&] {
            btrfs::DatasetDisk disk(options);
            while (story(disk).empty() && disk.perform(model::DestroyDataset{orders})) {
            }
        }));
        btrfs::DatasetDisk disk(options);
        const auto all = disk.observe();
        ASSERT_TRUE(all) << "round " << round << ": " << all.error();
        look(*all);
        ASSERT_EQ(story(disk), "") << "round " << round;
        check(disk, round);
        if (::testing::Test::HasFatalFailure()) return;
    }
}

}  // namespace flocker::contract
