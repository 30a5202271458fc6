// SPDX-License-Identifier: Apache-2.0
#include "api/deployment_check.hpp"

#include <gmock/gmock.h>

#include <functional>

#include "api/testing.hpp"

namespace flocker::api {
namespace {

using namespace testing;

model::Deployment sound() {
    auto deployment = testing::deployment({{"alder", database("db", 5432)}, {"alder", application("web", 80)}});
    deployment.applications[1].image = "registry.example:5000/team/web:1.2_x";
    deployment.applications[1].links.push_back({5432, 5432, "db"});
    deployment.applications[1].command = {"serve", "--all"};
    deployment.applications[0].before_move = {"sh", "-c", "sync"};
    deployment.applications[1].before_move.emplace();
    deployment.applications[0].volume->replicas = 16;
    deployment.applications[0].volume->lag = 500ms;
    deployment.applications[0].failover = model::Failover::automatic;
    return deployment;
}

TEST(DeploymentCheck, TakesWhatTheReadersGive) {
    EXPECT_THAT(check(sound()), ::testing::IsEmpty());
}

TEST(DeploymentCheck, TakesNamedReplicas) {
    auto deployment = sound();
    deployment.applications[0].volume->replicas = 2;
    deployment.replicas[model::ApplicationName{"db"}] = {model::NodeReference{"birch"}, model::NodeReference{"10.0.0.3"}};
    EXPECT_THAT(check(deployment), ::testing::IsEmpty());
}

TEST(DeploymentCheck, RefusesWhatTheyWouldNotGive) {
    using D = model::Deployment;
    const std::vector<std::function<void(D&)>> breakages{
        [](D& d) {
            d = testing::deployment({{"alder", application("../db")}});
        },
        [](D& d) {
            d = testing::deployment({{"alder", application("")}});
        },
        [](D& d) {
            d = testing::deployment({{"alder", application(std::string(64, 'a'))}});
        },
        [](D& d) { d.applications.push_back(d.applications[0]); },
        [](D& d) { d.applications[0].image = "postgres"; },
        [](D& d) { d.applications[0].image = "post gres:1"; },
        [](D& d) { d.applications[0].image = "localhost:5000/postgres"; },
        [](D& d) {
            d.applications[0].ports = {{80, 8080}, {80, 8081}};
        },
        [](D& d) {
            d.applications[1].ports = {{80, 5432}};
        },
        [](D& d) {
            d.applications[0].ports = {{0, 5432}};
        },
        [](D& d) { d.applications[0].volume->dataset.value = "../../x"; },
        [](D& d) { d.applications[0].volume->mountpoint = "/data/../etc"; },
        [](D& d) { d.applications[0].volume->mountpoint = "data"; },
        [](D& d) { d.applications[0].volume->mountpoint = "/"; },
        [](D& d) { d.applications[0].volume->replicas = 17; },
        [](D& d) { d.applications[0].volume->lag = 499ms; },
        [](D& d) { d.applications[0].volume->lag = 60min + 1ms; },
        [](D& d) { d.applications[1].volume = d.applications[0].volume; },
        [](D& d) { d.applications[0].environment["A=B"] = "x"; },
        [](D& d) { d.applications[0].environment["A"] = std::string("x\0y", 3); },
        [](D& d) { d.applications[0].restart_policy.maximum_retry_count = 3; },
        [](D& d) { d.applications[1].command = std::vector<std::string>{}; },
        [](D& d) { d.applications[1].command = {std::string("x\0y", 3)}; },
        [](D& d) { d.applications[0].before_move = {std::string("x\0y", 3)}; },
        [](D& d) { d.applications[0].before_move = std::vector<std::string>(1001, "x"); },
        [](D& d) { d.applications[1].links[0].alias = "d b"; },
        [](D& d) { d.places[model::NodeReference{"birch"}] = {model::ApplicationName{"db"}}; },
        [](D& d) { d.places[model::NodeReference{"birch"}] = {model::ApplicationName{"none"}}; },
        [](D& d) { d.places[model::NodeReference{""}] = {}; },
        [](D& d) { d.replicas[model::ApplicationName{"none"}] = {}; },
        [](D& d) { d.replicas[model::ApplicationName{"web"}] = {model::NodeReference{"birch"}}; },
        [](D& d) { d.replicas[model::ApplicationName{"db"}] = {model::NodeReference{"birch"}}; },
        [](D& d) {
            d.applications[0].volume->replicas.reset();
            d.replicas[model::ApplicationName{"db"}] = {2, model::NodeReference{"birch"}};
        },
        [](D& d) {
            d.applications[0].volume->replicas.reset();
            d.replicas[model::ApplicationName{"db"}] = {model::NodeReference{""}};
        },
    };
    for (std::size_t i = 0; i < breakages.size(); ++i) {
        D deployment = sound();
        breakages[i](deployment);
        EXPECT_FALSE(check(deployment).empty()) << "breakage " << i;
    }
}

TEST(DeploymentCheck, SaysAllProblemsAtOnce) {
    auto deployment = sound();
    deployment.applications[0].image = "x";
    deployment.applications[1].image = "y";

    EXPECT_EQ(check(deployment).size(), 2U);
}

}  // namespace
}  // namespace flocker::api
