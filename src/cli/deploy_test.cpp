// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using api::StepKind;
using model::MovePhase;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class DeployTest : public TestWorld, public ::testing::Test {
protected:
    DeployTest() {
        deployment = folder.write("deployment.yml", "version: 1\nnodes:\n  birch: [db]\n");
        application =
            folder.write("application.yml",
                         "version: 1\napplications:\n  db:\n    image: postgres\n    volume: {mountpoint: /data}\n"
                         "    environment: {PASSWORD: hunter2}\n");
    }

    int deploy(std::vector<std::string> options = {}, const std::string& typed = "") {
        options.insert(options.begin(), {"deploy", deployment, application});
        return run(options, typed);
    }
    void see(const api::StatusDocument& status) { answer("GET", "/v1/status", status); }
    void plan_is(const api::PlanDocument& document) { answer("POST", "/v1/deploy", document); }
    /// A move that goes as it should.
    void move_the_database() {
        plan_is(plan({step(StepKind::move, "db", "birch", "alder")}));
        see(cluster({testing::application("db", "alder")}));
        see(cluster({moving("db", move(MovePhase::staging, "alder", "birch"))}));
        see(cluster({moving("db", move(MovePhase::sealing, "alder", "birch"))}));
        auto there = testing::application("db", "birch");
        there.last_move = moved("alder", "birch");
        see(cluster({there}));
    }
    [[nodiscard]] std::vector<std::string> posted() const {
        std::vector<std::string> bodies;
        for (const auto& request : asked) {
            if (request.method == "POST") bodies.push_back(request.body);
        }
        return bodies;
    }

    std::string deployment;
    std::string application;
};

TEST_F(DeployTest, ShowsThePlanThenTheProgressThenTheResult) {
    move_the_database();

    EXPECT_EQ(deploy(), 0) << err.str();

    EXPECT_EQ(out.str(),
              "       APPLICATION   NODE\n"
              "move   db            alder -> birch\n"
              "db  alder -> birch  staging: preparing\n"
              "db  alder -> birch  sealing: alder stops it, down for 0 ms\n"
              "db  moved to birch in 42.0 s, down for 412 ms\n"
              "Done in 400 ms:\n"
              "  db  moved from alder to birch, down for 412 ms (440 ms predicted): "
              "hold 3.1, stop 120, seal 8.0, increment 18, copy 10, start 11, ready 230, "
              "open 0.4 ms; copied 2.0 GiB while it ran, 1.2 MiB in the cutover\n");
    ASSERT_EQ(posted().size(), 2U);
    EXPECT_THAT(posted()[0], HasSubstr(R"("dry_run":true)"));
    EXPECT_THAT(posted()[1], HasSubstr(R"("dry_run":false)"));
    EXPECT_THAT(posted()[1], HasSubstr("hunter2")) << "the application is to have it";
}

TEST_F(DeployTest, IsWhatFlockerDeployDoes) {
    move_the_database();
    program = "/usr/bin/flocker-deploy";

    EXPECT_EQ(run({deployment, application}), 0) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("Done in"));
}

TEST_F(DeployTest, DrawsTheProgressInPlaceOnATerminal) {
    world.out_is_terminal = true;
    world.width = 60;
    environment["NO_COLOR"] = "1";
    move_the_database();

    EXPECT_EQ(deploy(), 0);

    EXPECT_THAT(
        out.str(),
        HasSubstr("\x1b[2Kdb  alder -> birch  staging: preparing\n\x1b[1A\r\x1b[2Kdb  alder -> birch  sealing"));
    EXPECT_THAT(out.str(), Not(HasSubstr("\x1b[3")));
}

TEST_F(DeployTest, EndsWithOneJsonObjectIfWished) {
    move_the_database();

    EXPECT_EQ(deploy({"--json"}), 0);

    EXPECT_EQ(
        out.str(),
        R"({"steps":[{"kind":"move","application":"db","node":"birch","from":"alder","to_copy":0,)"
        R"("reason":""}],"left_alone":[],)"
        R"("results":[{"application":"db","node":"birch","outcome":"moved","downtime_ms":412,)"
        R"("downtime_ns":412000000,"predicted_ns":440000000,"steps_ns":{"copy":9960000,"hold":3140000,"hook":1000000000,)"
        R"("increment":18000000,"open":400000,"ready":230000000,"seal":8000000,"start":11000000,"stop":120000000},)"
        R"("bytes_live":2147483648,"bytes_cutover":1300000,"reason":""}],"settled":true})"
        "\n");
}

TEST_F(DeployTest, SaysWhenThereIsNothingToDo) {
    auto document = plan({step(StepKind::keep, "db", "birch")});
    document.changes = false;
    plan_is(document);
    see(cluster({testing::application("db", "birch")}));

    EXPECT_EQ(deploy(), 0);
    EXPECT_EQ(out.str(), "Nothing to do: the cluster is what the manifests say.\n");
    EXPECT_EQ(posted().size(), 1U);

    EXPECT_EQ(deploy({"--json"}), 0);
    EXPECT_THAT(
        out.str(),
        EndsWith(R"("results":[{"application":"db","node":"birch","outcome":"unchanged","reason":""}],"settled":true})"
                 "\n"));
}

TEST_F(DeployTest, ChangesNothingInADryRun) {
    move_the_database();

    EXPECT_EQ(deploy({"--dry-run"}), 0);

    EXPECT_EQ(posted().size(), 1U);
    EXPECT_THAT(out.str(), EndsWith("move   db            alder -> birch\n"));
}

TEST_F(DeployTest, LeavesTheWorkToItselfWhenDetached) {
    move_the_database();

    EXPECT_EQ(deploy({"--detach"}), 0);

    EXPECT_EQ(posted().size(), 2U);
    EXPECT_THAT(out.str(), EndsWith("Taken; the work goes on; look at it with `flocker status`.\n"));
}

TEST_F(DeployTest, AsksOnATerminalBeforeSomethingIsStopped) {
    world.in_is_terminal = world.out_is_terminal = true;
    world.width = 80;
    move_the_database();

    EXPECT_EQ(deploy({}, "n\n"), 1);
    EXPECT_THAT(out.str(), HasSubstr("Go on? [y/N] "));
    EXPECT_EQ(err.str(), "flocker: nothing was changed\n");
    EXPECT_EQ(posted().size(), 1U);
    EXPECT_EQ(deploy({}, ""), 1) << "no answer is no";

    asked.clear();
    answers("GET", "/v1/status").clear();
    move_the_database();
    EXPECT_EQ(deploy({}, "y\n"), 0);
    EXPECT_EQ(posted().size(), 2U);
}

TEST_F(DeployTest, AsksNobodyWhenToldNotTo) {
    world.in_is_terminal = world.out_is_terminal = true;
    world.width = 80;
    move_the_database();

    EXPECT_EQ(deploy({"-y"}), 0);
    EXPECT_THAT(out.str(), Not(HasSubstr("Go on?")));
}

TEST_F(DeployTest, RefusesManifestsWithAllTheirProblems) {
    folder.write("application.yml", "version: 1\napplications:\n  db: {}\n  web: {image: nginx, prots: []}\n");

    EXPECT_EQ(deploy(), 2);

    EXPECT_THAT(err.str(), HasSubstr("application.yml:3:7: "));
    EXPECT_THAT(err.str(), HasSubstr("application.yml:4:"));
    EXPECT_THAT(err.str(), EndsWith("problems; nothing was changed\n"));
    EXPECT_THAT(asked, IsEmpty());

    EXPECT_EQ(deploy({"--json"}), 2);
    EXPECT_THAT(out.str(), StartsWith(R"({"refusals":[{"file":")"));
}

TEST_F(DeployTest, RefusesFilesThatItCannotRead) {
    EXPECT_EQ(run({"deploy", folder.path("none.yml"), folder.path("neither.yml")}), 2);
    EXPECT_THAT(err.str(), HasSubstr("none.yml: there is no such file"));
    EXPECT_THAT(err.str(), HasSubstr("neither.yml: there is no such file"));
    EXPECT_EQ(run({"deploy", folder.path("."), application}), 2);
}

TEST_F(DeployTest, ShowsWhereARefusalComesFrom) {
    see(cluster({}));
    api::RefusalsDocument refusals;
    refusals.refusals = {{api::RefusalAbout::place, "birch", {}, "no node is called \"birch\"; the nodes are: alder"}};
    answer("POST", "/v1/deploy", refusals, 422);

    EXPECT_EQ(deploy(), 2);

    EXPECT_EQ(err.str(), deployment +
                             ":3:3: no node is called \"birch\"; the nodes are: alder\nflocker: refused, one problem; "
                             "nothing was changed\n");
}

TEST_F(DeployTest, FinishesTheRestAndFailsWhenOneHasFailed) {
    plan_is(plan({step(StepKind::start, "db", "birch"), step(StepKind::start, "web", "alder")}));
    auto failing = testing::application("db", "birch");
    failing.settled = false;
    failing.container.reset();
    failing.state = api::ApplicationState::starting;
    failing.problems = {{"birch", "db", {ErrorCode::not_found, "no such image"}, 3, {}}};
    auto late = testing::application("web", "alder");
    late.settled = false;
    see(cluster({}));
    see(cluster({failing, late}));
    see(cluster({failing, testing::application("web", "alder")}));

    EXPECT_EQ(deploy(), 1);

    EXPECT_THAT(
        out.str(),
        EndsWith(
            "Done in 200 ms:\n  web  started on alder\nFailed:\n  db   on birch: no such image (tried 3 times)\n"));
}

TEST_F(DeployTest, GivesUpWaitingAfterTheTimeout) {
    plan_is(plan({step(StepKind::move, "db", "birch", "alder")}));
    see(cluster({testing::application("db", "alder")}));
    see(cluster({moving("db", move(MovePhase::staging, "alder", "birch"))}));

    EXPECT_EQ(deploy({"--timeout", "90s"}), 1);

    EXPECT_EQ(err.str(), "flocker: not there after 1 min 30 s; the work goes on; look at it with `flocker status`\n");
    EXPECT_THAT(out.str(), EndsWith("Not there yet:\n  db  on birch; see `flocker why db`\n"));
}

TEST_F(DeployTest, BearsAControlServiceThatIsAwayForAWhile) {
    plan_is(plan({step(StepKind::start, "db", "birch")}));
    see(cluster({}));
    for (int look = 0; look < 100; ++look) {
        answers("GET", "/v1/status").push_back(api::error_response({ErrorCode::unavailable, "starting"}));
    }
    see(cluster({testing::application("db", "birch")}));

    EXPECT_EQ(deploy(), 0) << err.str();
}

TEST_F(DeployTest, SaysWhenTheControlServiceStaysAway) {
    plan_is(plan({step(StepKind::start, "db", "birch")}));
    see(cluster({}));
    answers("GET", "/v1/status").push_back(api::error_response({ErrorCode::unavailable, "gone"}));

    EXPECT_EQ(deploy(), 1);

    EXPECT_THAT(err.str(), HasSubstr("does not answer any more (gone); the work goes on"));
}

TEST_F(DeployTest, SaysThatDoingItAgainDoesNoHarmWhenTheOutcomeIsUnknown) {
    see(cluster({}));
    plan_is(plan({step(StepKind::start, "db", "birch")}));
    answers("POST", "/v1/deploy").push_back(api::error_response({ErrorCode::timed_out, "no answer"}));

    EXPECT_EQ(deploy(), 1);

    EXPECT_THAT(err.str(), HasSubstr("run the same command again"));
}

TEST_F(DeployTest, SaysGoodbyeOnlyWhileItWaits) {
    move_the_database();

    EXPECT_EQ(deploy(), 0);

    EXPECT_THAT(farewells, ElementsAre("\nthe work goes on; look at it with `flocker status`\n", ""));
}

TEST_F(DeployTest, TellsWhenThePlanIsAnotherThanWasShown) {
    see(cluster({}));
    plan_is(plan({step(StepKind::keep, "db", "birch")}));
    plan_is(plan({step(StepKind::start, "db", "birch")}));
    see(cluster({testing::application("db", "birch")}));

    EXPECT_EQ(deploy(), 0);

    EXPECT_THAT(out.str(), HasSubstr("changed meanwhile, and the plan with it:\n"));
}

TEST_F(DeployTest, MovesOneApplicationInTheSameWay) {
    move_the_database();
    answer("POST", "/v1/moves", plan({step(StepKind::move, "db", "birch", "alder")}));

    EXPECT_EQ(run({"move", "db", "birch"}), 0) << err.str();

    EXPECT_EQ(posted().back(), R"({"application":"db","node":"birch","dry_run":false})");
    EXPECT_THAT(out.str(), HasSubstr("moved from alder to birch, down for 412 ms"));
}

TEST_F(DeployTest, ForetellsAMoveAndChangesNothing) {
    auto moving = step(StepKind::move, "db", "birch", "alder");
    moving.predicted = prediction();
    answer("POST", "/v1/moves", plan({moving}));

    EXPECT_EQ(run({"move", "db", "birch", "--plan"}), 0) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("Its clients will wait about 640 ms (learned from 3 moves):\n"));
    EXPECT_EQ(run({"move", "db", "birch", "--plan", "--json"}), 0);
    EXPECT_THAT(out.str(), HasSubstr(R"("predicted":{"total_ns":640000000,)"));

    EXPECT_EQ(posted(), std::vector<std::string>(2, R"({"application":"db","node":"birch","dry_run":true})"));
}

TEST_F(DeployTest, MovesOnlyWithinThePauseThatIsAllowed) {
    move_the_database();
    answer("POST", "/v1/moves", plan({step(StepKind::move, "db", "birch", "alder")}));

    EXPECT_EQ(run({"move", "db", "birch", "--max-downtime", "500ms"}), 0) << err.str();

    EXPECT_THAT(posted(), ElementsAre(HasSubstr(R"("dry_run":true,"downtime_max_ns":500000000)"),
                                      HasSubstr(R"("dry_run":false,"downtime_max_ns":500000000)")));
    EXPECT_EQ(run({"move", "db", "birch", "--max-downtime", "soon"}), 2);
}

TEST_F(DeployTest, SaysWhyAMoveIsRefused) {
    see(cluster({}));
    api::RefusalsDocument refusals;
    refusals.refusals = {{api::RefusalAbout::application, "db", {}, "no application is called \"db\""}};
    answer("POST", "/v1/moves", refusals, 422);

    EXPECT_EQ(run({"move", "db", "birch"}), 2);
    EXPECT_EQ(err.str(), "flocker: no application is called \"db\"\nflocker: refused; nothing was changed\n");
    EXPECT_EQ(run({"move", "db", "birch", "--plan"}), 2);
    EXPECT_EQ(err.str(), "flocker: no application is called \"db\"\nflocker: refused; nothing was changed\n");
}

TEST_F(DeployTest, CallsOffAMove) {
    auto stays = step(StepKind::keep, "db", "alder");
    stays.reason = "its move to birch is called off";
    answer("POST", "/v1/moves/db/cancel", plan({stays}));

    EXPECT_EQ(run({"move", "db", "--cancel"}), 0) << err.str();
    EXPECT_EQ(out.str(), "db stays on alder: its move to birch is called off\n");
    EXPECT_EQ(run({"move", "db", "birch", "--cancel"}), 2) << "there is no node to say";
    EXPECT_EQ(run({"move", "--cancel"}), 2) << "of which application?";
    EXPECT_EQ(run({"move", "db"}), 2) << "where to?";
}

}  // namespace
}  // namespace flocker::cli
