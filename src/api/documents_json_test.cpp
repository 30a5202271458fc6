// SPDX-License-Identifier: Apache-2.0
#include "api/documents_json.hpp"

#include <gmock/gmock.h>

namespace flocker::api {
namespace {

StatusDocument full() {
    StatusDocument status;
    status.version = "1";
    status.revision = model::Revision{7};
    status.now = {5};
    status.nodes.push_back({model::NodeId{"n"},
                            "alder",
                            "h",
                            "10.0.0.1",
                            "fra",
                            {{"a", "b"}},
                            true,
                            3s,
                            {1},
                            {2},
                            {"db"},
                            {{"alder", "db", {ErrorCode::unavailable, "x"}, 3, {9}}},
                            true});
    ApplicationEntry application;
    application.name = "db";
    application.state = ApplicationState::node_lost;
    application.ports = {{5432, 15432}};
    application.environment = {"PASSWORD"};
    application.volume = model::DatasetId{"d"};
    application.restart_policy = {model::RestartPolicy::Name::on_failure, 3};
    application.container = ContainerEntry{"c", model::ContainerSeen::Status::exited, false, "10.1.0.2", -1, {1}, {2}};
    application.move = MoveEntry{model::MoveId{3},
                                 model::MovePhase::trial,
                                 "alder",
                                 "birch",
                                 {1},
                                 {2},
                                 Instant{3},
                                 {4},
                                 {5},
                                 6,
                                 {7},
                                 {8},
                                 RoundEntry{{9}, 10ms, 11ms, true},
                                 {12},
                                 true,
                                 500ms,
                                 412ms};
    application.last_move =
        MoveResultEntry{model::MoveId{2}, "birch", "alder", {1}, {2}, true, "", 400ms, {3}, {4}, 5, 440ms,
                        {{"stop", 3ms}},  true,    400ms};
    application.avoided_node = "cedar";
    application.why = {{"x", "alder", Instant{8}}};
    application.failover = model::Failover::automatic;
    application.promoting = true;
    status.applications.push_back(application);
    VolumeEntry volume;
    volume.application = "db";
    volume.maximum_size = Bytes{5};
    volume.copies.push_back({"alder",
                             true,
                             true,
                             {1},
                             true,
                             true,
                             true,
                             false,
                             {{{model::Epoch{1}, 2}, {3}}},
                             true,
                             {{{model::Epoch{1}, 9}, {4}, {5}}}});
    volume.wished_replicas = 2;
    volume.wished_lag = 3s;
    volume.spread = model::Spread::anywhere;
    volume.promoting = true;
    volume.replicas = {{"birch", model::SnapshotId{model::Epoch{1}, 2}, 400ms, {5}, 300ms, "slow", {6}, {7}},
                       {"cedar", {}, {}, {}, {}, "", {}, {}}};
    status.volumes.push_back(volume);
    return status;
}

TEST(DocumentsJson, KeepWhatTheySayOnTheWay) {
    EXPECT_EQ(from_json<StatusDocument>(to_json(full())).value(), full());
}

TEST(DocumentsJson, SayWhatIsWrongAndWhere) {
    std::string text = to_json(full());
    text.replace(text.find("node_lost"), 9, "bewitched");

    EXPECT_EQ(from_json<StatusDocument>(text).error().message,
              "applications[0].state: must be one of running, starting, finished, exited, moving, waiting, node_lost, "
              "stopping");
}

TEST(DocumentsJson, KeepAPlansPredictions) {
    StepEntry step{
        StepKind::move, "db", "birch", "alder", {}, "", PredictionEntry{6ms, 1ms, 1ms, 1ms, 1ms, 2ms, 3, true}};
    const PlanDocument plan{{step, {}}, {}, true, model::Revision{4}};

    EXPECT_EQ(from_json<PlanDocument>(to_json(plan)).value(), plan);
}

TEST(DocumentsJson, TakeAnOlderServicesAnswer) {
    std::string text = to_json(full());
    const std::string later = R"(,"target_waits":true,"downtime_max_ns":500000000,"predicted_ns":412000000)";
    ASSERT_NE(text.find(later), std::string::npos);
    text.erase(text.find(later), later.size());

    EXPECT_FALSE(from_json<StatusDocument>(text).value().applications.at(0).move->target_waits);

    for (const char* added :
         {R"(,"draining":true)", R"(,"failover":true,"lost_ns":400000000)",
          R"(,"failover":"automatic","promoting":true)",
          R"(,"wished_replicas":2,"wished_lag_ns":3000000000,"spread":"anywhere","promoting":true)"}) {
        ASSERT_NE(text.find(added), std::string::npos) << added;
        text.erase(text.find(added), std::string_view(added).size());
    }
    EXPECT_TRUE(from_json<StatusDocument>(text));
}

TEST(DocumentsJson, KeepAFailoversCandidates) {
    FailoverDocument document{"db", "alder", "birch",           24s, model::SnapshotId{model::Epoch{1}, 2}, 400ms,
                              {5},  {},      model::Revision{4}};
    document.candidates = {{"birch", document.snapshot, Instant{3}, 400ms, ""}, {"cedar", {}, {}, {}, "is away"}};

    EXPECT_EQ(from_json<FailoverDocument>(to_json(document)).value(), document);
}

TEST(DocumentsJson, TakeFieldsThatTheyDoNotKnow) {
    EXPECT_EQ(from_json<VersionDocument>(R"({"version":"9","api":"v1","colour":"red"})").value().version, "9");
}

}  // namespace
}  // namespace flocker::api
