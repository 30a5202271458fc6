// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/messages.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "base/time.hpp"

namespace flocker::docker {
namespace {

model::ContainerSpec spec() {
    model::ContainerSpec made;
    made.application.name.value = "db";
    made.application.image = "redis:7";
    made.application.links = {{6379, 16379, "cache-one"}};
    made.application.environment = {{"A", "1 = \"x\""}};
    made.links_host = "10.0.0.2";
    made.address = "10.201.0.7";
    return made;
}

std::string container(const std::string& state, const std::string& config, const std::string& endpoint) {
    return R"({"Id":"abc","Name":"/flocker--db","State":{)" + state +
           R"(},"Config":{"Labels":{"io.flocker.application":"db",)" + R"("io.flocker.fingerprint":"f00"})" + config +
           R"(},"NetworkSettings":{"Networks":{"flocker":{)" + endpoint + "}}}}";
}

TEST(ContainerBody, SaysAllThatTheSpecificationSays) {
    model::ContainerSpec full = spec();
    full.application.mem_limit = Bytes{64U << 20U};
    full.application.cpu_shares = 512;
    full.application.command = {"redis-server", "--port 1"};
    full.application.volume = model::Volume{model::DatasetId("d"), "/data", {}, {}};
    full.volume_source = "/var/lib/flocker/volumes/d";

    const auto body = boost::json::parse(container_body(full, {})).as_object();

    EXPECT_EQ(body.at("Image"), "redis:7");
    EXPECT_EQ(body.at("Hostname"), "db");
    EXPECT_EQ(boost::json::serialize(body.at("Cmd")), R"(["redis-server","--port 1"])");
    EXPECT_EQ(
        boost::json::serialize(body.at("Env")),
        R"(["A=1 = \"x\"","CACHE_ONE_PORT_6379_TCP=tcp://10.0.0.2:16379","CACHE_ONE_PORT_6379_TCP_ADDR=10.0.0.2",)"
        R"("CACHE_ONE_PORT_6379_TCP_PORT=16379","CACHE_ONE_PORT_6379_TCP_PROTO=tcp"])");
    EXPECT_EQ(body.at("Labels").at("io.flocker.fingerprint"), boost::json::string(model::fingerprint(full)));
    EXPECT_EQ(boost::json::serialize(body.at("HostConfig")),
              R"({"NetworkMode":"flocker","RestartPolicy":{"Name":"no"},)"
              R"("LogConfig":{"Type":"json-file","Config":{"max-size":"50m",)"
              R"("max-file":"3"}},"Memory":67108864,"CpuShares":512,)"
              R"("Mounts":[{"Type":"bind","Source":"/var/lib/flocker/volumes/d",)"
              R"("Target":"/data","BindOptions":{"Propagation":"rslave"}}]})");
    EXPECT_EQ(boost::json::serialize(body.at("NetworkingConfig")),
              R"({"EndpointsConfig":{"flocker":{"IPAMConfig":{"IPv4Address":"10.201.0.7"}}}})");
}

TEST(ContainerBody, LeavesTheCommandToTheImageUnlessOneIsGiven) {
    const auto body = boost::json::parse(container_body(spec(), {})).as_object();
    EXPECT_FALSE(body.contains("Cmd"));
    EXPECT_FALSE(body.at("HostConfig").as_object().contains("Mounts"));
}

TEST(ContainerBody, PutsTheGateBeforeTheImagesCommand) {
    const Gate gate{"/state/gate/db", {{"entry.sh", "-x"}, {"redis-server"}}};
    const auto body = boost::json::parse(container_body(spec(), gate)).as_object();

    EXPECT_EQ(boost::json::serialize(body.at("Entrypoint")), R"(["/.flocker/gate","entry.sh","-x"])");
    EXPECT_EQ(boost::json::serialize(body.at("Cmd")), R"(["redis-server"])");
    EXPECT_EQ(body.at("Labels").at("io.flocker.gate"), "/.flocker/gate");
    EXPECT_EQ(boost::json::serialize(body.at("HostConfig").at("Mounts")),
              R"([{"Type":"bind","Source":"/state/gate/db","Target":"/.flocker","ReadOnly":true,)"
              R"("BindOptions":{"Propagation":"rprivate"}}])");
}

TEST(ContainerBody, PutsTheGateBeforeACommandOfItsOwn) {
    model::ContainerSpec own = spec();
    own.application.command = {{"sleep", "5"}};
    const auto body = boost::json::parse(container_body(own, Gate{"/g", {{"entry.sh"}, {"redis-server"}}})).as_object();
    EXPECT_EQ(boost::json::serialize(body.at("Entrypoint")), R"(["/.flocker/gate","entry.sh"])");
    EXPECT_EQ(boost::json::serialize(body.at("Cmd")), R"(["sleep","5"])");

    own.application.command = std::vector<std::string>{};
    const auto empty = boost::json::parse(container_body(own, Gate{"/g", {{}, {"redis-server"}}})).as_object();
    EXPECT_EQ(boost::json::serialize(empty.at("Entrypoint")), R"(["/.flocker/gate"])");
    EXPECT_EQ(boost::json::serialize(empty.at("Cmd")), R"(["redis-server"])");
}

TEST(ContainerBody, LeavesItToTheEngineToRefuseAnImageWithoutACommand) {
    const auto body = boost::json::parse(container_body(spec(), Gate{"/g", {}})).as_object();
    EXPECT_FALSE(body.contains("Entrypoint"));
}

TEST(ParseImageCommand, TakesWhatThereIs) {
    EXPECT_EQ(parse_image_command(R"({"Config":{"Entrypoint":["a","b"],"Cmd":["c"]}})").value(),
              (ImageCommand{{"a", "b"}, {"c"}}));
    EXPECT_EQ(parse_image_command(R"({"Config":{"Entrypoint":null,"Cmd":null}})").value(), ImageCommand{});
    EXPECT_EQ(parse_image_command(R"({"Config":null})").value(), ImageCommand{});
    EXPECT_FALSE(parse_image_command("oops"));
}

TEST(ParseContainer, TellsTheVolumeFromTheGate) {
    const auto parsed = [](const std::string& label, const std::string& mounts) {
        return parse_container(R"({"Id":"abc","State":{"Paused":true},"Config":{"Labels":{)" + label +
                               R"(}},"HostConfig":{"Mounts":)" + mounts + "}}")
            .value();
    };
    const Inspected gated = parsed(R"("io.flocker.gate":"/.flocker/gate")",
                                   R"([{"Type":"bind","Source":"/g/db","Target":"/.flocker"},)"
                                   R"({"Type":"bind","Source":"/volumes/d","Target":"/data"}])");
    EXPECT_TRUE(gated.gated);
    EXPECT_TRUE(gated.paused);
    EXPECT_EQ(gated.volume, (VolumeBind{"/volumes/d", "/data"}));
    const Inspected plain = parsed("", R"([{"Type":"bind","Source":"/g/db","Target":"/.flocker"}])");
    EXPECT_FALSE(plain.gated);
    EXPECT_EQ(plain.volume, std::nullopt);
    EXPECT_EQ(parsed("", "null").volume, std::nullopt);
}

TEST(NetworkBody, AsksForOurBridge) {
    EXPECT_EQ(
        network_body("10.201.0.0/24"),
        R"({"Name":"flocker","CheckDuplicate":true,"Driver":"bridge","IPAM":{"Driver":"default","Config":[{"Subnet":)"
        R"("10.201.0.0/24"}]},"Options":{"com.docker.network.bridge.name":"flocker0",)"
        R"("com.docker.network.bridge.enable_ip_masquerade":"true"},"Labels":{"io.flocker.network":"flocker"}})");
}

TEST(ParseNetwork, SeesWhetherItIsAsWeMakeIt) {
    const auto parsed = [](const std::string& labels) {
        return parse_network(R"({"Driver":"bridge","IPAM":{"Config":[{"Subnet":"10.201.0.0/24"}]},)"
                             R"("Options":{"com.docker.network.bridge.name":"flocker0"},"Labels":{)" +
                             labels + "}}")
            .value();
    };
    EXPECT_EQ(parsed(R"("io.flocker.network":"flocker")"), (NetworkSeen{"bridge", "10.201.0.0/24", "flocker0", true}));
    EXPECT_FALSE(parsed("").ours);
}

TEST(ParseContainer, ReadsARunningOne) {
    const auto seen =
        parse_container(container(R"("Status":"running","Running":true,"Pid":42,)"
                                  R"("StartedAt":"2026-11-22T10:05:45.05Z","FinishedAt":"0001-01-01T00:00:00Z")",
                                  R"(,"Tty":false,"StopSignal":"SIGINT","StopTimeout":3)",
                                  R"("IPAddress":"10.201.0.7","IPAMConfig":{"IPv4Address":"10.201.0.9"})"));

    ASSERT_TRUE(seen) << seen.error();
    EXPECT_TRUE(seen->is_ours());
    EXPECT_TRUE(seen->running);
    EXPECT_EQ(seen->pid, 42);
    EXPECT_EQ(seen->stop_signal, "SIGINT");
    EXPECT_EQ(seen->grace, Duration(3s));
    model::ContainerSeen expected;
    expected.application.value = "db";
    expected.container = "abc";
    expected.fingerprint = "f00";
    expected.status = model::ContainerSeen::Status::running;
    expected.address = "10.201.0.7";
    expected.started = seen->seen.started;
    EXPECT_EQ(seen->seen, expected);
    EXPECT_EQ(to_utc_text(seen->seen.started), "2026-11-22T10:05:45.050Z");
}

TEST(ParseContainer, ReadsOneThatEnded) {
    const auto seen =
        parse_container(container(R"("Status":"exited","Running":false,"Pid":0,"ExitCode":137,)"
                                  R"("StartedAt":"2026-11-22T10:05:45Z","FinishedAt":"2026-11-22T10:05:46.123456789Z")",
                                  "", R"("IPAddress":"","IPAMConfig":{"IPv4Address":"10.201.0.9"})"));

    ASSERT_TRUE(seen) << seen.error();
    EXPECT_EQ(seen->seen.status, model::ContainerSeen::Status::exited);
    EXPECT_EQ(seen->seen.exit_code, 137);
    EXPECT_EQ(seen->seen.address, "10.201.0.9");
    EXPECT_EQ(seen->seen.finished - seen->seen.started, Duration(1123456789));
    EXPECT_EQ(seen->stop_signal, "SIGTERM");
    EXPECT_EQ(seen->grace, Duration(10s));
}

TEST(ParseContainer, DoesNotTakeAnotherNameWithOurLabelForOurs) {
    std::string text = container(R"("Status":"running")", "", "");
    text.replace(text.find("/flocker--db"), 12, "/someone");
    EXPECT_FALSE(parse_container(text).value().is_ours());
}

TEST(ParseContainer, KnowsTheHealthCheckAsExecTakesIt) {
    const auto health = [](const std::string& config) {
        return parse_container(container("", config, "")).value().health;
    };

    EXPECT_EQ(health(R"(,"Healthcheck":{"Test":["CMD","pg_isready","-q"],"Timeout":2000000000})"),
              (HealthCheck{{"pg_isready", "-q"}, 2s}));
    EXPECT_EQ(health(R"(,"Healthcheck":{"Test":["CMD-SHELL","a || b"]})"),
              (HealthCheck{{"/bin/sh", "-c", "a || b"}, 30s}));
    EXPECT_EQ(health(R"(,"Shell":["/bin/bash","-c"],"Healthcheck":{"Test":["CMD-SHELL","a"]})"),
              (HealthCheck{{"/bin/bash", "-c", "a"}, 30s}));
    EXPECT_EQ(health(R"(,"Healthcheck":{"Test":["NONE"]})"), std::nullopt);
    EXPECT_EQ(health(""), std::nullopt);
}

TEST(ParseContainer, TakesNoStopTimeoutForTheUsualAndANegativeOneForALongGrace) {
    EXPECT_EQ(parse_container(container("", R"(,"StopTimeout":null)", "")).value().grace, Duration(10s));
    EXPECT_EQ(parse_container(container("", R"(,"StopTimeout":0)", "")).value().grace, Duration(0s));
    EXPECT_EQ(parse_container(container("", R"(,"StopTimeout":-1)", "")).value().grace, Duration(60min));
}

TEST(ParseContainer, FailsOnWhatIsNotJson) {
    EXPECT_FALSE(parse_container("<html>"));
}

TEST(ParseContainerList, HoldsOnlyThoseWithOurNameAndLabel) {
    const auto ids =
        parse_container_list(R"([{"Id":"1","Names":["/flocker--db"],"Labels":{"io.flocker.application":"db"}},)"
                             R"({"Id":"2","Names":["/copy"],"Labels":{"io.flocker.application":"db"}},)"
                             R"({"Id":"3","Names":["/flocker--x"],"Labels":{}}])");
    EXPECT_EQ(ids.value(), std::vector<std::string>{"1"});
}

TEST(ParseImageList, LeavesOutThoseWithoutAName) {
    const auto images =
        parse_image_list(R"([{"RepoTags":["redis:7","redis:7.0"]},{"RepoTags":["<none>:<none>"]},{"RepoTags":null}])");
    EXPECT_EQ(images.value(), (std::set<std::string>{"redis:7", "redis:7.0"}));
}

TEST(ParsePublished, NamesTheContainerOfEachPortOnce) {
    const auto published = parse_published(
        R"([{"Names":["/web"],"Ports":[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},)"
        R"({"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},{"PrivatePort":443,"Type":"tcp"},)"
        R"({"PrivatePort":53,"PublicPort":53,"Type":"udp"},{"PrivatePort":9,"PublicPort":9,"Type":"sctp"}]},)"
        R"({"Names":["/flocker--db"],"Ports":[]},{"Names":["/odd"],"Ports":null}])");
    EXPECT_EQ(published.value(), (std::vector<model::TakenPort>{{53, model::Protocol::udp, "container web"},
                                                                {8080, model::Protocol::tcp, "container web"}}));
    EXPECT_FALSE(parse_published("{}"));
}

TEST(ParseExecCode, IsUnknownWhileItRuns) {
    EXPECT_EQ(parse_exec_code(R"({"Running":true,"ExitCode":null})").value(), std::nullopt);
    EXPECT_EQ(parse_exec_code(R"({"Running":false,"ExitCode":7})").value(), 7);
}

TEST(ProgressError, IsFoundAmongTheProgress) {
    EXPECT_EQ(
        progress_error("{\"status\":\"Pulling\"}\r\n{\"errorDetail\":{\"message\":\"no\"},\"error\":\"no room\"}\r\n"),
        "no room");
    EXPECT_EQ(progress_error("{\"stream\":\"Loaded image: x\"}\n"), "");
    EXPECT_EQ(progress_error(""), "");
}

TEST(MessageOf, IsTheReasonOrTheTextItself) {
    EXPECT_EQ(message_of("{\"message\":\"No such image: x\"}\n"), "No such image: x");
    EXPECT_EQ(message_of("plain\n"), "plain");
    EXPECT_EQ(message_of(""), "docker gives no reason");
}

TEST(ImageInPath, KeepsSlashes) {
    EXPECT_EQ(image_in_path("host:5000/a/b:1"), "host%3A5000/a/b%3A1");
}

}  // namespace
}  // namespace flocker::docker
