// SPDX-License-Identifier: Apache-2.0
//
// What every ports::ReplicaLink does. An implementation gives a harness and instantiates the suite:
//     INSTANTIATE_TYPED_TEST_SUITE_P(Tls, ReplicaLinkContract, TlsHarness);
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "ports/replica_link.hpp"

namespace flocker::contract {

/// Two nodes: this one, which owns a dataset at epoch 3, and a target, which expects snapshots of it and has
/// none. Made anew for each test.
class ReplicaLinkHarness {
public:
    ReplicaLinkHarness() = default;
    virtual ~ReplicaLinkHarness() = default;
    ReplicaLinkHarness(const ReplicaLinkHarness&) = delete;
    ReplicaLinkHarness& operator=(const ReplicaLinkHarness&) = delete;

    virtual void take_here(const model::SnapshotId& snapshot) = 0;
    virtual bool is_there(const model::SnapshotId& snapshot) = 0;
    virtual void expect_nothing_there() = 0;
    virtual void put_image_there(const std::string& image) = 0;
    virtual bool has_image_here(const std::string& image) = 0;

    virtual void limit(const model::SendLimits& limits) = 0;
    /// As the link sees time pass.
    virtual Instant now() = 0;

    static inline const model::DatasetId dataset{"33333333-3333-4333-8333-333333333333"};

    /// What the link answers.
    virtual Result<model::SendReceipt> send_by(const std::optional<model::SnapshotId>& base, const model::SnapshotId& to,
                                               bool urgent) = 0;
    Result<model::SendReceipt> send(const std::optional<model::SnapshotId>& base, const model::SnapshotId& to) {
        return send_by(base, to, false);
    }
    virtual Result<ports::Holdings> holdings(const model::DatasetId& dataset) = 0;
    virtual Status fetch_image(const std::string& image) = 0;
};

template <class Harness>
class ReplicaLinkContract : public ::testing::Test {
protected:
    const model::SnapshotId first{model::Epoch{3}, 1};
    const model::SnapshotId second{model::Epoch{3}, 2};
    Harness harness_;
};
TYPED_TEST_SUITE_P(ReplicaLinkContract);

TYPED_TEST_P(ReplicaLinkContract, FindsNothingOfADatasetThatIsNotThere) {
    const auto held = this->harness_.holdings(model::DatasetId{"44444444-4444-4444-8444-444444444444"});
    ASSERT_TRUE(held) << held.error();
    EXPECT_TRUE(held->snapshots.empty());
}

TYPED_TEST_P(ReplicaLinkContract, BringsASnapshotWholeAndThenAnIncrement) {
    this->harness_.take_here(this->first);
    const auto whole = this->harness_.send(std::nullopt, this->first);
    ASSERT_TRUE(whole) << whole.error();
    EXPECT_TRUE(this->harness_.is_there(this->first)) << "the receipt comes when it is";
    this->harness_.take_here(this->second);
    const auto increment = this->harness_.send(this->first, this->second);
    ASSERT_TRUE(increment) << increment.error();
    EXPECT_TRUE(this->harness_.is_there(this->second));
}

TYPED_TEST_P(ReplicaLinkContract, DoesNotMindBringingTheSameAgain) {
    this->harness_.take_here(this->first);
    ASSERT_TRUE(this->harness_.send(std::nullopt, this->first));
    EXPECT_TRUE(this->harness_.send(std::nullopt, this->first)) << "its receipt may have been lost";
    EXPECT_TRUE(this->harness_.is_there(this->first));
}

TYPED_TEST_P(ReplicaLinkContract, IsDeniedWhatTheTargetDoesNotExpect) {
    this->harness_.take_here(this->first);
    this->harness_.expect_nothing_there();
    const auto outcome = this->harness_.send(std::nullopt, this->first);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::denied) << outcome.error();
    EXPECT_FALSE(this->harness_.is_there(this->first));
}

TYPED_TEST_P(ReplicaLinkContract, SaysThatASnapshotIsNotHere) {
    this->harness_.take_here(this->first);
    const auto outcome = this->harness_.send(std::nullopt, this->second);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::not_found) << outcome.error();
    EXPECT_FALSE(this->harness_.is_there(this->second));
}

TYPED_TEST_P(ReplicaLinkContract, IsHeldBackByTheLimitOfTheNodeAndOfTheDataset) {
    this->harness_.take_here(this->first);
    const auto free = this->harness_.send(std::nullopt, this->first);
    ASSERT_TRUE(free) << free.error();
    EXPECT_EQ(free->waited, Duration{0});
    const model::Bandwidth slow{Bytes{free->bytes.value * 2}};
    const model::Bandwidth fast{Bytes{free->bytes.value * 1000}};
    for (const auto& limits : {model::SendLimits{slow, {}, {}}, model::SendLimits{fast, {{this->harness_.dataset, slow}}, {}}}) {
        this->harness_.limit(limits);
        const Instant began = this->harness_.now();
        const auto held_back = this->harness_.send(std::nullopt, this->first);
        ASSERT_TRUE(held_back) << held_back.error();
        EXPECT_GE(this->harness_.now() - began, Duration{300ms}) << "about 500 ms";
        EXPECT_GT(held_back->waited, Duration{0});
    }
}

TYPED_TEST_P(ReplicaLinkContract, HoldsBackNothingThatClientsWaitFor) {
    const model::Bandwidth slow{Bytes{1}};
    this->harness_.take_here(this->first);
    this->harness_.limit({slow, {{this->harness_.dataset, slow}}, {}});
    const auto urgent = this->harness_.send_by(std::nullopt, this->first, true);
    ASSERT_TRUE(urgent) << urgent.error();
    EXPECT_EQ(urgent->waited, Duration{0});
    this->harness_.limit({slow, {{this->harness_.dataset, slow}}, {this->harness_.dataset}});
    EXPECT_TRUE(this->harness_.send(std::nullopt, this->first)) << "in less than a day";
}

TYPED_TEST_P(ReplicaLinkContract, CopiesAnImageOrSaysThatItIsNotThere) {
    const auto missing = this->harness_.fetch_image("redis:7");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::not_found) << missing.error();
    this->harness_.put_image_there("redis:7");
    const auto copied = this->harness_.fetch_image("redis:7");
    EXPECT_TRUE(copied) << (copied ? "" : copied.error().message);
    EXPECT_TRUE(this->harness_.has_image_here("redis:7"));
}

REGISTER_TYPED_TEST_SUITE_P(ReplicaLinkContract, FindsNothingOfADatasetThatIsNotThere,
                            BringsASnapshotWholeAndThenAnIncrement, DoesNotMindBringingTheSameAgain,
                            IsDeniedWhatTheTargetDoesNotExpect, SaysThatASnapshotIsNotHere,
                            IsHeldBackByTheLimitOfTheNodeAndOfTheDataset, HoldsBackNothingThatClientsWaitFor,
                            CopiesAnImageOrSaysThatItIsNotThere);

}  // namespace flocker::contract
