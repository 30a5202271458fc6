// SPDX-License-Identifier: Apache-2.0
#include "cli/run.hpp"

#include <gmock/gmock.h>

#include "cli/testing.hpp"
#include "codec/json.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const model::DatasetId orders{"11111111-2222-4333-8444-555555555555"};

api::VolumeEntry volume() {
    api::VolumeEntry volume;
    volume.dataset = orders;
    volume.application = "db";
    volume.owner_node = "alder";
    volume.mountpoint = "/data";
    volume.copies = {{"alder", true, true, {3ULL << 30U}, true, false, false, true, {}},
                     {"birch", false, true, {}, false, false, false, {}, {{{model::Epoch{1}, 4}, clock_start}}}};
    return volume;
}

class RunTest : public TestWorld, public ::testing::Test {};

TEST_F(RunTest, TeachesWithAnExampleForEachCommand) {
    for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{{"deploy"},
                                                                                         {"move"},
                                                                                         {"move", "ls"},
                                                                                         {"status"},
                                                                                         {"why"},
                                                                                         {"logs"},
                                                                                         {"events"},
                                                                                         {"version"},
                                                                                         {"volume"},
                                                                                         {"volume", "ls"},
                                                                                         {"volume", "inspect"},
                                                                                         {"volume", "snapshots"},
                                                                                         {"volume", "snapshots", "rm"},
                                                                                         {"volume", "verify"},
                                                                                         {"volume", "mount"},
                                                                                         {"volume", "umount"},
                                                                                         {"failover"},
                                                                                         {"doctor"},
                                                                                         {"diagnostics"},
                                                                                         {"completion"},
                                                                                         {"config"},
                                                                                         {"config", "set"},
                                                                                         {"node", "drain"},
                                                                                         {"node", "activate"},
                                                                                         {"volume", "rm"},
                                                                                         {"node"},
                                                                                         {"node", "ls"},
                                                                                         {"node", "rm"},
                                                                                         {"token"},
                                                                                         {"token", "create"},
                                                                                         {"token", "ls"},
                                                                                         {"token", "revoke"},
                                                                                         {"context"},
                                                                                         {"context", "ls"},
                                                                                         {"context", "use"},
                                                                                         {"context", "show"},
                                                                                         {"context", "import"}}) {
        std::vector<std::string> arguments = command;
        arguments.emplace_back("--help");
        EXPECT_EQ(run(arguments), 0) << command.back();
        EXPECT_THAT(out.str(), HasSubstr("Example:\n  flocker " + command.front())) << command.back();
        if (command.size() == 2) {
            EXPECT_THAT(out.str(), HasSubstr("--json"));
        }
    }
    EXPECT_EQ(run({"--help"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("deploy"));
    EXPECT_EQ(run({}), 0);
    EXPECT_THAT(out.str(), HasSubstr("deploy"));
}

TEST_F(RunTest, RefusesWrongUsageOnStderr) {
    for (const std::vector<std::string>& arguments :
         std::vector<std::vector<std::string>>{{"statsu"},
                                               {"status", "extra"},
                                               {"deploy", "one.yml"},
                                               {"move", "db"},
                                               {"move", "db", "birch", "cedar"},
                                               {"move", "db", "ls"},
                                               {"move", "ls", "db", "birch"},
                                               {"move", "ls", "--plan"},
                                               {"move", "--max-downtime", "1s", "ls"},
                                               {"deploy", "a", "b", "--timeout", "soon"},
                                               {"events", "--tail", "-1"},
                                               {"status", "--jsn"},
                                               {"failover"},
                                               {"failover", "db", "birch"},
                                               {"node", "drain"},
                                               {"volume", "snapshots"},
                                               {"volume", "snapshots", "rm", "db"},
                                               {"volume", "snapshots", "db", "rm"},
                                               {"volume", "verify"},
                                               {"volume", "mount", "db", "e3-s4"},
                                               {"volume", "destroy", "x"}}) {
        EXPECT_EQ(run(arguments), 2) << arguments.front();
        EXPECT_THAT(err.str(), HasSubstr("--help")) << arguments.front();
        EXPECT_EQ(out.str(), "");
    }
    EXPECT_EQ(run({"volume"}), 2);
    EXPECT_THAT(asked, IsEmpty());
}

TEST_F(RunTest, ShowsTheStatus) {
    auto database = moving("db", move(model::MovePhase::sealing, "alder", "birch"));
    auto failed = application("web", "birch");
    failed.settled = false;
    failed.state = api::ApplicationState::exited;
    failed.container = container(clock_start, model::ContainerSeen::Status::exited, 3);
    failed.ports.clear();
    auto status = cluster({database, failed});
    status.nodes[0].applications = {"db"};
    status.nodes[1].alive = false;
    status.nodes[1].heard_ago = 20s;
    status.nodes[0].problems = {{"alder", "routes", {ErrorCode::unavailable, "nft is busy"}, 2, clock_start - 9s},
                                {"alder", "engine", {ErrorCode::conflict, "the engine was away"}, 0, clock_start - 7s}};
    auto detached = volume();
    detached.application.reset();
    status.volumes = {detached};
    answer("GET", "/v1/status", status);

    EXPECT_EQ(run({"status"}), 0);

    EXPECT_EQ(out.str(),
              "NODE    ADDRESS    DATA CENTER   STATE                     POOL                    APPLICATIONS\n"
              "alder   10.0.0.1                 alive                     15 GiB free of 20 GiB   db\n"
              "birch   10.0.0.2                 lost, heard of 20 s ago   15 GiB free of 20 GiB\n"
              "\n"
              "APPLICATION   IMAGE   NODE    STATE                                                    PORTS\n"
              "db            db:1    alder   alder -> birch  sealing: alder stops it, down for 0 ms   5432->15432\n"
              "web           web:1   birch   exited (3)\n"
              "\n"
              "one volume detached, kept until it is removed by name; see `flocker volume ls`\n"
              "\n"
              "What does not work\n"
              "  routes on alder: nft is busy (tried 2 times, since 9 s)\n"
              "\n"
              "What somebody else did\n"
              "  engine on alder: the engine was away (7 s ago)\n");

    EXPECT_EQ(run({"status", "--json"}), 0);
    EXPECT_EQ(api::from_json<api::StatusDocument>(out.str()).value(), status);
}

TEST_F(RunTest, ShowsReplicasAndWhatIsBeingDrainedAndWhoWaitsForALostNode) {
    auto lost = application("db", "birch");
    lost.settled = false;
    lost.state = api::ApplicationState::node_lost;
    auto automatic = lost;
    automatic.name = "queue";
    automatic.failover = model::Failover::automatic;
    auto taking_over = application("web", "alder");
    taking_over.state = api::ApplicationState::starting;
    taking_over.promoting = true;
    auto status = cluster({lost, automatic, taking_over});
    status.nodes[0].draining = true;
    status.nodes[1].draining = true;
    status.nodes[1].applications = {"db"};
    auto replicated = volume();
    replicated.owner_node = "birch";
    replicated.replicas = {{"alder", {}, 430ms, {}, 20s, "birch does not answer", {}, {}}};
    status.volumes = {replicated};
    answer("GET", "/v1/status", status);

    EXPECT_EQ(run({"status"}), 0);

    EXPECT_THAT(out.str(), HasSubstr("alder   10.0.0.1                 drained "));
    EXPECT_THAT(out.str(), HasSubstr("birch   10.0.0.2                 draining "));
    EXPECT_THAT(out.str(), HasSubstr("taking over"));
    EXPECT_THAT(out.str(), HasSubstr("\nVOLUME   OWNER   REPLICA   BEHIND\n"
                                     "db       birch   alder     0.4 s, as of 20 s ago: birch does not answer\n"
                                     "\n"
                                     "db waits for birch; `flocker failover db --dry-run` says who could take over\n"));
    EXPECT_THAT(out.str(), Not(HasSubstr("flocker failover queue")));
}

TEST_F(RunTest, FitsTheTerminalUnlessToldNotTo) {
    world.out_is_terminal = true;
    world.width = 60;
    environment["NO_COLOR"] = "1";
    auto wide = application("a-very-long-application-name-of-somebody", "alder");
    answer("GET", "/v1/status", cluster({wide}));

    EXPECT_EQ(run({"status"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("…"));
    EXPECT_EQ(run({"status", "--no-trunc"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("a-very-long-application-name-of-somebody:1"));

    EXPECT_THAT(out.str(), Not(HasSubstr("\x1b")));
    environment.clear();
    EXPECT_EQ(run({"status"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("\x1b[32mrunning\x1b[0m"));
}

TEST_F(RunTest, ChoosesTheContext) {
    answer("GET", "/v1/status", cluster({}));
    const auto other = folder.write(
        "other.json",
        R"({"control":"10.9.9.9:99","ca":"-----BEGIN A","certificate":"-----BEGIN C","key":"-----BEGIN K"})");

    EXPECT_EQ(run({"status"}), 0);
    EXPECT_EQ(run({"--context", other, "status"}), 0);
    EXPECT_EQ(run({"status", "--context", other}), 0);
    environment["FLOCKER_CONTEXT"] = other;
    EXPECT_EQ(run({"status"}), 0);
    EXPECT_EQ(run({"status", "--context", "default"}), 0);

    std::vector<std::string> addresses;
    for (const Access& access : connected) addresses.push_back(access.address);
    EXPECT_THAT(addresses, ElementsAre("10.0.0.1", "10.9.9.9", "10.9.9.9", "10.9.9.9", "10.0.0.1"));
    EXPECT_EQ(run({"status", "--context", "none"}), 1);
    EXPECT_THAT(err.str(), HasSubstr("no context is called \"none\""));
}

TEST_F(RunTest, SaysErrorsOfTheServiceOnStderr) {
    answers("GET", "/v1/status").push_back(api::error_response({ErrorCode::denied, "show a user's certificate"}));

    EXPECT_EQ(run({"status"}), 1);

    EXPECT_EQ(err.str(), "flocker: show a user's certificate\n");
    EXPECT_EQ(out.str(), "");
}

TEST_F(RunTest, SaysWhyAThingIsAsItIs) {
    answer("GET", "/v1/why/db",
           api::WhyDocument{"db", {{"the target takes e1-s3", "birch", clock_start}, {"x", "", {}}}});
    EXPECT_EQ(run({"why", "db"}), 0);
    EXPECT_EQ(out.str(),
              "the target takes e1-s3 (on node birch, until 2025-10-09T08:53:20.000Z)\nx (on the control service)\n");

    answer("GET", "/v1/why/web", api::WhyDocument{"web", {}});
    EXPECT_EQ(run({"why", "web"}), 0);
    EXPECT_EQ(out.str(), "web is what it should be; it waits for nothing.\n");
}

TEST_F(RunTest, ListsAndInspectsVolumes) {
    answer("GET", "/v1/volumes", api::VolumesDocument{{volume()}});
    answer("GET", "/v1/volumes/db", volume());

    EXPECT_EQ(run({"volume", "ls"}), 0);
    EXPECT_EQ(out.str(),
              "VOLUME                                 APPLICATION   STATE      NODE    USED      REPLICAS\n"
              "11111111-2222-4333-8444-555555555555   db            attached   alder   3.0 GiB   birch\n");

    EXPECT_EQ(run({"volume", "inspect", "db"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("Application  db, at /data\n"));
    EXPECT_THAT(out.str(), HasSubstr("birch   replica          0 B       1           e1-s4"));

    EXPECT_EQ(run({"volume", "snapshots", "db"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("birch   e1-s4      snapshot   2025-10-09T08:53:20.000Z   0 B\n"));
    EXPECT_EQ(run({"volume", "snapshots", "db", "--json"}), 0);
    EXPECT_THAT(out.str(), HasSubstr(R"("snapshots":[{"node":"birch")"));
}

TEST_F(RunTest, ListsMoves) {
    const api::MovesDocument moves{{}, {{"db", moved("alder", "birch")}}};
    answer("GET", "/v1/moves", moves);
    answer("GET", "/v1/moves?application=db", moves);
    now = clock_start + 47s;

    EXPECT_EQ(run({"move", "ls"}), 0) << err.str();
    EXPECT_THAT(out.str(), HasSubstr("7      db            alder   birch   5 s ago   moved    412"));
    EXPECT_EQ(run({"move", "ls", "db", "--no-trunc"}), 0) << err.str();
    EXPECT_EQ(asked.back().target, "/v1/moves?application=db");
    EXPECT_EQ(run({"move", "ls", "--json", "db"}), 0);
    EXPECT_THAT(out.str(), StartsWith(R"({"moves":[{"application":"db","id":7,"source":"alder")"));
    EXPECT_EQ(run({"move", "--json", "ls"}), 0);
    EXPECT_THAT(out.str(), StartsWith(R"({"moves":[)"));
}

TEST_F(RunTest, MovesAnApplicationThatIsCalledAsACommandIs) {
    EXPECT_EQ(run({"move", "--plan", "--", "ls", "birch"}), 1);
    EXPECT_THAT(err.str(), HasSubstr("nobody answers POST /v1/moves"));
    EXPECT_THAT(asked.back().body, HasSubstr(R"("application":"ls","node":"birch")"));
}

TEST_F(RunTest, DestroysAVolumeOnlyWhenItsNameIsTyped) {
    world.in_is_terminal = true;
    answer("GET", "/v1/volumes/db", volume());
    answers("DELETE", "/v1/volumes/" + orders.value).push_back({204, {}, {}});

    EXPECT_EQ(run({"volume", "rm", "db"}, "yes\n"), 1);
    EXPECT_THAT(err.str(), HasSubstr("nothing was destroyed"));
    EXPECT_THAT(out.str(), HasSubstr("3.0 GiB, 2 copies"));
    EXPECT_EQ(asked.size(), 1U);

    EXPECT_EQ(run({"volume", "rm", "db"}, "db\n"), 0);
    EXPECT_EQ(asked.back().method, "DELETE");
}

TEST_F(RunTest, DestroysNoVolumeUnaskedUnlessToldTo) {
    answer("GET", "/v1/volumes/db", volume());
    answers("DELETE", "/v1/volumes/" + orders.value).push_back({204, {}, {}});

    EXPECT_EQ(run({"volume", "rm", "db"}, "db\n"), 2);
    EXPECT_EQ(asked.size(), 1U);
    EXPECT_EQ(run({"volume", "rm", "db", "--yes"}), 0);
}

TEST_F(RunTest, PrintsLogsAsTheyCome) {
    answers("GET", "/v1/applications/db/logs?tail=7&follow=1").push_back({200, {}, "one\ntwo"});

    EXPECT_EQ(run({"logs", "db", "--tail", "7", "-f"}), 0);
    EXPECT_EQ(out.str(), "one\ntwo\n");
    EXPECT_EQ(run({"logs", "db", "--tail", "7", "-f", "--json"}), 0);
    EXPECT_EQ(out.str(), "{\"line\":\"one\"}\n{\"line\":\"two\"}\n");
    EXPECT_EQ(run({"logs", "web"}), 1);
}

TEST_F(RunTest, PrintsEvents) {
    const model::Event event{3, clock_start, model::EventKind::move_finished, "db", "alder to birch in 42.0 s"};
    answer("GET", "/v1/events?latest=50", api::EventsDocument{{event}});
    answers("GET", "/v1/events?follow=1&latest=5").push_back({200, {}, codec::encode(event) + "\n"});

    EXPECT_EQ(run({"events"}), 0);
    EXPECT_EQ(out.str(), "2025-10-09T08:53:20.000Z  move_finished       db  alder to birch in 42.0 s\n");
    EXPECT_EQ(run({"events", "--follow", "--tail", "5"}), 0);
    EXPECT_EQ(out.str(), "2025-10-09T08:53:20.000Z  move_finished       db  alder to birch in 42.0 s\n");
    EXPECT_EQ(run({"events", "--follow", "--tail", "5", "--json"}), 0);
    EXPECT_EQ(codec::decode<model::Event>(out.str().substr(0, out.str().size() - 1)).value(), event);
}

TEST_F(RunTest, GivesTheWholeJoinCommandWithAToken) {
    answer("POST", "/v1/tokens", api::TokenCreated{"flkt-secret"}, 201);

    EXPECT_EQ(run({"token", "create", "--for", "20m"}), 0);

    EXPECT_THAT(out.str(), HasSubstr("  flocker join 10.0.0.1:4523 --token flkt-secret\n"));
    EXPECT_EQ(asked.back().body, R"({"lifetime_ns":1200000000000})");
    EXPECT_EQ(run({"token", "create"}), 0);
    EXPECT_EQ(asked.back().body, "{}");
}

TEST_F(RunTest, ListsAndRevokesTokens) {
    answer("GET", "/v1/tokens",
           api::TokensDocument{{{"7f3a", clock_start - 60s, clock_start + 600s, "", false},
                                {"81bc", clock_start - 7200s, clock_start - 1s, "birch", false}}});
    answers("DELETE", "/v1/tokens/7f3a").push_back({204, {}, {}});

    EXPECT_EQ(run({"token", "ls"}), 0);
    EXPECT_EQ(out.str(),
              "TOKEN   STATE             CREATED\n"
              "7f3a    good for 10 min   60 s ago\n"
              "81bc    used by birch     2 h ago\n");
    EXPECT_EQ(run({"token", "revoke", "7f3a"}), 0);
}

TEST_F(RunTest, RemovesANodeAfterAQuestion) {
    world.in_is_terminal = true;
    answers("DELETE", "/v1/nodes/birch").push_back({204, {}, {}});

    EXPECT_EQ(run({"node", "rm", "birch"}, "\n"), 1);
    EXPECT_THAT(asked, IsEmpty());
    EXPECT_EQ(run({"node", "rm", "birch"}, "y\n"), 0);
    EXPECT_EQ(run({"node", "rm", "birch", "-y", "--json"}), 0);
    EXPECT_EQ(out.str(), "{\"removed\":\"birch\"}\n");
}

TEST_F(RunTest, CarriesAContextToAnotherPlace) {
    environment["HOME"] = folder.path("home");
    EXPECT_EQ(run({"context", "show", "--bundle"}), 0);
    const std::string bundle = folder.write("mine.json", out.str());

    EXPECT_EQ(run({"context", "import", bundle, "--name", "prod"}), 0) << err.str();
    EXPECT_EQ(run({"context", "use", "prod"}), 0);
    EXPECT_EQ(run({"context", "show", "--json"}), 0);
    EXPECT_THAT(out.str(), StartsWith(R"({"name":"prod")"));
    EXPECT_THAT(out.str(), Not(HasSubstr("BEGIN")));
    EXPECT_EQ(run({"context", "ls"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("*   prod      10.0.0.1:4523"));
    EXPECT_EQ(run({"context", "import", bundle, "--name", "prod"}), 1);
}

TEST_F(RunTest, TellsItsVersionAlsoWithoutAService) {
    EXPECT_EQ(run({"version", "--client"}), 0);
    EXPECT_THAT(out.str(), StartsWith("flocker "));
    EXPECT_THAT(connected, IsEmpty());

    EXPECT_EQ(run({"version"}), 0);
    EXPECT_THAT(err.str(), HasSubstr("not known"));
    answer("GET", "/v1/version", api::VersionDocument{"9.9", "v1"});
    EXPECT_EQ(run({"version"}), 0);
    EXPECT_THAT(out.str(), EndsWith("control service 9.9\n"));
}

TEST_F(RunTest, HandsOtherRoomsCommandsTheirArguments) {
    std::vector<std::vector<std::string>> given;
    world.extra.push_back({"init", "Make this machine the first node", [&](const std::vector<std::string>& arguments) {
                               given.push_back(arguments);
                               return 7;
                           }});

    EXPECT_EQ(run({"init", "--pool", "/srv", "status", "--help", "--json"}), 7);
    EXPECT_EQ(run({"init"}), 7);
    EXPECT_THAT(given, ElementsAre(ElementsAre("--pool", "/srv", "status", "--help", "--json"), IsEmpty()));
    EXPECT_EQ(run({"--help"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("Make this machine the first node"));
}

}  // namespace
}  // namespace flocker::cli
