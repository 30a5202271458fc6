// SPDX-License-Identifier: Apache-2.0
#include "plan/why.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/limits.hpp"
#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;
using ::testing::HasSubstr;

class Why : public ::testing::Test {
protected:
    Why() { scene_.settled(database(), alder); }
    [[nodiscard]] std::vector<Reason> of(const std::string& name) const { return explain(scene_.view(), name); }
    [[nodiscard]] Reason only_reason(const std::string& name) const {
        const auto all = of(name);
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? Reason{} : all.front();
    }
    [[nodiscard]] bool settled() const { return is_settled(scene_.view(), scene_.records.configuration.at(db)); }

    Scene scene_;
};

TEST_F(Why, IsEmptyForWhatIsAsItShouldBe) {
    EXPECT_TRUE(of("db").empty());
    EXPECT_TRUE(of("alder").empty());
    EXPECT_TRUE(of(orders.value).empty());
    EXPECT_TRUE(settled());
}

TEST_F(Why, KnowsApplicationsNodesAndDatasetsByName) {
    for (const auto* name : {"db", "birch", orders.value.c_str()}) EXPECT_TRUE(exists(scene_.records, name)) << name;
    EXPECT_FALSE(exists(scene_.records, "oak"));
}

TEST_F(Why, NamesANodeThatIsSilentAndForHowLong) {
    scene_.silence(alder, 12s);
    EXPECT_EQ(only_reason("db").waits_for, "node alder has not been heard of for 12.0 s");
    EXPECT_EQ(only_reason("alder").node, "alder");
    EXPECT_FALSE(settled());
}

TEST_F(Why, SaysInEachPhaseOfAMoveOnWhomItWaitsAndUntilWhen) {
    const Instant limit = scene_.now + cutover_limit;
    scene_.moving(database(), birch, MovePhase::sealing);
    EXPECT_EQ(only_reason("db").node, "alder");
    EXPECT_EQ(only_reason("db").until, limit);
    scene_.moving(database(), birch, MovePhase::trial);
    EXPECT_EQ(only_reason("db").node, "birch");
    EXPECT_THAT(only_reason("db").waits_for, HasSubstr("e1-s9"));
    EXPECT_EQ(only_reason("db").until, limit);
    scene_.moving(database(), birch, MovePhase::settling);
    EXPECT_EQ(only_reason("db").node, "birch");
}

TEST_F(Why, SaysWhatStagingLacks) {
    scene_.moving(database(), birch, MovePhase::staging);
    const auto nothing = of("db");
    ASSERT_EQ(nothing.size(), 2U);
    EXPECT_THAT(nothing[0].waits_for, HasSubstr("creates the container"));
    EXPECT_EQ(nothing[0].node, "birch");
    EXPECT_EQ(nothing[1].node, "alder");

    scene_.report(birch).containers = {created(db)};
    EXPECT_THAT(of("db").front().waits_for, HasSubstr("held at its gate"));

    scene_.report(birch).containers = {waiting(db)};
    FeedSeen feed;
    feed.dataset = orders;
    feed.to = birch;
    scene_.report(alder).feeds = {feed};
    EXPECT_THAT(only_reason("db").waits_for, HasSubstr("the first copy is not complete"));
}

TEST_F(Why, SaysWhyAMoveWasGivenUpAndWhatToDo) {
    scene_.records.configuration.at(db).node = birch;
    Ownership& ownership = scene_.owned(database());
    ownership.avoided_target = birch;
    ownership.moves.emplace_back().reason = "no room";
    EXPECT_EQ(only_reason("db").waits_for, "its move to birch was given up: no room; deploy again to retry");
}

TEST_F(Why, NamesTheProblemThatANodeReports) {
    scene_.report(alder).problems = {{"db", {ErrorCode::unavailable, "the engine does not answer"}, 3, scene_.now}};
    EXPECT_THAT(only_reason("db").waits_for, HasSubstr("the engine does not answer (tried 3 times"));
    EXPECT_THAT(only_reason("alder").waits_for, HasSubstr("the engine does not answer"));
}

TEST_F(Why, SaysOfAClockThatIsHoursOffThatItIs) {
    const Instant heard = scene_.states.at(alder).heard;
    scene_.report(alder).at = heard - 3 * 3600s;
    EXPECT_THAT(only_reason("alder").waits_for, HasSubstr("its clock is 3 h 0 min behind the control service's"));
    scene_.report(alder).at = heard + 7500s;
    EXPECT_THAT(only_reason("alder").waits_for, HasSubstr("its clock is 2 h 5 min ahead of the control service's"));
    scene_.report(alder).at = heard - 59s;
    EXPECT_TRUE(explain(scene_.view(), "alder").empty());
}

TEST_F(Why, TellsAContainerThatExited) {
    scene_.report(alder).containers = {exited(db, 137)};
    EXPECT_THAT(only_reason("db").waits_for, HasSubstr("exited with code 137"));
    EXPECT_FALSE(settled());
}

TEST_F(Why, TakesAnApplicationThatEndedWellForSettledUnlessItIsToRunAlways) {
    scene_.report(alder).containers = {exited(db, 0)};
    EXPECT_TRUE(settled());
    scene_.records.configuration.at(db).application.restart_policy.name = RestartPolicy::Name::always;
    EXPECT_FALSE(settled());
}

TEST_F(Why, IsSettledOnlyWhenEveryNodeThatAnswersHasTheRouteOpen) {
    scene_.report(cedar).open_routes.clear();
    EXPECT_FALSE(settled());
    scene_.silence(cedar, 1min);
    EXPECT_TRUE(settled()) << "a lost node holds nobody up";
}

TEST_F(Why, IsNotSettledByAReportFromBeforeTheLastAssignment) {
    scene_.report(alder).revision = Revision{6};
    EXPECT_FALSE(settled());
    EXPECT_THAT(only_reason("alder").waits_for, HasSubstr("has not answered to its new assignment"));
}

TEST_F(Why, NamesThePoolThatIsNotThereAfterAReboot) {
    scene_.report(alder).revision = Revision{0};
    scene_.report(alder).problems = {{"pool", {ErrorCode::unavailable, "no btrfs is mounted at /pool"}, 1, scene_.now},
                                     {"other", {ErrorCode::unavailable, "of somebody else"}, 1, scene_.now}};
    std::string all;
    for (const Reason& reason : explain(scene_.view(), db.value)) all += reason.waits_for + "\n";
    EXPECT_THAT(all, HasSubstr("no btrfs is mounted at /pool"));
    EXPECT_THAT(all, ::testing::Not(HasSubstr("of somebody else")));
}

TEST_F(Why, IsNotSettledDuringAMoveOrElsewhere) {
    scene_.moving(database(), birch, MovePhase::staging);
    EXPECT_FALSE(settled());
    scene_.owned(database()).move.reset();
    EXPECT_FALSE(settled());
    scene_.moving(database(), birch, MovePhase::settling);
    scene_.report(birch).containers = {running(db)};
    EXPECT_FALSE(settled()) << "the move has not ended";
    scene_.owned(database()).move.reset();
    EXPECT_TRUE(settled());
}

}  // namespace
}  // namespace flocker::plan
