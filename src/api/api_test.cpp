// SPDX-License-Identifier: Apache-2.0
#include "api/api.hpp"

#include <gmock/gmock.h>

#include "api/documents_json.hpp"
#include "api/testing.hpp"

namespace flocker::api {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using std::chrono_literals::operator""h;

template <class Document>
Document document(const http::Response& response) {
    auto parsed = from_json<Document>(response.body);
    EXPECT_TRUE(parsed) << response.status << " " << response.body;
    return parsed ? *std::move(parsed) : Document{};
}
Error error(const http::Response& response) {
    return document<ErrorDocument>(response).error;
}

class ApiTest : public ::testing::Test {
protected:
    ApiTest() {
        cluster.add(alder);
        cluster.add(birch);
    }
    http::Response deploy(const model::Deployment& deployment, bool dry_run = false) {
        return cluster.ask("POST", "/v1/deploy", to_json(DeployRequest{deployment, dry_run}));
    }
    /// Both agents tell what they have until nothing new comes of it.
    void settle() {
        for (const model::Node* each : {&alder, &birch, &alder, &birch}) cluster.report(*each);
    }
    StatusDocument status() { return document<StatusDocument>(cluster.ask("GET", "/v1/status")); }

    const model::Node alder = node("alder", "10.0.0.1");
    const model::Node birch = node("birch", "10.0.0.2");
    TestControl cluster;
};

TEST_F(ApiTest, ServesUsersOnly) {
    EXPECT_EQ(cluster.ask_as("user:ann", "GET", "/v1/status").response.status, 200U);
    EXPECT_EQ(cluster.ask_as("", "GET", "/v1/status").response.status, 401U);
    EXPECT_EQ(cluster.ask_as("node:id-of-alder", "GET", "/v1/status").response.status, 403U);
    EXPECT_EQ(cluster.ask_as("control", "GET", "/v1/version").response.status, 403U);
    EXPECT_EQ(cluster.ask_as("node:id-of-alder", "POST", "/v1/join").response.status, 403U);
    EXPECT_EQ(cluster.ask_as("", "GET", "/v1/join").response.status, 401U);
    EXPECT_EQ(cluster.ask_as("", "POST", "/v1/join").response.status, 400U) << "may join, but says nothing";
    EXPECT_EQ(cluster.ask_as("user:ann", "GET", "/v1/status").response.status, 200U);
}

TEST_F(ApiTest, SaysWhatIsNotThere) {
    EXPECT_EQ(error(cluster.ask("GET", "/v2/status")).code, ErrorCode::not_found);
    EXPECT_EQ(error(cluster.ask("GET", "/v1/volumes/none")).message, "no volume is called \"none\"");
    EXPECT_EQ(error(cluster.ask("GET", "/v1/why/none")).code, ErrorCode::not_found);
    EXPECT_EQ(cluster.ask("GET", "/v1/applications/none/logs").status, 404U);

    const auto response = cluster.ask("PUT", "/v1/tokens");
    EXPECT_EQ(response.status, 405U);
    EXPECT_EQ(response.headers.find("Allow"), "POST, GET");
}

TEST_F(ApiTest, DeploysWhatIsAskedAndShowsIt) {
    const auto plan = document<PlanDocument>(deploy(deployment({{"alder", database("db", 5432)}})));

    ASSERT_EQ(plan.steps.size(), 1U);
    EXPECT_EQ(plan.steps[0], (StepEntry{StepKind::start, "db", "alder", {}, {}, ""}));
    EXPECT_TRUE(plan.changes);
    EXPECT_FALSE(status().applications.at(0).settled);

    settle();

    const auto seen = status().applications.at(0);
    EXPECT_EQ(seen.state, ApplicationState::running);
    EXPECT_TRUE(seen.settled);
    EXPECT_THAT(seen.why, ElementsAre());
    EXPECT_EQ(document<VolumeEntry>(cluster.ask("GET", "/v1/volumes/db")).dataset, orders);
}

TEST_F(ApiTest, ChangesNothingInADryRun) {
    const auto plan = document<PlanDocument>(deploy(deployment({{"alder", application("web", 80)}}), true));

    EXPECT_EQ(plan.steps.size(), 1U);
    EXPECT_TRUE(status().applications.empty());
}

TEST_F(ApiTest, RefusesWithWhatEachReasonIsAbout) {
    const auto response = deploy(deployment({{"cedar", application("web", 80)}}));

    EXPECT_EQ(response.status, 422U);
    const auto refusals = document<RefusalsDocument>(response);
    ASSERT_EQ(refusals.refusals.size(), 1U);
    EXPECT_EQ(refusals.refusals[0].about, RefusalAbout::place);
    EXPECT_EQ(refusals.refusals[0].name, "cedar");
    EXPECT_THAT(refusals.refusals[0].message, HasSubstr("alder, birch"));
    EXPECT_EQ(refusals.error.code, ErrorCode::invalid_argument);
}

TEST_F(ApiTest, RefusesAnImageThatNobodyHas) {
    const auto refusals = document<RefusalsDocument>(deploy(deployment({{"alder", application("missing")}})));

    ASSERT_EQ(refusals.refusals.size(), 1U);
    EXPECT_EQ(refusals.refusals[0].about, RefusalAbout::image);
}

TEST_F(ApiTest, TakesNoDeploymentThatTheReadersWouldRefuse) {
    EXPECT_EQ(deploy(deployment({{"alder", application("../../etc")}})).status, 422U);
    EXPECT_EQ(cluster.ask("POST", "/v1/deploy", "{").status, 400U);
    EXPECT_THAT(error(cluster.ask("POST", "/v1/deploy", R"({"deployment":{"places":3}})")).message,
                HasSubstr("deployment.places"));
}

TEST_F(ApiTest, NeverGivesTheValueOfAnEnvironmentVariable) {
    const std::string planned = deploy(deployment({{"alder", database("db", 5432)}})).body;
    cluster.report(alder);

    std::string everything = planned;
    for (const char* target :
         {"/v1/status", "/v1/nodes", "/v1/volumes", "/v1/volumes/db", "/v1/moves", "/v1/events", "/v1/why/db"}) {
        everything += cluster.ask("GET", target).body;
    }

    EXPECT_THAT(everything, Not(HasSubstr("hunter2")));
    EXPECT_THAT(everything, HasSubstr("PASSWORD"));
}

TEST_F(ApiTest, MovesAnApplicationAndSaysThatItIsUnderWay) {
    deploy(deployment({{"alder", database("db", 5432)}}));
    cluster.report(alder);
    cluster.report(birch);

    const auto plan =
        document<PlanDocument>(cluster.ask("POST", "/v1/moves", to_json(MoveRequest{"db", "10.0.0.2", std::nullopt})));
    ASSERT_EQ(plan.steps.size(), 1U);
    EXPECT_EQ(plan.steps[0].kind, StepKind::move);
    EXPECT_EQ(plan.steps[0].from, "alder");
    EXPECT_EQ(plan.steps[0].node, "birch");
    EXPECT_EQ(plan.steps[0].to_copy, Bytes{1ULL << 30U});
    ASSERT_TRUE(plan.steps[0].predicted);
    const PredictionEntry& pause = *plan.steps[0].predicted;
    EXPECT_GT(pause.total, 0s);
    EXPECT_EQ(pause.total, pause.stop + pause.increment + pause.start + pause.ready + pause.rest);
    EXPECT_TRUE(pause.guessed);

    cluster.report(alder);
    cluster.report(birch);
    const auto moves = document<MovesDocument>(cluster.ask("GET", "/v1/moves"));
    ASSERT_EQ(moves.under_way.size(), 1U);
    EXPECT_EQ(moves.under_way[0].application, "db");
    EXPECT_EQ(moves.under_way[0].move.target, "birch");
    EXPECT_EQ(status().applications.at(0).state, ApplicationState::moving);
    EXPECT_EQ(cluster.ask("POST", "/v1/moves", to_json(MoveRequest{"nothing", "birch", {}})).status, 422U);

    const auto off = document<PlanDocument>(cluster.ask("POST", "/v1/moves/db/cancel", "{}"));
    ASSERT_EQ(off.steps.size(), 1U);
    EXPECT_EQ(off.steps[0].kind, StepKind::keep);
    EXPECT_EQ(off.steps[0].reason, "its move to birch is called off");
    EXPECT_TRUE(document<MovesDocument>(cluster.ask("GET", "/v1/moves")).under_way.empty());
    EXPECT_EQ(cluster.ask("POST", "/v1/moves/db/cancel", "{}").status, 422U);
}

TEST_F(ApiTest, MovesWithinThePauseThatIsAllowedOrNotAtAll) {
    deploy(deployment({{"alder", database("db", 5432)}}));
    settle();
    const auto move_within = [&](Duration most) {
        return cluster.ask("POST", "/v1/moves", to_json(MoveRequest{"db", "birch", {}, most}));
    };

    EXPECT_EQ(move_within(0ms).status, 400U);
    const auto refused = move_within(1ms);
    EXPECT_EQ(refused.status, 422U);
    EXPECT_THAT(document<RefusalsDocument>(refused).refusals.at(0).message, HasSubstr("1 ms"));
    EXPECT_EQ(status().applications.at(0).wanted_node, "alder");

    EXPECT_EQ(move_within(1h).status, 200U);
    settle();
    EXPECT_EQ(status().applications.at(0).move->downtime_max, 1h);
}

TEST_F(ApiTest, ListsTheMovesOfOneApplicationThatThereIs) {
    deploy(deployment({{"alder", database("db", 5432)}}));

    EXPECT_TRUE(document<MovesDocument>(cluster.ask("GET", "/v1/moves?application=db")).ended.empty());
    EXPECT_EQ(error(cluster.ask("GET", "/v1/moves?application=dbb")).message, "no application is called \"dbb\"");
}

TEST_F(ApiTest, DestroysAVolumeOnlyWhenNoApplicationHasIt) {
    deploy(deployment({{"alder", database("db", 5432)}}));
    cluster.report(alder);

    const auto refused = cluster.ask("DELETE", "/v1/volumes/db");
    EXPECT_EQ(refused.status, 409U);
    EXPECT_THAT(error(refused).message, HasSubstr("application db"));

    deploy({{}, {{model::NodeReference{"alder"}, {}}}});
    EXPECT_EQ(cluster.ask("DELETE", "/v1/volumes/" + orders.value).status, 204U);
    EXPECT_TRUE(document<VolumesDocument>(cluster.ask("GET", "/v1/volumes")).volumes.at(0).destroying);
}

TEST_F(ApiTest, RemovesANodeByNameWhenItOwnsNothing) {
    deploy(deployment({{"alder", application("web", 80)}}));

    EXPECT_EQ(cluster.ask("DELETE", "/v1/nodes/alder").status, 409U);
    EXPECT_EQ(cluster.ask("DELETE", "/v1/nodes/birch").status, 204U);
    EXPECT_EQ(document<NodesDocument>(cluster.ask("GET", "/v1/nodes")).nodes.size(), 1U);
    EXPECT_EQ(cluster.ask("DELETE", "/v1/nodes/birch").status, 404U);
}

TEST_F(ApiTest, SaysWhenTheRecordsCannotBeWritten) {
    cluster.store().fails = true;

    const auto response = deploy(deployment({{"alder", application("web", 80)}}));

    EXPECT_EQ(response.status, 503U);
    EXPECT_EQ(error(response), (Error{ErrorCode::unavailable, "the disk is full"}));
}

TEST_F(ApiTest, MakesListsAndRevokesTokens) {
    EXPECT_EQ(document<TokenCreated>(cluster.ask("POST", "/v1/tokens", "{}")).token, "secret-t1");
    EXPECT_EQ(cluster.ask("POST", "/v1/tokens", R"({"lifetime_ns":1})").status, 400U);
    EXPECT_EQ(cluster.ask("DELETE", "/v1/tokens/t1").status, 204U);
    EXPECT_EQ(cluster.ask("DELETE", "/v1/tokens/t9").status, 404U);

    const auto tokens = document<TokensDocument>(cluster.ask("GET", "/v1/tokens")).tokens;
    ASSERT_EQ(tokens.size(), 1U);
    EXPECT_TRUE(tokens[0].revoked);
    EXPECT_THAT(cluster.ask("GET", "/v1/tokens").body, Not(HasSubstr("secret")));
}

TEST_F(ApiTest, LetsANodeJoinWithATokenOnce) {
    cluster.ask("POST", "/v1/tokens", "{}");
    const JoinDocument join{"secret-t1", "request", node("cedar", "10.0.0.3")};

    const auto reply = cluster.ask_as("", "POST", "/v1/join", to_json(join)).response;

    EXPECT_EQ(reply.status, 201U);
    EXPECT_EQ(document<JoinedDocument>(reply).certificate, "certificate");
    EXPECT_EQ(document<NodesDocument>(cluster.ask("GET", "/v1/nodes")).nodes.size(), 3U);
    EXPECT_EQ(cluster.ask_as("", "POST", "/v1/join", to_json(join)).response.status, 403U);
}

TEST_F(ApiTest, LetsNoNodeJoinAtATakenAddress) {
    cluster.ask("POST", "/v1/tokens", "{}");
    const JoinDocument join{"secret-t1", "request", node("cedar", "10.0.0.1")};

    const auto reply = cluster.ask_as("", "POST", "/v1/join", to_json(join)).response;

    EXPECT_EQ(reply.status, 409U);
    EXPECT_THAT(error(reply).message, HasSubstr("is a member already"));
    EXPECT_THAT(error(reply).message, HasSubstr("make a new one"));
}

TEST(Api, EndsWaitsWhenItIsClosed) {
    posix::EventLoop stuck;  // Nobody runs it.
    MemoryStore store(stuck);
    NoSessions sessions;
    AnyImage images;
    MemoryEnrollment enrollment;
    driver::ControlDriver control({stuck, store, sessions, images}, [](const std::string&) {});
    Api api({stuck, control, enrollment, {}});
    http::Request request;
    request.target = "/v1/status";
    request.peer = "user:ann";

    auto waiting = std::async(std::launch::async, [&] { return api.serve(request).response.status; });
    api.close();

    EXPECT_EQ(waiting.get(), 503U);
}

TEST_F(ApiTest, RefusesAFailoverWhileTheOwnerIsAlive) {
    deploy(deployment({{"alder", database("db", 5432)}}));
    settle();

    const auto response = cluster.ask("POST", "/v1/failovers", R"({"application":"db"})");

    EXPECT_EQ(response.status, 422U);
    EXPECT_THAT(document<RefusalsDocument>(response).refusals.at(0).message, HasSubstr("alder is alive"));
    EXPECT_EQ(status().applications.at(0).owner_node, "alder");
}

/// What a control service finds when it begins: the database's owner is alder, of which it will not hear.
model::Records owned_by_lost(const model::Node& alder, const model::Node& birch) {
    model::Records records;
    records.revision = model::Revision{7};
    records.nodes = {{alder.id, alder}, {birch.id, birch}};
    const model::Wanted wanted{database("db", 5432), model::NodeReference{"alder"}, alder.id, 0, {}};
    records.configuration[wanted.application.name] = wanted;
    model::Ownership ownership;
    ownership.subject = model::subject_of(wanted.application);
    ownership.dataset = orders;
    ownership.application = wanted.application.name;
    ownership.owner = alder.id;
    ownership.established = true;
    ownership.replicas = {birch.id};
    records.ownerships[ownership.subject] = ownership;
    return records;
}

TEST(FailoverApi, LetsAReplicaTakeOverWhenItIsToldTo) {
    const model::Node alder = node("alder", "10.0.0.1");
    const model::Node birch = node("birch", "10.0.0.2");
    TestControl cluster(owned_by_lost(alder, birch));
    const auto nobody_yet = cluster.ask("POST", "/v1/failovers", R"({"application":"db"})");
    EXPECT_EQ(nobody_yet.status, 422U) << nobody_yet.body;
    cluster.report(birch, [](model::NodeReport& report) {
        model::DatasetSeen copy;
        copy.id = orders;
        copy.epoch = model::Epoch{1};
        copy.snapshots = {{{model::Epoch{1}, 4}, Instant{5}}};
        report.datasets = {copy};
        report.images = {"db:1"};
    });
    const auto ask = [&](bool dry_run) {
        return document<FailoverDocument>(
            cluster.ask("POST", "/v1/failovers", to_json(FailoverRequest{"db", "birch", dry_run})));
    };

    const FailoverDocument shown = ask(true);
    EXPECT_EQ(shown.to, "birch");
    EXPECT_EQ(shown.lost, std::nullopt) << "nobody has heard alder's last word";
    ASSERT_EQ(shown.candidates.size(), 1U);
    EXPECT_EQ(shown.candidates[0].taken, Instant{5});
    const auto owner = [&] {
        return document<StatusDocument>(cluster.ask("GET", "/v1/status")).applications.at(0).owner_node;
    };
    EXPECT_EQ(owner(), "alder");

    const FailoverDocument done = ask(false);
    EXPECT_GT(done.revision, shown.revision);
    EXPECT_EQ(done.snapshot, shown.snapshot);
    EXPECT_EQ(owner(), "birch");
    const auto moves = document<MovesDocument>(cluster.ask("GET", "/v1/moves?application=db"));
    EXPECT_TRUE(moves.ended.at(0).result.failover);
}

TEST_F(ApiTest, DrainsANodeAndActivatesItAgain) {
    deploy(deployment({{"alder", application("web", 80)}}));
    settle();

    const auto planned =
        document<PlanDocument>(cluster.ask("POST", "/v1/nodes/alder/drain", to_json(DrainRequest{true})));
    ASSERT_EQ(planned.steps.size(), 1U);
    EXPECT_EQ(planned.steps[0].kind, StepKind::move);
    EXPECT_EQ(planned.steps[0].node, "birch");
    EXPECT_TRUE(planned.steps[0].predicted);
    EXPECT_FALSE(status().nodes.at(0).draining);

    EXPECT_EQ(cluster.ask("POST", "/v1/nodes/10.0.0.1/drain").status, 200U) << "nothing has to be said";
    EXPECT_TRUE(status().nodes.at(0).draining);
    EXPECT_EQ(status().applications.at(0).wanted_node, "birch");

    const auto active = document<PlanDocument>(cluster.ask("POST", "/v1/nodes/alder/activate", "{}"));
    EXPECT_THAT(active.steps, ElementsAre(::testing::Field(&StepEntry::application, "web")));
    EXPECT_FALSE(status().nodes.at(0).draining);
    EXPECT_EQ(status().applications.at(0).wanted_node, "alder");

    EXPECT_EQ(cluster.ask("POST", "/v1/nodes/cedar/drain").status, 404U);
    EXPECT_EQ(cluster.ask("POST", "/v1/nodes/cedar/activate").status, 404U);
    EXPECT_EQ(cluster.ask("POST", "/v1/nodes/alder/drain", "[").status, 400U);
}

TEST_F(ApiTest, LimitsANode) {
    const auto limit = [&](const char* body) { return cluster.ask("PUT", "/v1/nodes/alder/bandwidth", body).status; };
    EXPECT_EQ(limit(R"({"bandwidth":{"bytes_per_second":10000000,"times":[]}})"), 200U);
    EXPECT_EQ(status().nodes.at(0).bandwidth, model::Bandwidth{Bytes{10'000'000}});
    EXPECT_EQ(limit(R"({"bandwidth":{"bytes_per_second":10,"times":[]}})"), 400U);
    EXPECT_EQ(limit(R"({"bandwidth":{"times":[{"from_minute":0,"until_minute":1441}]}})"), 400U);
    EXPECT_EQ(limit(R"({"bandwidth":{"times":[]}})"), 200U);
    EXPECT_EQ(status().nodes.at(0).bandwidth, model::Bandwidth{}) << "unlimited";
    EXPECT_EQ(limit("{}"), 200U);
    EXPECT_EQ(status().nodes.at(0).bandwidth, std::nullopt);
    EXPECT_EQ(cluster.ask("PUT", "/v1/nodes/cedar/bandwidth", "{}").status, 404U);
}

TEST_F(ApiTest, KeepsTheSettingsThatAreNotSaid) {
    const auto before = document<model::ClusterSettings>(cluster.ask("GET", "/v1/settings"));
    EXPECT_EQ(before, model::ClusterSettings{});

    const auto after = document<model::ClusterSettings>(
        cluster.ask("PUT", "/v1/settings", R"({"lag_ns":2000000000,"failover":"automatic"})"));

    model::ClusterSettings expected;
    expected.lag = 2s;
    expected.failover = model::Failover::automatic;
    EXPECT_EQ(after, expected);
    expected.replicas = 2;
    cluster.ask("PUT", "/v1/settings", R"({"replicas":2})");
    EXPECT_EQ(document<model::ClusterSettings>(cluster.ask("GET", "/v1/settings")), expected);

    const auto refused = cluster.ask("PUT", "/v1/settings", R"({"replicas":17})");
    EXPECT_EQ(refused.status, 400U);
    EXPECT_THAT(error(refused).message, HasSubstr("replicas is a number from 0 to 16"));
    EXPECT_EQ(cluster.ask("PUT", "/v1/settings", R"({"failover":"always"})").status, 400U);
    EXPECT_EQ(document<model::ClusterSettings>(cluster.ask("GET", "/v1/settings")), expected);
}

}  // namespace
}  // namespace flocker::api
