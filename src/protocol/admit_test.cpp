// SPDX-License-Identifier: Apache-2.0
//
// Which snapshots an agent lets in. It says so before a byte of them is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/agent.hpp"
#include "protocol/testing.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace protocol::testing;
using ::testing::HasSubstr;

/// birch keeps a replica of alder's dataset, which is at epoch 2.
class Admission : public ::testing::Test {
protected:
    Admission() {
        static_cast<void>(agent_.begin());
        pool({replica(2, {snap(2, 5)})});
        assign(Duty::receive);
    }

    void pool(const std::vector<DatasetSeen>& datasets) { static_cast<void>(agent_.on(Agent::PoolSeen{datasets}, noon)); }
    void assign(std::optional<Duty> duty, bool cached = false) {
        Assignment assignment;
        assignment.node = birch;
        assignment.revision = Revision{++revision_};
        assignment.nodes = {node(alder, "10.0.0.10", "east"), node(birch, "10.0.0.11", "east")};
        if (duty) {
            DatasetAssignment dataset;
            dataset.dataset = orders;
            dataset.duty = *duty;
            dataset.owner = alder;
            dataset.epoch = Epoch{2};
            assignment.datasets = {dataset};
        }
        static_cast<void>(agent_.on(Agent::Assigned{assignment, cached}, noon));
    }
    Status offer(const NodeId& from = alder, std::uint64_t epoch = 2, SnapshotId to = snap(2, 6)) {
        return agent_.admit(from, orders, Epoch{epoch}, to, false);
    }
    void expect_refused(ErrorCode code, const Status& offered, const std::string& reason) {
        ASSERT_FALSE(offered);
        EXPECT_EQ(offered.error().code, code) << offered.error();
        EXPECT_THAT(offered.error().message, HasSubstr(orders.value));
        EXPECT_THAT(offered.error().message, HasSubstr(reason));
    }

    Agent agent_{{birch, "/volumes", 0x0ad50002U, 200, noon, noon}};
    std::uint64_t revision_{7};
};

TEST_F(Admission, IsForWhatWasAskedFor) {
    EXPECT_TRUE(offer());
    EXPECT_TRUE(offer(alder, 2, snap(1, 9))) << "one of a former owner, on the way to the present one's";
    assign(Duty::trial);
    EXPECT_TRUE(offer());
    pool({});
    EXPECT_TRUE(offer()) << "the first one";
}

TEST_F(Admission, IsRefusedForADatasetThatIsNotExpectedHere) {
    for (const std::optional<Duty> duty :
         {std::optional<Duty>{}, std::optional(Duty::serve), std::optional(Duty::seal), std::optional(Duty::destroy),
          std::optional(Duty::release)}) {
        assign(duty);
        expect_refused(ErrorCode::denied, offer(), "is not expected here");
    }
}

TEST_F(Admission, IsRefusedToAnybodyButTheOwner) {
    expect_refused(ErrorCode::denied, offer(cedar), "only the owner");
    expect_refused(ErrorCode::denied, offer(birch), "only the owner");
    expect_refused(ErrorCode::denied, offer(NodeId{}), "only the owner");
}

TEST_F(Admission, IsRefusedForAnotherEpoch) {
    expect_refused(ErrorCode::denied, offer(alder, 1), "is at epoch 2 here, the offer is of epoch 1");
    expect_refused(ErrorCode::denied, offer(alder, 3), "is at epoch 2 here, the offer is of epoch 3");
    expect_refused(ErrorCode::denied, offer(alder, 2, snap(3, 1)), "is at epoch 2 here");
}

TEST_F(Admission, IsForMembersOnly) {
    EXPECT_TRUE(agent_.knows(alder));
    const Status known = agent_.knows(cedar);
    ASSERT_FALSE(known);
    EXPECT_EQ(known.error().code, ErrorCode::denied);
    EXPECT_THAT(known.error().message, HasSubstr(cedar.value));
    const Agent fresh{{birch, "/volumes", 0x0ad50002U, 200, noon, noon}};
    EXPECT_EQ(fresh.knows(alder).error().code, ErrorCode::unavailable);
}

TEST_F(Admission, IsRefusedOnAnOldWordAndBeforeThePoolWasSeen) {
    Agent fresh{{birch, "/volumes", 0x0ad50002U, 200, noon, noon}};
    agent_ = fresh;
    expect_refused(ErrorCode::denied, offer(), "is not expected here");
    assign(Duty::receive, true);
    expect_refused(ErrorCode::denied, offer(), "is not expected here");
    assign(Duty::receive);
    const Status offered = offer();
    ASSERT_FALSE(offered);
    EXPECT_EQ(offered.error().code, ErrorCode::unavailable) << offered.error();
}

TEST_F(Admission, IsRefusedWhileThisNodeStillHasItsOwnCopyOrKnowsANewerOwner) {
    pool({live_dataset(1, {snap(1, 5)})});
    expect_refused(ErrorCode::unavailable, offer(), "still being stepped down");
    pool({replica(3, {snap(3, 5)})});
    expect_refused(ErrorCode::unavailable, offer(), "still being stepped down");
}

}  // namespace
}  // namespace flocker::protocol
