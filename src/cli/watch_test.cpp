// SPDX-License-Identifier: Apache-2.0
#include "cli/watch.hpp"

#include <gmock/gmock.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using api::StepKind;
using model::ContainerSeen;
using model::MovePhase;
using ::testing::HasSubstr;

api::ApplicationEntry starting(const std::string& name, const std::string& on) {
    api::ApplicationEntry entry = application(name, on);
    entry.state = api::ApplicationState::starting;
    entry.settled = false;
    entry.container.reset();
    return entry;
}
api::ApplicationEntry exited(Instant started, model::RestartPolicy policy = {}) {
    api::ApplicationEntry entry = starting("db", "alder");
    entry.container = container(started, ContainerSeen::Status::exited, 3);
    entry.restart_policy = policy;
    return entry;
}
Outcome only(const Watch& watch) {
    return watch.outcomes().at(0);
}

TEST(Watch, IsOverWhenEveryApplicationIsSettled) {
    Watch watch(plan({step(StepKind::start, "db", "alder"), step(StepKind::keep, "web", "birch")}), cluster({}));
    EXPECT_FALSE(watch.over());

    watch.see(cluster({starting("db", "alder"), application("web", "birch")}));
    EXPECT_FALSE(watch.over());

    watch.see(cluster({application("db", "alder"), application("web", "birch")}));
    EXPECT_TRUE(watch.over());
    EXPECT_FALSE(watch.failed());
}

TEST(Watch, BelievesNoLookFromBeforeTheDeployment) {
    Watch watch(plan({step(StepKind::restart, "db", "alder")}, 11), cluster({application("db", "alder")}));

    watch.see(cluster({application("db", "alder")}, 10));
    EXPECT_FALSE(watch.over()) << "it is settled still in what it was";

    watch.see(cluster({}, 0));
    EXPECT_FALSE(watch.failed()) << "a service that reads its records knows of nothing";

    watch.see(cluster({application("db", "alder")}, 11));
    EXPECT_TRUE(watch.over());
}

TEST(Watch, GivesTheMoveThatEnded) {
    Watch watch(plan({step(StepKind::move, "db", "birch", "alder")}), cluster({application("db", "alder")}));

    watch.see(cluster({moving("db", move(MovePhase::trial, "alder", "birch"))}));
    EXPECT_EQ(only(watch).standing, Standing::pending);

    auto there = application("db", "birch");
    there.last_move = moved("alder", "birch");
    watch.see(cluster({there}));
    EXPECT_EQ(only(watch).standing, Standing::done);
    EXPECT_EQ(only(watch).move->downtime, 412ms);
}

TEST(Watch, TellsAMoveThatWasGivenUpFromAnOlderOne) {
    auto before = application("db", "alder");
    before.last_move = moved("birch", "alder");
    before.last_move->succeeded = false;
    before.last_move->id = model::MoveId{6};
    Watch watch(plan({step(StepKind::move, "db", "birch", "alder")}), cluster({before}));

    auto waiting = before;
    waiting.wanted_node = "birch";
    waiting.settled = false;
    watch.see(cluster({waiting}));
    EXPECT_EQ(only(watch).standing, Standing::pending);
    EXPECT_FALSE(only(watch).move);

    waiting.last_move = moved("alder", "birch");
    waiting.last_move->succeeded = false;
    waiting.last_move->reason = "birch: no room";
    watch.see(cluster({waiting}));
    EXPECT_EQ(only(watch).standing, Standing::failed);
    EXPECT_EQ(only(watch).node, "birch");
    EXPECT_THAT(only(watch).reason, HasSubstr("alder keeps it: birch: no room"));
}

TEST(Watch, WaitsForTheRestWhenOneHasFailed) {
    Watch watch(plan({step(StepKind::start, "db", "alder"), step(StepKind::start, "web", "birch")}), cluster({}));
    auto failing = starting("db", "alder");
    failing.problems = {{"alder", "db", {ErrorCode::not_found, "no such image"}, 3, {}}};

    watch.see(cluster({failing, starting("web", "birch")}));
    EXPECT_TRUE(watch.failed());
    EXPECT_FALSE(watch.over());

    watch.see(cluster({failing, application("web", "birch")}));
    EXPECT_TRUE(watch.over());
    EXPECT_EQ(only(watch).reason, "no such image (tried 3 times)");
    EXPECT_EQ(only(watch).node, "alder");
}

TEST(Watch, BearsAProblemThatMayPass) {
    Watch watch(plan({step(StepKind::start, "db", "alder")}), cluster({}));
    auto failing = starting("db", "alder");
    failing.problems = {{"alder", "db", {ErrorCode::unavailable, "busy"}, 2, {}}};

    watch.see(cluster({failing}));

    EXPECT_EQ(only(watch).standing, Standing::pending);
}

TEST(Watch, LeavesTheTargetsProblemsToTheControlServiceWhileThereIsAWayBack) {
    Watch watch(plan({step(StepKind::move, "db", "birch", "alder")}), cluster({application("db", "alder")}));
    auto entry = moving("db", move(MovePhase::staging, "alder", "birch"));
    entry.problems = {{"birch", "db", {ErrorCode::unavailable, "no image"}, 3, {}}};
    watch.see(cluster({entry}));
    EXPECT_EQ(only(watch).standing, Standing::pending);

    entry.problems[0].node = "alder";
    watch.see(cluster({entry}));
    EXPECT_EQ(only(watch).standing, Standing::failed);
}

TEST(Watch, TakesAnExitForAFailureIfNothingRestartsIt) {
    Watch watch(plan({step(StepKind::start, "db", "alder")}), cluster({}));

    watch.see(cluster({exited(clock_start)}));

    EXPECT_EQ(only(watch).standing, Standing::failed);
    EXPECT_THAT(only(watch).reason, HasSubstr("exited with code 3"));
    EXPECT_THAT(only(watch).reason, HasSubstr("flocker logs db"));
}

TEST(Watch, DoesNotMindThatTheOldContainerIsStopped) {
    Watch watch(plan({step(StepKind::restart, "db", "alder")}), cluster({application("db", "alder")}));

    watch.see(cluster({exited(clock_start)}));
    EXPECT_EQ(only(watch).standing, Standing::pending);

    watch.see(cluster({exited(clock_start + 5s)}));
    EXPECT_EQ(only(watch).standing, Standing::failed) << "the new one has exited";
}

TEST(Watch, DoesNotMindThatTheSourceIsStoppedInAMove) {
    Watch watch(plan({step(StepKind::move, "db", "birch", "alder")}), cluster({application("db", "alder")}));
    auto entry = moving("db", move(MovePhase::sealing, "alder", "birch"));
    entry.container = container(clock_start, ContainerSeen::Status::exited, 137);

    watch.see(cluster({entry}));

    EXPECT_EQ(only(watch).standing, Standing::pending);
}

TEST(Watch, GivesAContainerThatIsRestartedAFewChances) {
    const model::RestartPolicy always{model::RestartPolicy::Name::always, {}};
    Watch watch(plan({step(StepKind::start, "db", "alder")}), cluster({}));

    for (std::size_t run = 1; run < runs_max; ++run) {
        watch.see(cluster({exited(clock_start + std::chrono::seconds(run), always)}));
        EXPECT_EQ(only(watch).standing, Standing::pending) << run;
    }
    watch.see(cluster({exited(clock_start + 60s, always)}));

    EXPECT_EQ(only(watch).standing, Standing::failed);
    EXPECT_THAT(only(watch).reason, HasSubstr("after 4 starts"));
}

TEST(Watch, KnowsWhenTheRetriesAreSpent) {
    const model::RestartPolicy once{model::RestartPolicy::Name::on_failure, 1};
    Watch watch(plan({step(StepKind::start, "db", "alder")}), cluster({}));

    watch.see(cluster({exited(clock_start + 1s, once)}));
    EXPECT_EQ(only(watch).standing, Standing::pending);
    watch.see(cluster({exited(clock_start + 2s, once)}));
    EXPECT_EQ(only(watch).standing, Standing::failed);
}

TEST(Watch, WaitsNoLongerThanAnyRestartTakes) {
    const model::RestartPolicy always{model::RestartPolicy::Name::always, {}};
    Watch watch(plan({step(StepKind::start, "db", "alder")}), cluster({}));
    auto status = cluster({exited(clock_start, always)});

    watch.see(status);
    EXPECT_EQ(only(watch).standing, Standing::pending);
    status.now = status.now + restart_waited + 1s;
    watch.see(status);
    EXPECT_EQ(only(watch).standing, Standing::failed);
}

TEST(Watch, DoesNotWaitForASilentNode) {
    Watch watch(plan({step(StepKind::keep, "db", "alder")}), cluster({application("db", "alder")}));
    auto status = cluster({starting("db", "alder")});
    status.nodes[0].alive = false;
    status.nodes[0].heard_ago = 10s;
    watch.see(status);
    EXPECT_EQ(only(watch).standing, Standing::pending);

    status.nodes[0].heard_ago = 31s;
    watch.see(status);
    EXPECT_EQ(only(watch).standing, Standing::failed);
    EXPECT_EQ(only(watch).reason, "node alder has not been heard of for 31.0 s");
}

TEST(Watch, WaitsUntilAStoppedApplicationIsGone) {
    Watch watch(plan({step(StepKind::stop, "db", "alder")}), cluster({application("db", "alder")}));
    auto stopping = starting("db", "alder");
    stopping.state = api::ApplicationState::stopping;

    watch.see(cluster({stopping}));
    EXPECT_EQ(only(watch).standing, Standing::pending);
    watch.see(cluster({}));
    EXPECT_EQ(only(watch).standing, Standing::done);
}

TEST(Watch, SaysWhenAnotherDeploymentHasCutIn) {
    Watch watch(plan({step(StepKind::start, "db", "alder")}), cluster({}));

    watch.see(cluster({starting("db", "birch")}));
    EXPECT_EQ(only(watch).reason, "another deployment wants it on birch");
    watch.see(cluster({}));
    EXPECT_EQ(only(watch).reason, "another deployment has taken it out of the configuration");
}

}  // namespace
}  // namespace flocker::cli
