// SPDX-License-Identifier: Apache-2.0
#include "api/status.hpp"

#include <gmock/gmock.h>

#include "api/testing.hpp"

namespace flocker::api {
namespace {

using namespace model;
using testing::application;
using testing::container;
using testing::database;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::node;
using testing::orders;

/// What a control service knows of two nodes, alder and birch, one database on alder.
class StatusTest : public ::testing::Test {
protected:
    StatusTest() {
        for (const Node& member : {alder, birch}) {
            records.nodes[member.id] = member;
            NodeReport report;
            report.node = member.id;
            report.open_routes = {5432};
            report.revision = Revision{1};
            states[member.id] = {report, now, Revision{1}};
        }
        Wanted wanted{database("db", 5432), NodeReference{"alder"}, alder.id, 0, {}};
        records.configuration[wanted.application.name] = wanted;
        Ownership ownership;
        ownership.subject = subject_of(wanted.application);
        ownership.dataset = orders;
        ownership.application = wanted.application.name;
        ownership.owner = alder.id;
        ownership.established = true;
        records.ownerships[ownership.subject] = ownership;
        report(alder).containers.push_back(container(wanted, alder));
    }

    NodeReport& report(const Node& node) { return states.at(node.id).report; }
    Wanted& wanted() { return records.configuration.at(ApplicationName{"db"}); }
    Ownership& ownership() { return records.ownerships.begin()->second; }
    ContainerSeen& seen() { return report(alder).containers.at(0); }
    [[nodiscard]] StatusDocument status() const { return status_of({records, states, now, started}); }
    [[nodiscard]] ApplicationEntry db() const { return status().applications.at(0); }

    void move(MovePhase phase) {
        wanted().node = birch.id;
        Move move;
        move.id = MoveId{4};
        move.phase = phase;
        move.source = alder.id;
        move.target = birch.id;
        move.bytes_live = {1000};
        ownership().move = move;
        FeedSeen feed;
        feed.dataset = orders;
        feed.to = birch.id;
        feed.bytes_total = {1200};
        feed.rounds = 3;
        feed.round_sent = {34};
        feed.round_expected = {50};
        feed.last_rounds = {{{Epoch{1}, 3}, {200}, 20ms, 100ms, false}};
        report(alder).feeds.push_back(feed);
    }

    const Instant started{1'000'000'000};
    const Instant now = started + 60s;
    const Node alder = node("alder", "10.0.0.1");
    const Node birch = node("birch", "10.0.0.2");
    Records records;
    std::map<NodeId, plan::NodeState> states;
};

TEST_F(StatusTest, TellsARunningApplication) {
    EXPECT_EQ(db().state, ApplicationState::running);
    EXPECT_TRUE(db().settled);
    EXPECT_EQ(db().owner_node, "alder");
    EXPECT_THAT(db().environment, ElementsAre("PASSWORD"));
}

TEST_F(StatusTest, TellsThatTheAgentHasNotAnsweredToItsAssignment) {
    states.at(alder.id).published = Revision{9};

    EXPECT_EQ(db().state, ApplicationState::starting);
}

TEST_F(StatusTest, TakesAContainerAtItsGateForOneThatStarts) {
    seen().status = ContainerSeen::Status::waiting;
    seen().ready = true;

    EXPECT_EQ(db().state, ApplicationState::starting);
    EXPECT_EQ(db().container->status, ContainerSeen::Status::waiting);
}

TEST_F(StatusTest, TellsATargetThatIsReadyToTakeOver) {
    move(MovePhase::staging);
    EXPECT_FALSE(db().move->target_waits);

    report(birch).containers.push_back(container(wanted(), birch, ContainerSeen::Status::created));
    EXPECT_FALSE(db().move->target_waits);

    report(birch).containers.back().status = ContainerSeen::Status::waiting;
    EXPECT_TRUE(db().move->target_waits);
}

TEST_F(StatusTest, TellsWhatAMoveMayCost) {
    move(MovePhase::trial);
    ownership().move->downtime_max = 500ms;
    ownership().move->predicted = 412ms;

    EXPECT_EQ(db().move->downtime_max, 500ms);
    EXPECT_EQ(db().move->predicted, 412ms);
}

TEST_F(StatusTest, TellsHowAContainerEnded) {
    seen().status = ContainerSeen::Status::exited;
    seen().exit_code = 3;
    EXPECT_EQ(db().state, ApplicationState::starting) << "its agent starts it again";

    report(alder).problems = {{"db", {ErrorCode::unavailable, "its container exited with code 3"}, 1, {}}};
    EXPECT_EQ(db().state, ApplicationState::exited);

    seen().exit_code = 0;
    EXPECT_EQ(db().state, ApplicationState::finished);
}

TEST_F(StatusTest, TellsASilentNode) {
    states.at(alder.id).heard = now - 30s;

    EXPECT_EQ(db().state, ApplicationState::node_lost);
    EXPECT_FALSE(status().nodes.at(0).alive);
    EXPECT_EQ(status().nodes.at(0).heard_ago, 30s);
}

TEST_F(StatusTest, TellsAMoveThatWasGivenUp) {
    wanted().node = birch.id;
    ownership().avoided_target = birch.id;

    EXPECT_EQ(db().state, ApplicationState::waiting);
    EXPECT_EQ(db().avoided_node, "birch");
}

TEST_F(StatusTest, TellsAContainerThatIsOnItsWayOut) {
    records.configuration.clear();
    ownership().application.reset();

    EXPECT_EQ(db().state, ApplicationState::stopping);
    EXPECT_EQ(db().owner_node, "alder");
    EXPECT_FALSE(db().settled);
}

TEST_F(StatusTest, CountsTheBytesOfAMoveBeforeTheCutover) {
    move(MovePhase::staging);

    const MoveEntry seen = db().move.value();
    EXPECT_EQ(db().state, ApplicationState::moving);
    EXPECT_EQ(seen.bytes_live, Bytes{1234});
    EXPECT_EQ(seen.bytes_cutover, Bytes{0});
    EXPECT_EQ(seen.rounds, 3U);
    EXPECT_EQ(seen.round_expected, Bytes{50});
    EXPECT_EQ(seen.last_round->bytes, Bytes{200});
    EXPECT_FALSE(seen.sealing_started);
}

TEST_F(StatusTest, CountsTheBytesOfTheCutoverApart) {
    move(MovePhase::trial);

    const MoveEntry seen = db().move.value();
    EXPECT_EQ(seen.bytes_live, Bytes{1000});
    EXPECT_EQ(seen.bytes_cutover, Bytes{234});
    EXPECT_TRUE(seen.sealing_started);
}

TEST_F(StatusTest, KeepsTheRecordedBytesAfterTheCommit) {
    move(MovePhase::settling);
    ownership().move->bytes_cutover = {77};

    EXPECT_EQ(db().move->bytes_live, Bytes{1000});
    EXPECT_EQ(db().move->bytes_cutover, Bytes{77});
}

TEST_F(StatusTest, ListsTheMovesThatAreKeptNewestFirst) {
    MoveResult first;
    first.id = MoveId{2};
    first.source = alder.id;
    first.target = birch.id;
    first.ended = now - 20s;
    first.succeeded = true;
    first.predicted = 400ms;
    first.steps = {{MoveStep::stop, 120ms}, {MoveStep::ready, 230ms}};
    MoveResult second = first;
    second.id = MoveId{3};
    second.ended = now - 10s;
    Ownership other = ownership();
    other.subject = SubjectId{"app:web"};
    other.application = ApplicationName{"web"};
    other.dataset.reset();
    other.moves = {first};
    other.moves.back().id = MoveId{1};
    other.moves.back().ended = now - 15s;
    ownership().moves = {first, second};
    records.ownerships[other.subject] = other;

    const auto ids = [&](const std::optional<std::string>& application) {
        std::vector<std::string> ended;
        for (const MoveEnded& move : moves_of({records, states, now, started}, application).ended)
            ended.push_back(move.application + " " + std::to_string(move.result.id.value));
        return ended;
    };
    EXPECT_THAT(ids({}), ElementsAre("db 3", "web 1", "db 2"));
    EXPECT_THAT(ids("db"), ElementsAre("db 3", "db 2"));
    EXPECT_THAT(ids("none"), IsEmpty());
    EXPECT_EQ(db().last_move->id, MoveId{3});
    EXPECT_EQ(db().last_move->predicted, 400ms);
    EXPECT_THAT(db().last_move->steps, ElementsAre(std::pair("ready", 230ms), std::pair("stop", 120ms)));
}

TEST_F(StatusTest, GathersTheProblemsThatConcernAnApplication) {
    move(MovePhase::staging);
    report(alder).problems = {{"db", {ErrorCode::unavailable, "owner's"}, 3, {}}, {"other", {}, 1, {}}};
    report(birch).problems = {{orders.value, {ErrorCode::unavailable, "target's"}, 1, {}},
                              {"routes", {ErrorCode::unavailable, "routes'"}, 1, {}}};

    std::vector<std::string> messages;
    for (const ProblemEntry& problem : db().problems) messages.push_back(problem.node + ": " + problem.error.message);
    EXPECT_THAT(messages, ElementsAre("alder: owner's", "birch: target's", "birch: routes'"));
}

TEST_F(StatusTest, ListsTheCopiesOfAVolume) {
    ownership().replicas = {birch.id};
    DatasetSeen replica;
    replica.id = orders;
    replica.snapshots = {{{Epoch{1}, 2}, now}};
    report(birch).datasets.push_back(replica);

    const VolumeEntry volume = status().volumes.at(0);
    ASSERT_EQ(volume.copies.size(), 2U);
    EXPECT_EQ(volume.copies[0].node, "alder");
    EXPECT_TRUE(volume.copies[0].owner);
    EXPECT_FALSE(volume.copies[0].present);
    EXPECT_EQ(volume.copies[1].snapshots.size(), 1U);
    EXPECT_EQ(volume.application, "db");
    EXPECT_EQ(volume.mountpoint, "/data");
}

TEST_F(StatusTest, ListsDetachedVolumesLast) {
    Ownership detached;
    detached.subject = SubjectId{"00000000-2222-4333-8444-555555555555"};
    detached.dataset = DatasetId{detached.subject.value};
    detached.owner = NodeId{"gone"};
    records.ownerships[detached.subject] = detached;

    EXPECT_EQ(status().volumes.at(0).application, "db");
    EXPECT_EQ(status().volumes.at(1).application, std::nullopt);
    EXPECT_EQ(status().volumes.at(1).owner_node, "gone");
}

TEST_F(StatusTest, TellsHowFarEachReplicaIsBehind) {
    const Node cedar = node("cedar", "10.0.0.3");
    records.nodes[cedar.id] = cedar;
    states[cedar.id] = {{}, now, Revision{0}};
    ownership().replicas = {birch.id, cedar.id};
    wanted().application.volume->replicas = 2;
    wanted().application.volume->lag = 3s;
    FeedSeen up_to_date;
    up_to_date.dataset = orders;
    up_to_date.to = birch.id;
    up_to_date.acknowledged = {Epoch{1}, 5};
    up_to_date.proven = Instant{50'000'000'000};
    FeedSeen first_copy;
    first_copy.dataset = orders;
    first_copy.to = cedar.id;
    first_copy.round_sent = {43};
    first_copy.round_expected = {100};
    report(alder).at = up_to_date.proven + 400ms;
    report(alder).feeds = {up_to_date, first_copy};
    states.at(alder.id).heard = now - 300ms;

    const VolumeEntry volume = status().volumes.at(0);

    EXPECT_EQ(volume.wished_replicas, 2U);
    EXPECT_EQ(volume.wished_lag, 3s);
    EXPECT_EQ(volume.spread, Spread::datacenter);
    EXPECT_THAT(volume.replicas,
                ElementsAre(ReplicaEntry{"birch", SnapshotId{Epoch{1}, 5}, 400ms, {}, 300ms, "", {}, {}},
                            ReplicaEntry{"cedar", {}, {}, {}, 300ms, "the first copy is not complete", {43}, {100}}));
}

TEST_F(StatusTest, NamesTheNodesThatTheDeploymentNamesForReplicas) {
    EXPECT_EQ(status().volumes.at(0).named_replicas, std::nullopt);
    wanted().replica_nodes = {birch.id, NodeId{"has-left"}};
    EXPECT_EQ(status().volumes.at(0).named_replicas, std::vector<std::string>{"birch"});
    EXPECT_EQ(status().volumes.at(0).wished_replicas, 2U);
}

TEST_F(StatusTest, SaysThatAPoolIsShort) {
    EXPECT_FALSE(status().nodes.at(0).pool_short);
    report(alder).pool_short = true;
    EXPECT_TRUE(status().nodes.at(0).pool_short);
}

TEST_F(StatusTest, DoesNotKnowTheLagOfAnOwnerThatItHasNotHeardOf) {
    ownership().replicas = {birch.id};
    states.erase(alder.id);

    const VolumeEntry volume = status().volumes.at(0);

    EXPECT_THAT(volume.replicas, ElementsAre(ReplicaEntry{"birch", {}, {}, {}, {}, "alder does not answer", {}, {}}));
    EXPECT_EQ(volume.wished_replicas, 1U) << "the cluster's own, where the manifest is silent";
}

TEST_F(StatusTest, ShowsWhatWasSetAsideAlsoWhereNoReplicaIsKept) {
    const Node cedar = node("cedar", "10.0.0.3");
    records.nodes[cedar.id] = cedar;
    ownership().leaving = {birch.id};
    ownership().promoting = true;
    DatasetSeen left;
    left.id = orders;
    left.set_aside = {{{Epoch{1}, 9}, started, {77}}};
    NodeReport there;
    there.datasets = {left};
    states[cedar.id] = {there, now, Revision{0}};

    const VolumeEntry volume = status().volumes.at(0);

    ASSERT_EQ(volume.copies.size(), 3U);
    EXPECT_EQ(volume.copies[1].node, "birch");
    EXPECT_TRUE(volume.copies[1].leaving);
    EXPECT_EQ(volume.copies[2].node, "cedar");
    EXPECT_EQ(volume.copies[2].set_aside, left.set_aside);
    EXPECT_FALSE(volume.copies[2].leaving);
    EXPECT_TRUE(volume.promoting);
    EXPECT_TRUE(db().promoting);
}

TEST_F(StatusTest, TellsWhatBecomesOfAnApplicationWhoseNodeIsLost) {
    EXPECT_EQ(db().failover, Failover::manual);
    records.settings.failover = Failover::automatic;
    EXPECT_EQ(db().failover, Failover::automatic);
    wanted().application.failover = Failover::manual;
    EXPECT_EQ(db().failover, Failover::manual);

    records.nodes.at(birch.id).draining = true;
    EXPECT_FALSE(status().nodes.at(0).draining);
    EXPECT_TRUE(status().nodes.at(1).draining);
}

class FailoverStatusTest : public StatusTest {
protected:
    FailoverStatusTest() {
        states.at(alder.id).heard = now - 24s;
        report(alder).at = Instant{90'000'000'000};
        DatasetSeen copy;
        copy.id = orders;
        copy.epoch = Epoch{1};
        copy.snapshots = {{{Epoch{1}, 5}, report(alder).at - 2s}, {{Epoch{1}, 6}, report(alder).at - 400ms}};
        report(birch).datasets = {copy};
        report(birch).images = {"db:1"};
    }
    [[nodiscard]] FailoverDocument planned() const {
        const plan::View view{records, states, now, started};
        const auto plan = plan::plan_failover(view, ApplicationName{"db"}, {});
        return failover_of(view, std::get<plan::FailoverPlan>(plan), Revision{9});
    }
};

TEST_F(FailoverStatusTest, SaysWhoTakesOverAndWhatIsNotThereThen) {
    const Node cedar = node("cedar", "10.0.0.3");
    records.nodes[cedar.id] = cedar;

    FailoverDocument expected;
    expected.application = "db";
    expected.from = "alder";
    expected.to = "birch";
    expected.heard_ago = 24s;
    expected.snapshot = {Epoch{1}, 6};
    expected.lost = 400ms;
    expected.candidates = {{"birch", SnapshotId{Epoch{1}, 6}, report(alder).at - 400ms, 400ms, ""},
                           {"cedar", {}, {}, {}, "does not answer"}};
    expected.revision = Revision{9};
    EXPECT_EQ(planned(), expected);
}

TEST_F(FailoverStatusTest, NeverSaysThatNothingIsLostWhenNobodyKnows) {
    states.erase(alder.id);

    EXPECT_EQ(planned().lost, std::nullopt);
    EXPECT_EQ(planned().heard_ago, std::nullopt);
    EXPECT_EQ(planned().snapshot, (SnapshotId{Epoch{1}, 6}));
}

TEST_F(FailoverStatusTest, ListsFailoversAmongTheMoves) {
    MoveResult result;
    result.id = MoveId{3};
    result.source = alder.id;
    result.target = birch.id;
    result.succeeded = result.failover = true;
    result.lost = 400ms;
    ownership().moves = {result};

    const auto ended = moves_of({records, states, now, started}, {}).ended;
    EXPECT_TRUE(ended.at(0).result.failover);
    EXPECT_EQ(ended.at(0).result.lost, 400ms);
}

}  // namespace
}  // namespace flocker::api
