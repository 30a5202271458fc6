// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_text.hpp"

#include <gmock/gmock.h>

#include "cli/results.hpp"
#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using api::RefusalAbout;
using api::StepKind;
using ::testing::ElementsAre;

TEST(PlanText, ShowsWhatStartsStopsRestartsAndMoves) {
    auto moving = step(StepKind::move, "db", "birch", "alder");
    moving.to_copy = {2ULL << 30U};
    auto restarting = step(StepKind::restart, "web", "alder");
    restarting.reason = "image changed";
    auto document = plan({moving, step(StepKind::keep, "kv", "birch"), step(StepKind::stop, "old", "alder"),
                          step(StepKind::start, "queue", "birch"), restarting});
    document.left_alone = {"mail", "wiki"};

    EXPECT_EQ(plan_text(document, {}),
              "          APPLICATION   NODE\n"
              "move      db            alder -> birch   2.0 GiB to copy\n"
              "stop      old           alder\n"
              "start     queue         birch\n"
              "restart   web           alder            image changed\n"
              "As they are: kv\n"
              "Left alone, on nodes that are not named: mail, wiki\n");
}

TEST(PlanText, SaysHowLongEachMoveWillKeepItsClientsWaiting) {
    auto moving = step(StepKind::move, "db", "birch", "alder");
    moving.to_copy = {2ULL << 30U};
    moving.predicted = prediction();

    EXPECT_EQ(plan_text(plan({moving}), {}),
              "       APPLICATION   NODE\n"
              "move   db            alder -> birch   2.0 GiB to copy, about 640 ms down (learned from 3 moves)\n");
    EXPECT_THAT(results_json(plan({moving}), {}, false),
                ::testing::HasSubstr(R"("reason":"","predicted":{"total_ns":640000000,"stop_ns":300000000,)"
                                     R"("increment_ns":20000000,"start_ns":30000000,"ready_ns":250000000,)"
                                     R"("rest_ns":40000000,"moves":3,"guessed":false}}])"));
}

TEST(PlanText, AsksOnlyWhereSomethingRunsNoLonger) {
    EXPECT_FALSE(stops_something(plan({step(StepKind::start, "db", "alder"), step(StepKind::keep, "kv", "alder")})));
    for (const StepKind kind : {StepKind::stop, StepKind::restart, StepKind::move}) {
        EXPECT_TRUE(stops_something(plan({step(kind, "db", "alder")})));
    }
}

TEST(PlanText, KnowsWhenThereIsNothingToDo) {
    auto document = plan({step(StepKind::keep, "db", "alder")});
    document.changes = false;
    auto restless = application("db", "alder");
    restless.settled = false;

    EXPECT_TRUE(nothing_to_do(document, cluster({application("db", "alder")})));
    EXPECT_FALSE(nothing_to_do(document, cluster({restless})));
    document.changes = true;
    EXPECT_FALSE(nothing_to_do(document, cluster({application("db", "alder")})));
}

TEST(PlaceRefusals, FindsTheLineThatEachIsAbout) {
    const auto parsed = manifest::parse({"deployment.yml", "version: 1\nnodes:\n  cedar: [db]\n  alder: [web]\n"
                                         "replicas:\n  db: [birch, dill]\n"},
                                        {"application.yml",
                                         "version: 1\n"
                                         "applications:\n"
                                         "  db:\n"
                                         "    image: postgres\n"
                                         "    ports: [{internal: 5432, external: 5432}]\n"
                                         "    volume: {mountpoint: /data}\n"
                                         "  web:\n"
                                         "    image: nginx\n"});
    const auto& positions = std::get<manifest::Manifests>(parsed).positions;

    const auto problems = place({{RefusalAbout::place, "cedar", {}, "no node is called \"cedar\""},
                                 {RefusalAbout::port, "db", std::uint16_t{5432}, "it belongs to mail"},
                                 {RefusalAbout::image, "web", {}, "nobody has it"},
                                 {RefusalAbout::application, "web", {}, "no room"},
                                 {RefusalAbout::replica, "db", {}, "no node is called \"dill\"", "dill"},
                                 {RefusalAbout::volume, "db", {}, "it holds more"},
                                 {RefusalAbout::deployment, "", {}, "too much"}},
                                positions, "deployment.yml");

    std::vector<std::string> lines;
    for (const auto& problem : problems) lines.push_back(to_text(problem));
    EXPECT_THAT(lines, ElementsAre("application.yml:5:40: application 'db': it belongs to mail",
                                   "application.yml:6:13: application 'db': it holds more",
                                   "application.yml:8:12: application 'web': nobody has it",
                                   "deployment.yml:1:1: too much", "deployment.yml:3:3: no node is called \"cedar\"",
                                   "deployment.yml:4:11: application 'web': no room",
                                   "deployment.yml:6:15: application 'db': no node is called \"dill\""));
}

TEST(Results, TellWhatWasDoneAndWhatFailed) {
    Outcome move{step(StepKind::move, "db", "birch", "alder"), Standing::done, "birch", "", moved("alder", "birch")};
    Outcome kept{step(StepKind::keep, "kv", "birch"), Standing::done, "birch", "", {}};
    Outcome failed{
        step(StepKind::start, "queue", "birch"), Standing::failed, "birch", "no such image (tried 3 times)", {}};
    Outcome late{step(StepKind::restart, "web", "alder"), Standing::pending, "alder", "", {}};
    const std::vector<Outcome> all{move, kept, failed, late};

    EXPECT_EQ(results_text(all, 43s, {}),
              "Done in 43.0 s:\n"
              "  db     moved from alder to birch, down for 412 ms (440 ms predicted): "
              "hold 3.1, stop 120, seal 8.0, increment 18, copy 10, start 11, ready 230, "
              "open 0.4 ms; copied 2.0 GiB while it ran, 1.2 MiB in the cutover\n"
              "Failed:\n"
              "  queue  on birch: no such image (tried 3 times)\n"
              "Not there yet:\n"
              "  web    on alder; see `flocker why web`\n");
    EXPECT_EQ(
        results_json(plan({move.step}), all, false),
        R"({"steps":[{"kind":"move","application":"db","node":"birch","from":"alder","to_copy":0,)"
        R"("reason":""}],"left_alone":[],)"
        R"("results":[{"application":"db","node":"birch","outcome":"moved","downtime_ms":412,)"
        R"("downtime_ns":412000000,"predicted_ns":440000000,"steps_ns":{"copy":9960000,"hold":3140000,"hook":1000000000,)"
        R"("increment":18000000,"open":400000,"ready":230000000,"seal":8000000,"start":11000000,"stop":120000000},)"
        R"("bytes_live":2147483648,"bytes_cutover":1300000,"reason":""},)"
        R"({"application":"kv","node":"birch","outcome":"unchanged","reason":""},)"
        R"json({"application":"queue","node":"birch","outcome":"failed","reason":"no such image (tried 3 times)"},)json"
        R"({"application":"web","node":"alder","outcome":"unfinished","reason":""}],"settled":false})");
}

}  // namespace
}  // namespace flocker::cli
