// SPDX-License-Identifier: Apache-2.0
#include "adapters/nftables/lease_thread.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <semaphore>
#include <thread>
#include <vector>

namespace flocker::nftables {
namespace {

/// Runs what is posted at once, in the thread that posts it.
class ImmediateLoop final : public ports::Loop {
public:
    [[nodiscard]] Instant now() const override { return {}; }
    void post(std::function<void()> work) override { work(); }
    void after(Duration, std::function<void()> work) override { work(); }
};

/// A kernel that notes what it is told, and may be slow in taking it.
class SlowKernel {
public:
    Status run_for(Duration duration) {
        told.push_back(duration);
        entered.release();
        if (slow) go_on.acquire();
        return {};
    }

    bool slow{true};
    std::vector<Duration> told;  ///< To be read when all is done.
    std::counting_semaphore<> entered{0};
    std::counting_semaphore<> go_on{0};
};

/// For what must have happened before the next step.
void let_pass(Duration time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) std::this_thread::yield();
}

class LeaseThreadTest : public ::testing::Test {
protected:
    void extend(Duration duration) {
        thread_.extend(duration, [this](const Status& outcome) {
            outcomes_.push_back(outcome);
            ended_.release();
        });
    }
    void await(int outcomes) {
        for (; outcomes > 0; --outcomes) ended_.acquire();
    }

    ImmediateLoop loop_;
    std::counting_semaphore<> ended_{0};
    SlowKernel kernel_;
    std::vector<Status> outcomes_;
    LeaseThread thread_{loop_, [this](Duration duration) { return kernel_.run_for(duration); }};
};

TEST_F(LeaseThreadTest, TellsTheKernelWhatIsLeftOfEachInTheOrderOfTheCalls) {
    extend(10s);
    kernel_.entered.acquire();
    extend(30s);
    extend(20s);
    kernel_.slow = false;
    kernel_.go_on.release();
    await(3);

    for (const Status& outcome : outcomes_) EXPECT_TRUE(outcome);
    // Each perhaps more than once, on a machine that has other things to do.
    const auto is_second = [](Duration told) { return told > 29s && told <= 30s; };
    const auto is_third = [](Duration told) { return told > 15s && told <= 20s; };
    const auto second = std::ranges::find_if(kernel_.told, is_second);
    ASSERT_NE(second, kernel_.told.end());
    const auto third = std::find_if_not(second, kernel_.told.end(), is_second);
    ASSERT_NE(third, kernel_.told.end());
    EXPECT_TRUE(std::all_of(third, kernel_.told.end(), is_third));
}

/// A process that is frozen between the call and the kernel, and wakes up too late.
TEST_F(LeaseThreadTest, DoesNotTellOfAnExtensionWhoseTimeIsOver) {
    extend(10s);
    kernel_.entered.acquire();
    extend(50ms);
    let_pass(60ms);
    kernel_.slow = false;
    kernel_.go_on.release();
    await(2);

    ASSERT_FALSE(outcomes_[1]);
    EXPECT_EQ(outcomes_[1].error().code, ErrorCode::timed_out);
    for (const Duration told : kernel_.told) EXPECT_GT(told, 9s);
}

/// The kernel counts from when it takes it, which may have been at the end of that time.
TEST_F(LeaseThreadTest, TakesBackWhatAKernelThatWasSlowMayHaveGivenTooMuch) {
    extend(10s);
    kernel_.entered.acquire();
    let_pass(100ms);
    kernel_.slow = false;
    kernel_.go_on.release();
    await(1);
    EXPECT_TRUE(outcomes_[0]);
    ASSERT_GE(kernel_.told.size(), 2U);
    EXPECT_LE(kernel_.told.back(), 9900ms);
}

TEST_F(LeaseThreadTest, EndsTheLeaseThatWasOverBeforeASlowKernelTookIt) {
    extend(50ms);
    kernel_.entered.acquire();
    let_pass(60ms);
    kernel_.slow = false;
    kernel_.go_on.release();
    await(1);
    ASSERT_FALSE(outcomes_[0]);
    EXPECT_EQ(outcomes_[0].error().code, ErrorCode::timed_out);
    EXPECT_LE(kernel_.told.back(), 0s);
}

TEST(LeaseThread, EndsWhatWasAskedForBeforeItGoes) {
    ImmediateLoop loop;
    int told = 0;
    {
        LeaseThread thread(loop, [&](Duration) {
            ++told;
            return Status{};
        });
        for (int i = 0; i < 3; ++i) thread.extend(10s, [](const Status&) {});
    }
    EXPECT_GE(told, 3);
}

}  // namespace
}  // namespace flocker::nftables
