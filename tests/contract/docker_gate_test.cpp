// SPDX-License-Identifier: Apache-2.0
//
// The gate in front of a container's command: shut until the release, and not noticed afterwards.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>

#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <iterator>

#include "adapters/posix/fd.hpp"
#include "tests/contract/docker_engine_test.hpp"

namespace flocker::contract {
namespace {

namespace json = boost::json;

class Gate : public DockerEngine {
protected:
    ~Gate() override {
        for (const std::string& source : mounted_) ::umount2(source.c_str(), MNT_DETACH);
    }

    static fs::path fifo_of(const model::ApplicationName& application) {
        return fs::path(dockerd->folder()) / "gate" / application.value / "release";
    }
    /// Waits until somebody waits there.
    posix::Fd writer_of(const model::ApplicationName& application) {
        posix::Fd writer;
        const auto deadline = Clock::now() + 10s;
        while (!writer && Clock::now() < deadline && api_.rest(1ms))
            writer = posix::Fd(::open(fifo_of(application).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
        EXPECT_TRUE(writer) << "nobody waits";
        return writer;
    }
    /// Writes into the FIFO as an agent would that has no idea what it does, and goes away.
    void knock(const model::ApplicationName& application, const std::string& message) {
        const posix::Fd writer = writer_of(application);
        EXPECT_EQ(::write(writer.get(), message.data(), message.size()), static_cast<ssize_t>(message.size()));
    }
    Phase phase_of(const model::ApplicationName& application) {
        for (const auto& container : observe().containers) {
            if (container.application == application) return container.status;
        }
        ADD_FAILURE() << "no container " << application.value;
        return Phase::created;
    }
    json::object inspect(const model::ApplicationName& application) {
        const auto answer = api_.call({.path = "/containers/" + model::names::container(application) + "/json"});
        EXPECT_TRUE(answer) << answer.error();
        return answer ? json::parse(answer->body).as_object() : json::object{};
    }
    int pid_of(const model::ApplicationName& application) {
        return static_cast<int>(inspect(application).at("State").at("Pid").as_int64());
    }
    void post(const model::ApplicationName& application, const std::string& what) {
        const auto answer = api_.call(
            {.method = "POST", .path = "/containers/" + model::names::container(application) + what, .idle_limit = 60s});
        EXPECT_TRUE(answer) << answer.error();
    }
    /// All that it has said until it ends.
    std::string words_of(const model::ApplicationName& application) {
        std::string text;
        EXPECT_TRUE(streams_.logs(application, 1000, true, text_sink(text)));
        return text;
    }
    model::ContainerSpec with_volume(model::ContainerSpec spec) {
        const std::string source = dockerd->folder() + "/volumes/" + spec.application.name.value;
        fs::create_directories(source);
        spec.application.volume = model::Volume{model::DatasetId("d"), "/data", {}, {}};
        spec.volume_source = source;
        return spec;
    }
    void mount_volume(const model::ContainerSpec& spec) {
        ASSERT_EQ(::mount("flkt", spec.volume_source.c_str(), "tmpfs", 0, nullptr), 0);
        ASSERT_EQ(::chmod(spec.volume_source.c_str(), 0777), 0);
        mounted_.push_back(spec.volume_source);
    }
    model::ContainerSpec waiting(model::ContainerSpec spec) {
        done(model::CreateContainer{spec});
        EXPECT_EQ(done(model::StartContainer{spec.application.name}).status, Phase::waiting);
        return spec;
    }

    std::vector<std::string> mounted_;
};

TEST_F(Gate, StaysShutWhoeverComesAndGoes) {
    const model::ContainerSpec spec = waiting(busybox_spec("shut", "echo it runs"));
    const model::ApplicationName& name = spec.application.name;

    knock(name, "");
    knock(name, "open");
    knock(name, "pid:[4026531836]");
    knock(name, std::string(4000, 'x'));
    static_cast<void>(writer_of(name));

    EXPECT_EQ(phase_of(name), Phase::waiting);
    EXPECT_EQ(fs::read_symlink("/proc/" + std::to_string(pid_of(name)) + "/exe"), "/.flocker/gate");
    std::string said;
    EXPECT_TRUE(streams_.logs(name, 1000, false, text_sink(said)));
    EXPECT_EQ(said, "");
    done(model::ReleaseContainer{name});
    EXPECT_EQ(words_of(name), "it runs\n");
}

TEST_F(Gate, IsShutAgainAfterEachStartByWhomever) {
    const model::ContainerSpec spec = waiting(busybox_spec("restarted", "echo started; " + wait_for_term));
    const model::ApplicationName& name = spec.application.name;
    done(model::ReleaseContainer{name});

    post(name, "/restart?t=5");
    EXPECT_EQ(done(model::StartContainer{name}).status, Phase::waiting);
    post(name, "/stop?t=5");
    post(name, "/start");
    EXPECT_EQ(done(model::StartContainer{name}).status, Phase::waiting);
    dockerd->stop();
    ASSERT_TRUE(dockerd->start());
    post(name, "/start");
    EXPECT_EQ(done(model::StartContainer{name}).status, Phase::waiting);

    EXPECT_EQ(done(model::ReleaseContainer{name}).status, Phase::running);
    done(model::StopContainer{name});
    EXPECT_EQ(words_of(name), "started\nstarted\n");
}

TEST_F(Gate, KnowsAnotherAgentsContainersForWhatTheyAre) {
    const model::ContainerSpec waits = waiting(busybox_spec("waits", wait_for_term));
    const model::ContainerSpec runs = running_server("runs");
    harness_.destroy_engine();
    harness_.make_engine();

    EXPECT_EQ(phase_of(waits.application.name), Phase::waiting);
    EXPECT_EQ(phase_of(runs.application.name), Phase::running);
    EXPECT_EQ(done(model::ReleaseContainer{waits.application.name}).status, Phase::running);
}

TEST_F(Gate, DoesNotDependOnWhatWasInstalled) {
    const std::string installed = dockerd->folder() + "/installed-gate";
    fs::copy_file(gate_program(), installed, fs::copy_options::overwrite_existing);
    docker::Options upgraded = options(dockerd->socket_path(), subnet);
    upgraded.gate_program = installed;
    std::ofstream(installed, std::ios::app) << "another version";
    const model::ContainerSpec spec = waiting(busybox_spec("old", wait_for_term));

    docker::DockerEngine other(harness_.workers(), harness_.loop(), upgraded);
    std::optional<Result<Seen>> outcome;
    other.perform(model::CreateContainer{spec}, [&](Result<Seen> seen) { outcome = std::move(seen); });
    ASSERT_TRUE(harness_.run_until([&] { return outcome.has_value(); }));
    ASSERT_TRUE(*outcome) << outcome->error();
    fs::remove(installed);

    EXPECT_EQ(phase_of(spec.application.name), Phase::waiting) << "its program was replaced under it";
    EXPECT_EQ(done(model::ReleaseContainer{spec.application.name}).status, Phase::running);
    done(model::StopContainer{spec.application.name});
    EXPECT_EQ(done(model::StartContainer{spec.application.name}).status, Phase::waiting);
}

TEST_F(Gate, SaysThatItsProgramIsMissing) {
    docker::Options without = options(dockerd->socket_path(), subnet);
    without.gate_program = "/nowhere/flocker-gate";
    docker::DockerEngine engine(harness_.workers(), harness_.loop(), without);
    std::optional<Result<Seen>> outcome;
    engine.perform(model::CreateContainer{server()}, [&](Result<Seen> seen) { outcome = std::move(seen); });
    ASSERT_TRUE(harness_.run_until([&] { return outcome.has_value(); }));
    ASSERT_FALSE(*outcome);
    EXPECT_EQ(outcome->error().code, ErrorCode::unavailable);
    EXPECT_NE(outcome->error().message.find("install flocker-gate beside flockerd"), std::string::npos) << outcome->error();
}

TEST_F(Gate, RefusesACommandThatTheImageDoesNotHave) {
    const auto refusal = [&](const std::string& command) {
        model::ContainerSpec spec = busybox_spec("refused", "");
        spec.application.command = {{command}};
        done(model::CreateContainer{spec});
        const auto outcome = perform(model::StartContainer{spec.application.name});
        EXPECT_TRUE(perform(model::RemoveContainer{spec.application.name}));
        return outcome ? "it started" : outcome.error().message;
    };
    const std::string begin = "refused can't be started: it ended with exit code ";
    EXPECT_EQ(refusal("nosuch"), begin + "127: flocker-gate: its command nosuch is not in the image");
    EXPECT_EQ(refusal("/bin/nosuch"), begin + "127: flocker-gate: its command /bin/nosuch is not in the image");
    EXPECT_EQ(refusal("./bin/sh/x"), begin + "127: flocker-gate: its command ./bin/sh/x is not in the image");
    EXPECT_EQ(refusal("/bin"), begin + "126: flocker-gate: its command /bin can't be run: it is a folder");
    EXPECT_EQ(refusal("/etc/hostname"), begin + "126: flocker-gate: its command /etc/hostname can't be run: permission denied");
}

TEST_F(Gate, OpensOnlyWhenTheVolumeIsMountedAtItsSource) {
    const model::ContainerSpec spec = waiting(with_volume(busybox_spec("unmounted", "echo it runs")));

    const auto outcome = perform(model::ReleaseContainer{spec.application.name});

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(),
              (Error{ErrorCode::conflict, "unmounted is not released: nothing is mounted at " + spec.volume_source}));
    EXPECT_EQ(phase_of(spec.application.name), Phase::waiting);
    mount_volume(spec);
    done(model::ReleaseContainer{spec.application.name});
    EXPECT_EQ(words_of(spec.application.name), "it runs\n");
}

TEST_F(Gate, OpensOnlyWhenTheContainerSeesTheVolume) {
    const model::ContainerSpec spec = waiting(with_volume(busybox_spec("blind", "echo it runs")));
    fs::rename(spec.volume_source, spec.volume_source + "-before");
    fs::create_directories(spec.volume_source);
    mount_volume(spec);

    const auto outcome = perform(model::ReleaseContainer{spec.application.name});

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), (Error{ErrorCode::conflict, "blind is not released: what it sees at /data is not the "
                                                           "volume that is mounted at " +
                                                               spec.volume_source}));
    EXPECT_EQ(phase_of(spec.application.name), Phase::waiting);
}

TEST_F(Gate, OpensForTheVolumeThatIsMountedNow) {
    const model::ContainerSpec spec = waiting(with_volume(busybox_spec("remounted", "cat /data/which")));
    mount_volume(spec);
    std::ofstream(spec.volume_source + "/which") << "first\n";
    ASSERT_EQ(::umount(spec.volume_source.c_str()), 0) << "what waits keeps it busy";
    mount_volume(spec);
    std::ofstream(spec.volume_source + "/which") << "second\n";

    done(model::ReleaseContainer{spec.application.name});

    EXPECT_EQ(words_of(spec.application.name), "second\n");
}

TEST_F(Gate, PutsTheCommandIntoItsWorkingDirectoryOnTheVolume) {
    model::ContainerSpec spec = with_volume(busybox_spec("inside", ""));
    spec.application.image = configured_busybox;
    spec.application.command = {{"pwd; cat here; echo written >there"}};
    waiting(spec);
    mount_volume(spec);
    std::ofstream(spec.volume_source + "/here") << "on the volume\n";

    done(model::ReleaseContainer{spec.application.name});

    EXPECT_EQ(words_of(spec.application.name), "/data\non the volume\n");
    EXPECT_TRUE(fs::exists(spec.volume_source + "/there"));
}

TEST_F(Gate, FindsACommandThatComesWithTheVolume) {
    for (const bool there : {true, false}) {
        model::ContainerSpec spec = with_volume(busybox_spec("carried", ""));
        spec.application.command = {{"/data/bin/run", "now"}};
        waiting(spec);
        mount_volume(spec);
        if (there) {
            fs::create_directories(spec.volume_source + "/bin");
            std::ofstream(spec.volume_source + "/bin/run") << "#!/bin/sh\necho $0 $1\n";
            ASSERT_EQ(::chmod((spec.volume_source + "/bin/run").c_str(), 0755), 0);
        }

        const auto outcome = perform(model::ReleaseContainer{spec.application.name});

        EXPECT_EQ(outcome.has_value(), there);
        if (there) {
            EXPECT_EQ(words_of(spec.application.name), "/data/bin/run now\n");
        } else {
            EXPECT_EQ(outcome.error(),
                      (Error{ErrorCode::unavailable, "carried ended with exit code 127: flocker-gate: its command "
                                                     "/data/bin/run is not in the image"}));
        }
        EXPECT_TRUE(perform(model::RemoveContainer{spec.application.name}));
        ASSERT_EQ(::umount(spec.volume_source.c_str()), 0);
    }
}

TEST_F(Gate, TellsOfACommandThatCanNotBeExecuted) {
    model::ContainerSpec spec = with_volume(busybox_spec("garbage", ""));
    spec.application.command = {{"/data/run"}};
    waiting(spec);
    mount_volume(spec);
    std::ofstream(spec.volume_source + "/run") << "this is no program";
    ASSERT_EQ(::chmod((spec.volume_source + "/run").c_str(), 0755), 0);

    const auto outcome = perform(model::ReleaseContainer{spec.application.name});

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error(), (Error{ErrorCode::unavailable, "garbage ended with exit code 126: flocker-gate: its command "
                                                              "/data/run can't be run: exec format error"}));
}

TEST_F(Gate, EndsAtOnceOnEverySignalThatWouldEndACommand) {
    const model::ContainerSpec spec = busybox_spec("signalled", "echo never");
    const model::ApplicationName& name = spec.application.name;
    done(model::CreateContainer{spec});
    for (const auto& [signal, number] : {std::pair<std::string, int>{"TERM", 15},
                                         {"INT", 2},
                                         {"HUP", 1},
                                         {"QUIT", 3},
                                         {"USR1", 10},
                                         {"PIPE", 13},
                                         {"ALRM", 14},
                                         {"37", 37}}) {
        ASSERT_EQ(done(model::StartContainer{name}).status, Phase::waiting);
        for (const char* harmless : {"CHLD", "WINCH", "CONT", "URG"}) post(name, std::string("/kill?signal=") + harmless);
        knock(name, "");
        ASSERT_EQ(phase_of(name), Phase::waiting);
        post(name, "/kill?signal=" + signal);
        EXPECT_EQ(exit_code(name), 128 + number) << signal;
    }
}

/// A container made by hand, to have what the manifest does not offer.
class Disguise : public Gate {
protected:
    /// What a command can see of itself and its surroundings.
    static constexpr const char* look_around =
        R"(exec 2>&1; echo "$0|$1|$2"; id; pwd; umask; env | sort; ls /proc/$$/fd; tty; cat /proc/$$/comm; )"
        R"(tr '\0' '|' </proc/$$/cmdline; )"
        R"(grep -E '^(Name|Umask|PPid|Uid|Gid|Groups|Sig[PBIC]|Shd|Cap|NoNewPrivs|Seccomp)' /proc/$$/status; )"
        R"(cat /proc/$$/limits /proc/$$/oom_score_adj /proc/$$/personality /proc/$$/attr/current 2>/dev/null; )"
        R"(set -- $(cut -d' ' -f5-7 /proc/$$/stat); test $1 = $$ && echo leads its group; test $2 = 1 && echo session $3; )"
        R"(echo sticks >/tmp/x; cat /tmp/x; exit 7)";

    /// What it says, and its exit code, with a gate or without.
    std::string tell(bool gate, json::object config, json::object host) {
        const model::ApplicationName name("disguised");
        json::object labels{{"io.flocker.application", name.value}, {"io.flocker.fingerprint", "f"}};
        json::array entrypoint{"sh", "-c"};
        if (gate) {
            entrypoint.insert(entrypoint.begin(), "/.flocker/gate");
            labels["io.flocker.gate"] = "1";
            const fs::path folder = fifo_of(name).parent_path();
            fs::create_directories(folder);
            host["Mounts"] = json::array{
                {{"Type", "bind"}, {"Source", folder.c_str()}, {"Target", "/.flocker"}, {"ReadOnly", true}}};
        }
        config["Image"] = busybox;
        config["Hostname"] = name.value;
        config["Entrypoint"] = entrypoint;
        config["Cmd"] = {look_around, "a b", "c"};
        config["Labels"] = labels;
        config["HostConfig"] = host;
        const auto created = api_.call(
            {.method = "POST", .path = "/containers/create?name=flocker--disguised", .body = json::serialize(config)});
        EXPECT_TRUE(created) << created.error();
        const model::ContainerSeen started = done(model::StartContainer{name});
        if (gate) {
            EXPECT_EQ(started.status, Phase::waiting);
            // It ends at once, with a code of its own.
            const auto released = perform(model::ReleaseContainer{name});
            EXPECT_TRUE(released || released.error().message.find("exit code 7") != std::string::npos) << released.error();
        }
        const int code = exit_code(name);
        std::string said = words_of(name) + "exit " + std::to_string(code);
        EXPECT_TRUE(perform(model::RemoveContainer{name}));
        return said;
    }
    void expect_the_same(const json::object& config, const json::object& host) {
        const std::string without = tell(false, config, host);
        EXPECT_NE(without.find("exit 7"), std::string::npos) << without;
        EXPECT_EQ(tell(true, config, host), without);
    }
};

TEST_F(Disguise, HoldsForAPlainContainer) { expect_the_same({}, {}); }
TEST_F(Disguise, HoldsForAnotherUser) {
    expect_the_same({{"User", "1000:1001"}, {"WorkingDir", "/tmp"}}, {{"GroupAdd", json::array{"1002"}}});
}
TEST_F(Disguise, HoldsInADirectoryThatTheUserMayNotEnter) {
    expect_the_same({{"User", "1000"}, {"WorkingDir", "/closed/deep"}}, {{"Tmpfs", {{"/closed", "mode=0700"}}}});
}
TEST_F(Disguise, HoldsForATerminal) { expect_the_same({{"Tty", true}, {"OpenStdin", true}}, {}); }
TEST_F(Disguise, HoldsWithTheEnginesInit) { expect_the_same({}, {{"Init", true}}); }
TEST_F(Disguise, HoldsWithARootThatIsReadOnly) {
    expect_the_same({}, {{"ReadonlyRootfs", true}, {"Tmpfs", {{"/tmp", ""}}}});
}
TEST_F(Disguise, HoldsWithoutPrivilegesAndWithLimits) {
    expect_the_same({{"User", "1000"}}, {{"CapDrop", json::array{"ALL"}},
                                         {"SecurityOpt", json::array{"no-new-privileges"}},
                                         {"Ulimits", json::array{{{"Name", "nofile"}, {"Soft", 100}, {"Hard", 200}}}},
                                         {"OomScoreAdj", 300}});
}

TEST_F(Disguise, HoldsForWhoAsksTheEngine) {
    const auto described = [&](bool gate) {
        model::ContainerSpec spec = busybox_spec("described", "");
        spec.address = "10.201.0.9";
        spec.application.image = configured_busybox;
        spec.application.command.reset();
        spec.application.gate = gate;
        run(spec);
        json::object container = inspect(spec.application.name);
        done(model::StopContainer{spec.application.name, true});
        EXPECT_TRUE(perform(model::RemoveContainer{spec.application.name}));
        return container;
    };
    json::object with = described(true).at("Config").as_object();
    json::object without = described(false).at("Config").as_object();

    EXPECT_EQ(json::serialize(with.at("Entrypoint")), R"(["/.flocker/gate","sh","-c"])");
    EXPECT_EQ(json::serialize(without.at("Entrypoint")), R"(["sh","-c"])");
    for (json::object* config : {&with, &without}) {
        config->erase("Entrypoint");
        config->erase("Labels");
    }
    EXPECT_EQ(json::serialize(with), json::serialize(without));
    EXPECT_EQ(with.at("WorkingDir"), "/data");
    EXPECT_EQ(with.at("Cmd").as_array().size(), 2U);
}

TEST_F(Gate, LeavesTheEnginesOwnHealthCheckAsItIs) {
    model::ContainerSpec spec = busybox_spec("healthy", "");
    spec.application.image = configured_busybox;
    spec.application.command.reset();
    run(spec);
    const std::string filters = R"({"event":["health_status"]})";
    const auto heard = api_.call({.path = "/events?since=0&filters=" + http::percent_encode(filters),
                                  .sink = [](std::span<const std::byte>) -> Status { return fail(ErrorCode::denied, "heard"); },
                                  .idle_limit = 60s});
    EXPECT_EQ(heard.error(), (Error{ErrorCode::denied, "heard"}));
    EXPECT_EQ(inspect(spec.application.name).at("State").at("Health").at("Status"), "healthy");
    done(model::StopContainer{spec.application.name, true});
}

TEST_F(Gate, KeepsSignalsIgnoredThatWereIgnored) {
    const model::ApplicationName name("ignoring");
    const fs::path folder = fifo_of(name).parent_path();
    fs::create_directories(folder);
    create_stranger("flocker--ignoring",
                    R"("Entrypoint":["sh","-c","trap '' USR1; exec /.flocker/gate grep SigIgn /proc/self/status"],)"
                    R"("Labels":{"io.flocker.application":"ignoring","io.flocker.gate":"1"},"HostConfig":{"Mounts":)"
                    R"([{"Type":"bind","Source":")" +
                        folder.string() + R"(","Target":"/.flocker","ReadOnly":true}]})");
    done(model::StartContainer{name});
    post(name, "/kill?signal=USR1");
    knock(name, "");
    EXPECT_EQ(phase_of(name), Phase::waiting);
    done(model::ReleaseContainer{name});
    EXPECT_EQ(words_of(name), "SigIgn:\t0000000000000200\n");
}

TEST_F(Gate, WorksInAnImageWithNothingButAProgram) {
    model::ContainerSpec spec = busybox_spec("bare", "");
    spec.application.image = bare_image;
    spec.application.command = {{"/busybox", "echo", "alone"}};
    waiting(spec);
    done(model::ReleaseContainer{spec.application.name});
    EXPECT_EQ(words_of(spec.application.name), "alone\n");
}

}  // namespace
}  // namespace flocker::contract
