// SPDX-License-Identifier: Apache-2.0
//
// The Docker adapter against an engine of its own.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <array>
#include <fstream>

#include "adapters/docker/docker_image_catalog.hpp"
#include "tests/contract/docker_engine_test.hpp"

namespace flocker::contract {

INSTANTIATE_TYPED_TEST_SUITE_P(Docker, ContainerEngineContract, DockerHarness);

namespace {

const auto* const engine_of_all = ::testing::AddGlobalTestEnvironment(new EngineOfAll);

TEST_F(DockerEngine, GivesTheContainerItsEnvironmentCommandNameAndLimits) {
    model::ContainerSpec spec = busybox_spec("talker",
                                             "echo $GREETING $DB_PORT_5432_TCP; hostname; cat "
                                             "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max "
                                             "2>/dev/null; cat /sys/fs/cgroup/cpu/cpu.shares 2>/dev/null");
    spec.application.environment = {{"GREETING", "hello 'there'"}};
    spec.application.links = {{5432, 15432, "db"}};
    spec.application.mem_limit = Bytes{64U << 20U};
    spec.application.cpu_shares = 512;

    EXPECT_EQ(output(spec), "hello 'there' tcp://10.0.0.1:15432\ntalker\n67108864\n512\n");
}

TEST_F(DockerEngine, MountsTheVolumeAndWhatIsMountedThereLater) {
    const fs::path source = dockerd->folder() + "/volumes/one";
    fs::create_directories(source);
    std::ofstream(source / "early") << "early\n";
    model::ContainerSpec spec =
        busybox_spec("mounted", "cat /data/early; touch /tmp/read; until test -e /data/late; do usleep 10000; done; "
                                "cat /data/late");
    spec.application.volume = model::Volume{model::DatasetId("d"), "/data", {}, {}};
    spec.application.gate = false;
    spec.volume_source = source;
    run(spec);
    done(model::RunHook{spec.application.name, {"sh", "-c", "until test -e /tmp/read; do usleep 1000; done"}});

    ASSERT_EQ(::mount("flkt", source.c_str(), "tmpfs", 0, nullptr), 0);
    std::ofstream(source / "late") << "late\n";
    std::string text;
    EXPECT_TRUE(streams_.logs(spec.application.name, 1000, true, text_sink(text)));

    EXPECT_EQ(text, "early\nlate\n");
    done(model::StopContainer{spec.application.name});
    EXPECT_EQ(::umount(source.c_str()), 0) << "a process of the container is left";
}

TEST_F(DockerEngine, MakesItsNetworkAndHastensAddressResolution) {
    done(model::CreateContainer{server()});

    const auto network = api_.call({.path = "/networks/flocker"});
    ASSERT_TRUE(network);
    EXPECT_NE(network->body.find(subnet), std::string::npos) << network->body;
    std::string retry_ms;
    std::ifstream("/proc/sys/net/ipv4/neigh/flocker0/retrans_time_ms") >> retry_ms;
    EXPECT_EQ(retry_ms, "20");
}

TEST_F(DockerEngine, MakesItsNetworkAnewWhenSomebodyRemovedIt) {
    const model::ContainerSpec spec = server();
    done(model::CreateContainer{spec});
    ASSERT_TRUE(api_.call({.method = "DELETE", .path = "/networks/flocker"}));

    EXPECT_EQ(done(model::StartContainer{spec.application.name}).address, spec.address);
}

TEST_F(DockerEngine, ReplacesItsNetworkWhenTheSubnetHasChangedButNeverAStrangers) {
    done(model::CreateContainer{server("before")});
    docker::DockerEngine moved(harness_.workers(), harness_.loop(),
                               options(dockerd->socket_path(), "10.202.0.0/24"));
    const auto create_in_moved = [&](model::ContainerSpec spec) {
        spec.address = "10.202.0.9";
        std::optional<Result<Seen>> outcome;
        moved.perform(model::CreateContainer{spec}, [&](Result<Seen> seen) { outcome = std::move(seen); });
        EXPECT_TRUE(harness_.run_until([&] { return outcome.has_value(); }));
        return outcome.value();
    };
    EXPECT_TRUE(create_in_moved(server("after")));
    ASSERT_TRUE(api_.call({.method = "DELETE", .path = "/networks/flocker"}));

    ASSERT_TRUE(
        api_.call({.method = "POST", .path = "/networks/create", .body = R"({"Name":"flocker","Driver":"bridge"})"}));
    harness_.destroy_engine();
    harness_.make_engine();
    EXPECT_EQ(failure(model::CreateContainer{server("stranger")}), ErrorCode::conflict);
    ASSERT_TRUE(api_.call({.method = "DELETE", .path = "/networks/flocker"}));
}

TEST_F(DockerEngine, RefusesAVolumeWithoutASource) {
    model::ContainerSpec spec = server();
    spec.application.volume = model::Volume{model::DatasetId("d"), "/data", {}, {}};
    EXPECT_EQ(failure(model::CreateContainer{spec}), ErrorCode::invalid_argument);
}

TEST_F(DockerEngine, RefusesANetworkOfAnotherSubnetThatIsInUse) {
    running_server();
    docker::DockerEngine other(harness_.workers(), harness_.loop(),
                               options(dockerd->socket_path(), "10.202.0.0/24"));
    std::optional<Result<Seen>> outcome;
    other.perform(model::CreateContainer{server("other")}, [&](Result<Seen> seen) { outcome = std::move(seen); });
    ASSERT_TRUE(harness_.run_until([&] { return outcome.has_value(); }));
    ASSERT_FALSE(*outcome);
    EXPECT_EQ(outcome->error().code, ErrorCode::conflict);
}

TEST_F(DockerEngine, StopsWithTheSignalAndReportsTheCode) {
    model::ContainerSpec spec = server("seven");
    spec.application.command = {{"sh", "-c", "trap 'exit 7' TERM; httpd -p 80; sleep 1000 & wait $!"}};
    run(spec);
    ASSERT_TRUE(done(model::AwaitReady{spec.application}).ready);
    done(model::StopContainer{spec.application.name});
    EXPECT_EQ(exit_code(spec.application.name), 7);
}

TEST_F(DockerEngine, KillsWhatOutlastsItsGracePeriod) {
    const model::ApplicationName name("deaf");
    create_stranger("flocker--deaf", our_label("deaf") + R"(,"Cmd":["sleep","1000"],"StopTimeout":1)");
    done(model::StartContainer{name});

    const auto before = Clock::now();
    const model::ContainerSeen stopped = done(model::StopContainer{name});

    EXPECT_GE(Clock::now() - before, 1s);
    EXPECT_EQ(stopped.status, Phase::exited);
    EXPECT_EQ(exit_code(name), 137);
}

TEST_F(DockerEngine, NeverTouchesAStrangersContainer) {
    create_stranger("flocker--taken", R"("Cmd":["sleep","1000"])");
    create_stranger("flkt-copy", our_label("copy") + R"(,"Cmd":["sleep","1000"])");
    const model::ContainerSpec spec = server("taken");

    EXPECT_EQ(failure(model::CreateContainer{spec}), ErrorCode::conflict);
    EXPECT_EQ(failure(model::StartContainer{spec.application.name}), ErrorCode::conflict);
    EXPECT_EQ(failure(model::StopContainer{spec.application.name}), ErrorCode::conflict);
    EXPECT_EQ(failure(model::RemoveContainer{spec.application.name}), ErrorCode::conflict);
    EXPECT_TRUE(observe().containers.empty());

    remove_stranger("flocker--taken");
    remove_stranger("flkt-copy");
}

TEST_F(DockerEngine, SaysThatAnAddressIsAnotherContainers) {
    const model::ContainerSpec first = running_server("first");
    model::ContainerSpec second = server("second");
    second.address = first.address;
    done(model::CreateContainer{second});

    const auto outcome = perform(model::StartContainer{second.application.name});

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::conflict);
    EXPECT_NE(outcome.error().message.find(first.address), std::string::npos) << outcome.error();
}

TEST_F(DockerEngine, SaysWhyAContainerCanNotBeStarted) {
    for (const bool gate : {true, false}) {
        model::ContainerSpec spec = server("broken");
        spec.application.command = {{"no-such-program"}};
        spec.application.gate = gate;
        done(model::CreateContainer{spec});

        const auto outcome = perform(model::StartContainer{spec.application.name});

        ASSERT_FALSE(outcome) << gate << ": status " << static_cast<int>(outcome->value().status);
        EXPECT_EQ(outcome.error().code, ErrorCode::unavailable);
        EXPECT_NE(outcome.error().message.find("no-such-program"), std::string::npos) << outcome.error();
        EXPECT_TRUE(perform(model::RemoveContainer{spec.application.name}));
    }
}

TEST_F(DockerEngine, IsReadyWhenItsHealthCheckPassesAndNotBefore) {
    model::ContainerSpec spec = busybox_spec("checked", "sleep 0.5; touch /tmp/well; " + wait_for_term);
    spec.application.image = checked_busybox;
    const model::ContainerSeen started = run(spec);

    const model::ContainerSeen ready = done(model::AwaitReady{spec.application});

    EXPECT_TRUE(ready.ready);
    const Duration took = harness_.loop().now() - started.started;
    EXPECT_GE(took, 500ms);
    EXPECT_LT(took, 20s) << "waited for the engine's own check, every 30 s";
}

TEST_F(DockerEngine, GivesTheLastWordsOfAContainerThatEndsBeforeItIsReady) {
    const model::ContainerSpec spec = harness_.failing_spec("failing");
    run(spec);
    const auto outcome = perform(model::AwaitReady{spec.application});
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().message, "failing ended with exit code 3 before it was ready: first | last words");
}

TEST_F(DockerEngine, EndsWhatIsUnderWayWhenItIsDestroyed) {
    model::ContainerSpec spec = busybox_spec("never-ready", wait_for_term);
    spec.application.ports = {{80, 8080}};
    run(spec);
    std::optional<Result<Seen>> outcome;
    harness_.engine().perform(model::AwaitReady{spec.application},
                              [&](Result<Seen> seen) { outcome = std::move(seen); });

    harness_.destroy_engine();
    EXPECT_TRUE(harness_.loop().run_until([&] { return outcome.has_value(); }, 10s));

    EXPECT_EQ(outcome.value().error().code, ErrorCode::unavailable);
    harness_.make_engine();
}

TEST_F(DockerEngine, SaysThatTheEngineIsAway) {
    const std::string path = dockerd->folder() + "/nobody.sock";
    docker::DockerEngine away(harness_.workers(), harness_.loop(), options(path, subnet));
    std::optional<Result<ports::EngineSeen>> outcome;
    away.observe([&](Result<ports::EngineSeen> seen) { outcome = std::move(seen); });
    ASSERT_TRUE(harness_.run_until([&] { return outcome.has_value(); }));
    EXPECT_EQ(outcome->error(),
              (Error{ErrorCode::unavailable, "docker at " + path + " does not answer: cannot connect to " + path +
                                                 ": no such file or directory; is it running?"}));
}

TEST_F(DockerEngine, WatchesOnAfterTheEngineWasRestarted) {
    const auto changes = std::make_shared<int>(0);
    harness_.engine().watch([changes] { ++*changes; });
    const model::ContainerSpec spec = running_server();
    dockerd->stop();
    ASSERT_TRUE(dockerd->start());
    ASSERT_EQ(observe().containers.at(0).status, Phase::exited);

    // That it is connected again says so once by itself; the others come from what happens.
    for (int times = 0; times < 2; ++times) {
        int before = *changes;
        done(model::StartContainer{spec.application.name});
        EXPECT_TRUE(harness_.run_until([&] { return *changes > before; }));
        done(model::ReleaseContainer{spec.application.name});
        done(model::AwaitReady{spec.application});
        before = *changes;
        done(model::StopContainer{spec.application.name});
        EXPECT_TRUE(harness_.run_until([&] { return *changes > before; }));
    }
}

class DockerStreams : public DockerEngine {};

TEST_F(DockerStreams, BringAnImageBackAsItWas) {
    const std::string archive = dockerd->folder() + "/exported.tar";
    {
        std::ofstream file(archive, std::ios::binary);
        ASSERT_TRUE(streams_.export_image(busybox, [&](std::span<const std::byte> bytes) -> Status {
            file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
            return {};
        }));
    }
    ASSERT_TRUE(api_.call({.method = "DELETE", .path = "/images/" + std::string(busybox)}));
    ASSERT_FALSE(streams_.has_image(busybox).value());

    const Status imported = streams_.import_image(file_source(archive));

    ASSERT_TRUE(imported) << imported.error();
    EXPECT_TRUE(streams_.has_image(busybox).value());
    EXPECT_TRUE(observe().images.contains(busybox));
    running_server();
}

TEST_F(DockerStreams, RefuseWhatIsNoImage) {
    const std::string path = dockerd->folder() + "/garbage";
    std::ofstream(path) << "this is no archive";
    const Status imported = streams_.import_image(file_source(path));
    ASSERT_FALSE(imported);
    EXPECT_EQ(imported.error().code, ErrorCode::corrupt);
}

TEST_F(DockerStreams, ExportingWhatIsNotThereIsNotFoundAndASinkThatFailsEndsIt) {
    std::string text;
    EXPECT_EQ(streams_.export_image("flkt-no-such-image:1", text_sink(text)).error().code, ErrorCode::not_found);
    const Status ended = streams_.export_image(
        busybox, [](std::span<const std::byte>) -> Status { return fail(ErrorCode::denied, "enough"); });
    EXPECT_EQ(ended.error().code, ErrorCode::denied);
}

TEST_F(DockerStreams, GiveTheLastLinesOfBothOutputs) {
    const model::ContainerSpec spec = busybox_spec("talker", "echo one; echo two >&2; usleep 100000; echo three");
    run(spec);
    std::string all;
    ASSERT_TRUE(streams_.logs(spec.application.name, 1000, true, text_sink(all)));
    std::string last;
    ASSERT_TRUE(streams_.logs(spec.application.name, 1, false, text_sink(last)));

    EXPECT_TRUE(all == "one\ntwo\nthree\n" || all == "two\none\nthree\n") << all;
    EXPECT_EQ(last, "three\n");
}

TEST_F(DockerStreams, GiveTheOutputOfATerminalAsItIs) {
    create_stranger("flocker--terminal", our_label("terminal") + R"(,"Tty":true,"Cmd":["echo","plain"])");
    done(model::StartContainer{model::ApplicationName("terminal")});
    std::string text;
    ASSERT_TRUE(streams_.logs(model::ApplicationName("terminal"), 1000, true, text_sink(text)));
    EXPECT_EQ(text, "plain\r\n");
}

TEST_F(DockerEngine, CatalogIsUnavailableWithTheReasonWhenThereIsNoRegistry) {
    docker::DockerImageCatalog catalog(harness_.workers(), dockerd->socket_path());
    std::optional<Status> outcome;
    catalog.find("127.0.0.1:1/nothing:1", [&](Status status) { outcome = std::move(status); });
    ASSERT_TRUE(harness_.run_until([&] { return outcome.has_value(); }));
    ASSERT_FALSE(*outcome);
    EXPECT_EQ(outcome->error().code, ErrorCode::unavailable);
    EXPECT_NE(outcome->error().message.find("connection refused"), std::string::npos) << outcome->error();
}

}  // namespace
}  // namespace flocker::contract
