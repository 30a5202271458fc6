// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class FailoverTest : public TestWorld, public ::testing::Test {
protected:
    FailoverTest() {
        document.application = "db";
        document.from = "alder";
        document.to = "birch";
        document.heard_ago = 24s;
        document.snapshot = model::SnapshotId{model::Epoch{3}, 17};
        document.lost = 430ms;
        document.lost_bytes = {12'000};
        document.candidates = {{"birch", document.snapshot, clock_start, 430ms, ""},
                               {"cedar", model::SnapshotId{model::Epoch{3}, 9}, clock_start - 40s, 41s, ""},
                               {"dill", {}, {}, {}, "does not answer"}};
        document.revision = model::Revision{11};

        auto lost = application("db", "alder");
        lost.settled = false;
        lost.state = api::ApplicationState::node_lost;
        answer("GET", "/v1/status", cluster({lost}));
    }
    void it_goes_well() {
        answer("POST", "/v1/failovers", document);
        auto taking_over = application("db", "birch");
        taking_over.settled = false;
        taking_over.state = api::ApplicationState::starting;
        taking_over.promoting = true;
        taking_over.last_move = moved("alder", "birch");
        taking_over.last_move->failover = true;
        answer("GET", "/v1/status", cluster({taking_over}, 11));
        auto serving = application("db", "birch");
        serving.last_move = taking_over.last_move;
        answer("GET", "/v1/status", cluster({serving}, 12));
    }
    [[nodiscard]] std::vector<std::string> posted() const {
        std::vector<std::string> bodies;
        for (const auto& request : asked) {
            if (request.method == "POST") bodies.push_back(request.body);
        }
        return bodies;
    }
    void on_a_terminal() {
        world.in_is_terminal = world.out_is_terminal = true;
        world.width = 120;
        environment["NO_COLOR"] = "1";
    }

    static constexpr const char* shown =
        "alder owns db and has not been heard of for 24 s.\n"
        "\n"
        "NODE    NEWEST SNAPSHOT   TAKEN                      BEHIND\n"
        "birch   e3-s17            2025-10-09T08:53:20.000Z   0.4 s    takes over\n"
        "cedar   e3-s9             2025-10-09T08:52:40.000Z   41 s\n"
        "dill                                                          does not answer\n"
        "\n"
        "db goes on at birch from e3-s17. What alder wrote in the 0.4 s before its last word is missing there, about "
        "12 KiB.\n"
        "What alder has alone is not destroyed: when it is back it is set aside there, see `flocker volume snapshots "
        "db`.\n";

    api::FailoverDocument document;
};

TEST_F(FailoverTest, ShowsWhoCouldTakeOverAndWhatWouldBeMissingThere) {
    answer("POST", "/v1/failovers", document);

    EXPECT_EQ(run({"failover", "db", "--dry-run"}), 0) << err.str();

    EXPECT_EQ(out.str(), shown);
    EXPECT_THAT(posted(), ElementsAre(R"({"application":"db","dry_run":true})"));
    EXPECT_EQ(run({"failover", "db", "--dry-run", "--json"}), 0);
    EXPECT_THAT(out.str(), StartsWith(R"({"failover":{"application":"db","from":"alder","to":"birch",)"));
    EXPECT_THAT(out.str(), HasSubstr(R"("outcome":"planned","reason":"","settled":false})"));
}

TEST_F(FailoverTest, ChangesNothingUnlessSomebodyAgrees) {
    answer("POST", "/v1/failovers", document);

    EXPECT_EQ(run({"failover", "db"}, "y\n"), 2) << "nobody can be asked";
    EXPECT_THAT(err.str(), HasSubstr("--yes"));
    EXPECT_EQ(run({"failover", "db", "--json"}), 2);
    on_a_terminal();
    EXPECT_EQ(run({"failover", "db"}, "\n"), 1);
    EXPECT_THAT(out.str(), StartsWith(shown));
    EXPECT_THAT(err.str(), HasSubstr("nothing was changed"));

    for (const std::string& body : posted()) EXPECT_THAT(body, HasSubstr(R"("dry_run":true)"));
}

TEST_F(FailoverTest, LetsTheNodeThatWasShownTakeOverAndWatchesUntilItServes) {
    on_a_terminal();
    it_goes_well();

    EXPECT_EQ(run({"failover", "db"}, "y\n"), 0) << err.str();

    EXPECT_THAT(posted(), ElementsAre(R"({"application":"db","dry_run":true})",
                                      R"({"application":"db","node":"birch","dry_run":false})"));
    EXPECT_THAT(out.str(), HasSubstr("db  taking over on birch"));
    EXPECT_THAT(out.str(), HasSubstr("db serves on birch, which took over from alder.\n"
                                     "When alder is back, look at what it had alone with `flocker volume snapshots "
                                     "db`.\n"));
    EXPECT_THAT(farewells, ElementsAre(HasSubstr("the failover is recorded and goes on"), ""));
}

TEST_F(FailoverTest, AsksForTheNodeThatTheUserNamed) {
    it_goes_well();

    EXPECT_EQ(run({"failover", "db", "--to", "10.0.0.2", "--yes", "--json"}), 0) << err.str();

    EXPECT_EQ(posted().front(), R"({"application":"db","node":"10.0.0.2","dry_run":true})");
    EXPECT_THAT(out.str(), HasSubstr(R"("outcome":"failed_over","reason":"","settled":true})"));
}

TEST_F(FailoverTest, SaysWhyItIsRefused) {
    const api::RefusalsDocument refusals{
        {ErrorCode::invalid_argument, "refused for 1 reason, nothing was changed"},
        {{api::RefusalAbout::application, "db", {}, "alder is alive: nothing is lost by `flocker move db NODE`"}}};
    answer("POST", "/v1/failovers", refusals, 422);

    EXPECT_EQ(run({"failover", "db", "--yes"}), 2);

    EXPECT_EQ(err.str(),
              "flocker: alder is alive: nothing is lost by `flocker move db NODE`\n"
              "flocker: refused; nothing was changed\n");
    EXPECT_EQ(posted().size(), 1U);
}

TEST_F(FailoverTest, NeverSaysThatNothingIsLostWhenThatIsNotKnown) {
    document.lost.reset();
    document.heard_ago.reset();
    answer("POST", "/v1/failovers", document);
    EXPECT_EQ(run({"failover", "db", "--dry-run"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("has not been heard of since the control service started"));
    EXPECT_THAT(out.str(), HasSubstr("How much was written after it is not known"));
}

TEST_F(FailoverTest, SaysThatNothingIsLostWhereThereIsNothing) {
    document.lost = 0s;
    answer("POST", "/v1/failovers", document);
    EXPECT_EQ(run({"failover", "db", "--dry-run"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("birch had everything up to the last word of alder.\n"));

    document.snapshot.reset();
    answers("POST", "/v1/failovers").clear();
    answer("POST", "/v1/failovers", document);
    EXPECT_EQ(run({"failover", "db", "--dry-run"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("db has no volume: there is nothing to lose.\n"));
    EXPECT_THAT(out.str(), Not(HasSubstr("set aside")));
}

TEST_F(FailoverTest, SaysWhenTheNewOwnerDoesNotServe) {
    answer("POST", "/v1/failovers", document);
    auto broken = application("db", "birch");
    broken.settled = false;
    broken.state = api::ApplicationState::starting;
    broken.problems = {{"birch", "db", {ErrorCode::unavailable, "the pool is full"}, 3, clock_start}};
    answer("GET", "/v1/status", cluster({broken}, 11));

    EXPECT_EQ(run({"failover", "db", "--yes"}), 1);

    EXPECT_THAT(out.str(), HasSubstr("Failed: birch is the owner now, and does not serve: the pool is full"));
}

TEST_F(FailoverTest, GoesOnByItselfWhenNobodyWatches) {
    it_goes_well();
    EXPECT_EQ(run({"failover", "db", "--yes", "--detach"}), 0);
    EXPECT_THAT(out.str(), HasSubstr("birch is the owner now; the failover is recorded and goes on"));
}

}  // namespace
}  // namespace flocker::cli
