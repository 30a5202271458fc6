// SPDX-License-Identifier: Apache-2.0
#include "manifest/manifest.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "manifest/dataset_id.hpp"
#include "manifest/limits.hpp"

namespace flocker::manifest {
namespace {

using model::ApplicationName;
using model::DatacenterName;
using model::DatasetId;
using model::NodeReference;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr const char* no_nodes = "version: 1\nnodes: {}\n";

std::string joined(const std::vector<Diagnostic>& problems) {
    std::string text;
    for (const auto& problem : problems) text += to_text(problem) + "\n";
    return text;
}

Manifests accepted(const std::string& deployment, const std::string& application) {
    auto outcome = parse({"deployment.yml", deployment}, {"application.yml", application});
    if (const auto* problems = std::get_if<1>(&outcome)) {
        ADD_FAILURE() << joined(*problems);
        return {};
    }
    return std::get<0>(std::move(outcome));
}

std::vector<Diagnostic> refused(const std::string& deployment, const std::string& application) {
    auto outcome = parse({"deployment.yml", deployment}, {"application.yml", application});
    EXPECT_EQ(outcome.index(), 1u) << "accepted";
    return outcome.index() == 1 ? std::get<1>(std::move(outcome)) : std::vector<Diagnostic>{};
}

model::Application only_application(const std::string& fields) {
    const auto manifests = accepted(no_nodes, "version: 1\napplications:\n  web:\n    image: nginx\n" + fields);
    return manifests.deployment.applications.empty() ? model::Application{} : manifests.deployment.applications.front();
}

TEST(Manifest, ReadsTheExampleThatEveryFlockerAccepts) {
    const auto manifests = accepted("version: 1\nnodes:\n  172.16.255.250: [mongodb-example]\n",
                                    "version: 1\n"
                                    "applications:\n"
                                    "  mongodb-example:\n"
                                    "    image: clusterhq/mongodb\n"
                                    "    ports: [{internal: 27017, external: 27017}]\n"
                                    "    volume: {mountpoint: /data/db}\n");

    model::Application mongodb;
    mongodb.name = ApplicationName{"mongodb-example"};
    mongodb.image = "clusterhq/mongodb:latest";
    mongodb.ports = {{27017, 27017}};
    mongodb.volume = model::Volume{DatasetId{"4a4cbb08-1bb6-f209-50cf-88b3b8d2a53a"}, "/data/db", {}, {}};
    const model::Deployment expected{{mongodb},
                                     {{NodeReference{"172.16.255.250"}, {ApplicationName{"mongodb-example"}}}}};
    EXPECT_EQ(manifests.deployment, expected);
}

TEST(Manifest, ReadsEveryField) {
    const auto application = only_application(
        "    ports: [{internal: 80, external: 8080}]\n"
        "    links: [{local_port: 5432, remote_port: 15432, alias: my-db}]\n"
        "    volume:\n"
        "      mountpoint: /srv//www/\n"
        "      maximum_size: 1.5g\n"
        "      dataset_id: 4A4CBB08-1BB6-F209-50CF-88B3B8D2A53A\n"
        "      replicas: 2\n"
        "      lag: 2s\n"
        "      spread: anywhere\n"
        "      bandwidth: 10MB/s; 22:00-06:00 unlimited\n"
        "    environment: {A: \"1\", B: two, C: \"\"}\n"
        "    restart_policy: {name: on-failure, maximum_retry_count: 3}\n"
        "    mem_limit: 104857600\n"
        "    cpu_shares: 512\n"
        "    command: [nginx, -g, daemon off;]\n"
        "    gate: false\n"
        "    hooks: {before_move: [sh, -c, sync]}\n"
        "    cutover: freeze\n"
        "    failover: automatic\n");

    EXPECT_EQ(application.image, "nginx:latest");
    EXPECT_THAT(application.ports, ElementsAre(model::Port{80, 8080}));
    EXPECT_EQ(application.links, (std::vector<model::Link>{{5432, 15432, "my-db"}}));
    EXPECT_EQ(application.volume, (model::Volume{DatasetId{"4a4cbb08-1bb6-f209-50cf-88b3b8d2a53a"}, "/srv/www",
                                                 Bytes{3ULL << 29}, 2, 2s, model::Spread::anywhere,
                                                 model::Bandwidth{Bytes{10'000'000}, {{1320, 360, {}}}}}));
    EXPECT_THAT(application.environment, ElementsAre(Pair("A", "1"), Pair("B", "two"), Pair("C", "")));
    EXPECT_EQ(application.restart_policy, (model::RestartPolicy{model::RestartPolicy::Name::on_failure, 3}));
    EXPECT_EQ(application.mem_limit, Bytes{104857600});
    EXPECT_EQ(application.cpu_shares, 512u);
    EXPECT_EQ(application.command, (std::vector<std::string>{"nginx", "-g", "daemon off;"}));
    EXPECT_FALSE(application.gate);
    EXPECT_EQ(application.before_move, (std::vector<std::string>{"sh", "-c", "sync"}));
    EXPECT_EQ(application.cutover, model::Cutover::freeze);
    EXPECT_EQ(application.failover, model::Failover::automatic);
}

TEST(Manifest, LeavesWhatIsNotWrittenAtItsDefault) {
    model::Application expected;
    expected.name = ApplicationName{"web"};
    expected.image = "nginx:latest";

    EXPECT_EQ(only_application(""), expected);
}

TEST(Manifest, SplitsACommandThatIsOneText) {
    EXPECT_EQ(only_application("    command: redis-server --save '' --dir \"/my data\"\n").command,
              (std::vector<std::string>{"redis-server", "--save", "", "--dir", "/my data"}));
}

TEST(Manifest, TellsNoHookFromOneThatIsLeftOut) {
    using Hook = std::optional<std::vector<std::string>>;
    EXPECT_EQ(only_application("    hooks: {before_move: []}\n").before_move, Hook(std::in_place));
    EXPECT_EQ(only_application("    hooks: {}\n").before_move, Hook());
    EXPECT_EQ(only_application("    hooks: {before_move: psql -c 'CHECKPOINT'}\n").before_move,
              Hook({"psql", "-c", "CHECKPOINT"}));
}

TEST(Manifest, StopsCleanlyBehindAGateUnlessToldOtherwise) {
    const auto written = only_application("    gate: true\n    cutover: stop\n");
    EXPECT_TRUE(written.gate);
    EXPECT_EQ(written.cutover, model::Cutover::stop);
    EXPECT_EQ(written, only_application(""));
}

TEST(Manifest, LeavesReplicasLagAndFailoverToTheClusterUnlessTheyAreWritten) {
    const auto silent = only_application("    volume: {mountpoint: /d}\n");
    EXPECT_EQ(silent.volume->replicas, std::nullopt);
    EXPECT_EQ(silent.volume->lag, std::nullopt);
    EXPECT_EQ(silent.volume->spread, model::Spread::datacenter);
    EXPECT_EQ(silent.volume->bandwidth, std::nullopt);
    EXPECT_EQ(silent.failover, std::nullopt);

    const auto written = only_application(
        "    volume: {mountpoint: /d, replicas: 0, lag: \"1h\", spread: datacenter}\n    failover: manual\n");
    EXPECT_EQ(written.volume->replicas, 0u);
    EXPECT_EQ(written.volume->lag, Duration(60min));
    EXPECT_EQ(written.failover, model::Failover::manual);
}

TEST(Manifest, ReadsPortsOfEitherProtocolInTheShortFormToo) {
    EXPECT_EQ(only_application("    ports: [\"53:1053\", 53:1053/udp, {internal: 80, external: 80, protocol: udp}]\n").ports,
              (std::vector<model::Port>{{80, 80, model::Protocol::udp},
                                        {1053, 53, model::Protocol::tcp},
                                        {1053, 53, model::Protocol::udp}}));
}

TEST(Manifest, DoesNotDependOnTheOrderOfPortsAndLinks) {
    EXPECT_EQ(only_application("    ports: [{internal: 80, external: 8080}, {internal: 443, external: 8443}]\n"
                               "    links: [{local_port: 1, remote_port: 1, alias: a}, {local_port: 2, remote_port: 2, "
                               "alias: b}]\n"),
              only_application("    links: [{local_port: 2, remote_port: 2, alias: b}, {local_port: 1, remote_port: 1, "
                               "alias: a}]\n"
                               "    ports: [{internal: 443, external: 8443}, {internal: 80, external: 8080}]\n"));
}

TEST(Manifest, TakesADataCenterInEachOfItsThreeForms) {
    const auto manifests = accepted(
        "version: 1\n"
        "nodes:\n"
        "  \"datacenter: fra\": [a]\n"
        "  datacenter:ams: [b]\n"
        "  {datacenter: lon}: []\n",
        "version: 1\napplications: {a: {image: x}, b: {image: x}}\n");

    EXPECT_THAT(manifests.deployment.places, ElementsAre(Pair(DatacenterName{"ams"}, ElementsAre(ApplicationName{"b"})),
                                                         Pair(DatacenterName{"fra"}, ElementsAre(ApplicationName{"a"})),
                                                         Pair(DatacenterName{"lon"}, ElementsAre())));
}

TEST(Manifest, TakesANodeByNameHostnameAndAddress) {
    const auto manifests = accepted("version: 1\nnodes: {alder: [], birch.example.com: [], 10.0.0.3: []}\n",
                                    "version: 1\napplications: {}\n");

    EXPECT_THAT(manifests.deployment.places,
                ElementsAre(Pair(NodeReference{"10.0.0.3"}, ElementsAre()), Pair(NodeReference{"alder"}, ElementsAre()),
                            Pair(NodeReference{"birch.example.com"}, ElementsAre())));
}

TEST(Manifest, KeepsApplicationsThatNoPlaceLists) {
    const auto manifests =
        accepted("version: 1\nnodes: {alder: [b]}\n", "version: 1\napplications: {b: {image: x}, a: {image: x}}\n");

    ASSERT_EQ(manifests.deployment.applications.size(), 2u);
    EXPECT_EQ(manifests.deployment.applications[0].name.value, "b");
    EXPECT_EQ(manifests.deployment.applications[1].name.value, "a");
}

TEST(Manifest, SaysWhereThingsStand) {
    const auto positions = accepted("version: 1\nnodes:\n  alder: [web]\n  datacenter:fra: []\n",
                                    "version: 1\n"
                                    "applications:\n"
                                    "  web:\n"
                                    "    image: nginx\n"
                                    "    ports:\n"
                                    "      - {internal: 80, external: 8080}\n"
                                    "    volume: {mountpoint: /d}\n")
                               .positions;

    EXPECT_EQ(positions.places.at(NodeReference{"alder"}), (Location{"deployment.yml", 3, 3}));
    EXPECT_EQ(positions.places.at(DatacenterName{"fra"}), (Location{"deployment.yml", 4, 3}));
    EXPECT_EQ(positions.placements.at(ApplicationName{"web"}), (Location{"deployment.yml", 3, 11}));
    const auto& web = positions.applications.at(ApplicationName{"web"});
    EXPECT_EQ(web.name, (Location{"application.yml", 3, 3}));
    EXPECT_EQ(web.image, (Location{"application.yml", 4, 12}));
    EXPECT_EQ(web.volume, (Location{"application.yml", 7, 13}));
    EXPECT_EQ(web.external_ports.at(8080), (Location{"application.yml", 6, 34}));
    EXPECT_EQ(to_text(diagnostic_at(web.image, "no such image")), "application.yml:4:12: no such image");
}

TEST(Manifest, ReadsWindowsLineEndsAndAByteOrderMark) {
    const auto manifests = accepted("\xEF\xBB\xBFversion: 1\r\nnodes:\r\n  alder: [web]\r\n",
                                    "version: 1\r\napplications:\r\n  web:\r\n    image: nginx\r\n    environment:\r\n"
                                    "      TEXT: |\r\n        one\r\n        two\r\n");

    EXPECT_EQ(manifests.deployment.applications.at(0).environment.at("TEXT"), "one\ntwo\n");
    EXPECT_EQ(manifests.positions.places.at(NodeReference{"alder"}), (Location{"deployment.yml", 3, 3}));
}

TEST(Manifest, KeepsWhatYaml12ReadsAsText) {
    const auto environment = only_application(
                                 "    environment: {A: 22:30, B: 2026-11-22, C: 1.2.3, D: 10.0.0.1, E: y, "
                                 "F: 1e, G: 0x, H: \"null\", I: é}\n")
                                 .environment;

    EXPECT_EQ(environment.size(), 9u);
    EXPECT_EQ(environment.at("A"), "22:30");
    EXPECT_EQ(environment.at("H"), "null");
}

TEST(Manifest, TakesAThousandApplicationsAndNoMore) {
    const auto manifest_of = [](std::size_t count) {
        std::string text = "version: 1\napplications:\n";
        for (std::size_t i = 0; i < count; ++i) {
            text += fmt::format("  app{}: {{image: nginx, ports: [{{internal: 80, external: {}}}]}}\n", i, i + 1000);
        }
        return text;
    };

    EXPECT_EQ(accepted(no_nodes, manifest_of(limits::applications)).deployment.applications.size(),
              limits::applications);
    const auto problems = refused(no_nodes, manifest_of(limits::applications + 1));
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_THAT(problems[0].message, HasSubstr("1001 applications"));
}

TEST(Manifest, RefusesAVariableThatLinuxWouldNotTake) {
    const auto manifest_with = [](std::size_t size) {
        return "version: 1\napplications:\n  web:\n    image: nginx\n    environment: {A: " + std::string(size, 'x') +
               "}\n";
    };

    accepted(no_nodes, manifest_with(limits::argument_bytes - 2));
    EXPECT_THAT(joined(refused(no_nodes, manifest_with(limits::argument_bytes - 1))),
                HasSubstr("environment: A is longer than Linux takes"));
}

TEST(Manifest, StopsCountingProblemsAtSomePoint) {
    std::string application = "version: 1\napplications:\n";
    for (int i = 0; i < 900; ++i) application += fmt::format("  app{}: {{imag: a, port: b, link: c}}\n", i);

    const auto problems = refused(no_nodes, application);

    EXPECT_EQ(problems.size(), limits::problems_per_file + 1);
    EXPECT_TRUE(std::is_sorted(problems.begin(), problems.end()));
    EXPECT_THAT(joined(problems), HasSubstr("more than 1000 problems"));
}

TEST(DefaultDatasetId, IsTheOneOfTheFirstFlocker) {
    // python3: uuid.UUID(bytes=hashlib.md5(name).digest())
    EXPECT_EQ(default_dataset_id(ApplicationName{"mongodb-example"}).value, "4a4cbb08-1bb6-f209-50cf-88b3b8d2a53a");
    EXPECT_EQ(default_dataset_id(ApplicationName{"postgres"}).value, "e8a48653-851e-28c6-9d05-06508fb27fc5");
    EXPECT_EQ(default_dataset_id(ApplicationName{"web"}).value, "2567a5ec-9705-eb7a-c2c9-84033e06189d");
}

TEST(NamedReplicas, AreKeptInTheirOrderWithTheirPlaces) {
    const auto manifests = accepted(
        "version: 1\nnodes: {alder: [db, kv]}\nreplicas:\n  db: [birch, 10.0.0.3]\n  kv: []\n",
        "version: 1\napplications:\n  db: {image: a, volume: {mountpoint: /d}}\n  kv: {image: a, volume: {mountpoint: /d}}\n");
    const auto& replicas = manifests.deployment.replicas;
    EXPECT_THAT(replicas, ElementsAre(Pair(ApplicationName{"db"}, ElementsAre(NodeReference{"birch"}, NodeReference{"10.0.0.3"})),
                                      Pair(ApplicationName{"kv"}, ElementsAre())));
    EXPECT_EQ(manifests.positions.replicas.at({ApplicationName{"db"}, NodeReference{"10.0.0.3"}}),
              (Location{"deployment.yml", 4, 15}));
}

}  // namespace
}  // namespace flocker::manifest
