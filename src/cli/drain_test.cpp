// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using api::StepKind;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class DrainTest : public TestWorld, public ::testing::Test {
protected:
    static constexpr const char* target = "/v1/nodes/alder/drain";

    void drains_the_database() {
        auto moving_away = step(StepKind::move, "db", "birch", "alder");
        moving_away.predicted = prediction();
        answer("POST", target, plan({moving_away}));
        answer("GET", "/v1/status", cluster({application("db", "alder")}));
        answer("GET", "/v1/status", cluster({application("db", "alder")}));
        answer("GET", "/v1/status", cluster({moving("db", move(model::MovePhase::staging, "alder", "birch"))}));
        auto there = application("db", "birch");
        there.last_move = moved("alder", "birch");
        auto after = cluster({there});
        api::VolumeEntry volume;
        volume.application = "db";
        volume.owner_node = "birch";
        volume.copies.resize(2);
        volume.copies[0].node = "birch";
        volume.copies[0].owner = true;
        volume.copies[1].node = "alder";
        volume.copies[1].present = true;
        after.volumes = {volume};
        answer("GET", "/v1/status", after);
    }
    [[nodiscard]] std::vector<std::string> posted() const {
        std::vector<std::string> bodies;
        for (const auto& request : asked) {
            if (request.method == "POST") bodies.push_back(request.target + " " + request.body);
        }
        return bodies;
    }
};

TEST_F(DrainTest, ShowsWhatMovesWhereAndHowLongItsClientsWillWait) {
    drains_the_database();

    EXPECT_EQ(run({"node", "drain", "alder", "--dry-run"}), 0) << err.str();

    EXPECT_EQ(out.str(),
              "       APPLICATION   NODE\n"
              "move   db            alder -> birch   about 640 ms down (learned from 3 moves)\n");
    EXPECT_THAT(posted(), ElementsAre("/v1/nodes/alder/drain {\"dry_run\":true}"));
}

TEST_F(DrainTest, MovesEverythingAwayAndSaysWhatIsStillThere) {
    drains_the_database();

    EXPECT_EQ(run({"node", "drain", "10.0.0.1"}), 0) << err.str();

    EXPECT_THAT(out.str(),
                AllOf(HasSubstr("db  alder -> birch  staging: preparing\n"),
                      HasSubstr("  db  moved from alder to birch, down for 412 ms"),
                      HasSubstr("alder is drained; `flocker node activate alder` lets things be placed there again.\n"
                                "Its replicas of db are let go once other nodes hold as many as wished.\n")));
    EXPECT_THAT(farewells.front(), HasSubstr("`flocker node activate alder` calls off"));
    EXPECT_EQ(posted().back(), "/v1/nodes/alder/drain {\"dry_run\":false}");
}

TEST_F(DrainTest, AsksOnATerminal) {
    drains_the_database();
    world.in_is_terminal = world.out_is_terminal = true;

    EXPECT_EQ(run({"node", "drain", "alder"}, "n\n"), 1);
    EXPECT_THAT(err.str(), HasSubstr("nothing was changed"));
    EXPECT_EQ(posted().size(), 1U);
}

TEST_F(DrainTest, EndsWithOneJsonObjectIfWished) {
    drains_the_database();

    EXPECT_EQ(run({"node", "drain", "alder", "--json"}), 0);
    EXPECT_THAT(out.str(), AllOf(HasSubstr(R"("outcome":"moved")"), HasSubstr(R"("settled":true})"),
                                 Not(HasSubstr("is drained"))));
}

TEST_F(DrainTest, DoesNotWaitIfToldSo) {
    drains_the_database();

    EXPECT_EQ(run({"node", "drain", "alder", "--detach", "--yes"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("Taken; the moves go on; `flocker node activate alder` calls off"));
}

TEST_F(DrainTest, WatchesMovesThatWereAskedForBefore) {
    auto nothing_new = plan({});
    nothing_new.changes = false;
    answer("POST", target, nothing_new);
    const auto under_way = cluster({moving("db", move(model::MovePhase::staging, "alder", "birch"))});
    answer("GET", "/v1/status", under_way);
    answer("GET", "/v1/status", under_way);
    answer("GET", "/v1/status", under_way);
    answer("GET", "/v1/status", cluster({application("db", "birch")}));
    world.in_is_terminal = world.out_is_terminal = true;
    environment["NO_COLOR"] = "1";

    EXPECT_EQ(run({"node", "drain", "alder"}), 0) << err.str();

    EXPECT_THAT(out.str(), HasSubstr("move   db            alder -> birch   asked for before\n"));
    EXPECT_THAT(out.str(), HasSubstr("alder is drained"));
    EXPECT_THAT(out.str(), Not(HasSubstr("Go on?")));
}

TEST_F(DrainTest, SaysWhenThereIsNothingToMove) {
    answer("GET", "/v1/status", cluster({}));
    answer("POST", target, plan({}));
    EXPECT_EQ(run({"node", "drain", "alder"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("Nothing runs on alder; from now on nothing is placed there.\n"));

    auto nothing_new = plan({});
    nothing_new.changes = false;
    answers("POST", target).clear();
    answer("POST", target, nothing_new);
    EXPECT_EQ(run({"node", "drain", "alder"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("Nothing to do: alder is drained already.\n"));
}

TEST_F(DrainTest, SaysWhichApplicationCanGoNowhere) {
    answer("GET", "/v1/status", cluster({}));
    answer("POST", target,
           api::RefusalsDocument{{ErrorCode::invalid_argument, "refused"},
                                 {{api::RefusalAbout::application, "db", {}, "no other node has room for it"}}},
           422);

    EXPECT_EQ(run({"node", "drain", "alder"}), 2);
    EXPECT_EQ(err.str(), "flocker: db: no other node has room for it\nflocker: refused; nothing was changed\n");
    EXPECT_EQ(run({"node", "drain", "alder", "--json"}), 2);
    EXPECT_THAT(out.str(), HasSubstr(R"("refusals":[{"about":"application","name":"db")"));
}

TEST_F(DrainTest, ActivatesANodeAndSaysWhatStays) {
    auto stays = step(StepKind::keep, "db", "alder");
    stays.reason = "its move is called off";
    answer("POST", "/v1/nodes/alder/activate", plan({stays}));

    EXPECT_EQ(run({"node", "activate", "alder"}), 0) << err.str();
    EXPECT_EQ(out.str(),
              "Things may be placed on alder again. What was moved away stays where it is.\n"
              "  db stays on alder: its move is called off\n");
    EXPECT_EQ(run({"node", "activate", "alder", "--json"}), 0);
    EXPECT_THAT(out.str(), HasSubstr(R"({"steps":[{"kind":"keep")"));

    auto nothing = plan({});
    nothing.changes = false;
    answer("POST", "/v1/nodes/birch/activate", nothing);
    EXPECT_EQ(run({"node", "activate", "birch"}), 0);
    EXPECT_EQ(out.str(), "Nothing to do: birch is not being drained.\n");
}

}  // namespace
}  // namespace flocker::cli
