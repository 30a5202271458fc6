// SPDX-License-Identifier: Apache-2.0
//
// Containers that end, as the kernel knows it and before the engine does; and commands run beside theirs.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <fstream>
#include <sstream>

#include "adapters/docker/first_process.hpp"
#include "adapters/posix/files.hpp"
#include "tests/contract/docker_engine_test.hpp"

namespace flocker::contract {
namespace {

std::string read_text(const std::string& path) {
    return posix::read_file(path, std::size_t{1} << 20U).value_or("");
}

/// While it lives, the engine hears nothing from this container: the process between them stands still.
class Unnoticed {
public:
    explicit Unnoticed(int first_process) {
        std::istringstream fields(read_text("/proc/" + std::to_string(first_process) + "/stat"));
        std::string skipped;
        fields >> skipped >> skipped >> skipped >> shim_;
        EXPECT_GT(shim_, 1);
        EXPECT_NE(read_text("/proc/" + std::to_string(shim_) + "/comm").find("containerd-shim"), std::string::npos);
        ::kill(shim_, SIGSTOP);
    }
    ~Unnoticed() { end(); }
    Unnoticed(const Unnoticed&) = delete;
    Unnoticed& operator=(const Unnoticed&) = delete;
    void end() {
        if (shim_ > 1) ::kill(shim_, SIGCONT);
        shim_ = 0;
    }

private:
    pid_t shim_{0};
};

class Stopping : public DockerEngine {
protected:
    boost::json::value state_of(const model::ApplicationName& application) {
        const auto answer = api_.call({.path = "/containers/" + model::names::container(application) + "/json"});
        EXPECT_TRUE(answer) << answer.error();
        return boost::json::parse(answer->body).at("State");
    }
    int pid_of(const model::ApplicationName& application) {
        return static_cast<int>(state_of(application).at("Pid").as_int64());
    }
    /// Starts an action and gives back whether it has ended.
    std::shared_ptr<std::optional<Result<Seen>>> begin(const model::ContainerAction& action) {
        auto outcome = std::make_shared<std::optional<Result<Seen>>>();
        harness_.engine().perform(action, [outcome](Result<Seen> seen) { *outcome = std::move(seen); });
        return outcome;
    }
};

TEST_F(Stopping, IsDoneBeforeTheEngineKnows) {
    const model::ContainerSpec spec = running_server();
    const model::ApplicationName& name = spec.application.name;
    const int pid = pid_of(name);
    Unnoticed unnoticed(pid);

    const model::ContainerSeen stopped = done(model::StopContainer{name});

    EXPECT_EQ(stopped.status, Phase::exited);
    EXPECT_TRUE(state_of(name).at("Running").as_bool()) << "the engine must not know for this test to mean something";
    EXPECT_EQ(observe().containers, std::vector{stopped});
    EXPECT_EQ(done(model::StopContainer{name}), stopped);
    unnoticed.end();
    EXPECT_EQ(exit_code(name), 0);
}

TEST_F(Stopping, TellsBeforehandOfWhoWillHaveToBeKilled) {
    model::ContainerSpec deaf = busybox_spec("deaf", "httpd -p 80; sleep 1000 & wait $!");
    deaf.application.ports = {{80, 8080}};
    const auto starts = [&](const model::ContainerSpec& spec) {
        done(model::CreateContainer{spec});
        done(model::StartContainer{spec.application.name});
        done(model::ReleaseContainer{spec.application.name});
        return done(model::AwaitReady{spec.application});
    };
    EXPECT_EQ(starts(deaf).killed_after, Duration(10s));
    EXPECT_EQ(starts(server("heeding")).killed_after, std::nullopt);
}

TEST_F(Stopping, LeavesNoMountOfTheVolumeBehind) {
    const std::string source = dockerd->folder() + "/volumes/left";
    std::filesystem::create_directories(source);
    model::ContainerSpec spec = server("left");
    spec.application.volume = model::Volume{model::DatasetId("d"), "/data", {}, {}};
    spec.volume_source = source;
    done(model::CreateContainer{spec});
    done(model::StartContainer{spec.application.name});
    ASSERT_EQ(::mount("flkt-left", source.c_str(), "tmpfs", 0, nullptr), 0);
    done(model::ReleaseContainer{spec.application.name});
    done(model::AwaitReady{spec.application});
    Unnoticed unnoticed(pid_of(spec.application.name));

    done(model::StopContainer{spec.application.name});

    EXPECT_EQ(::umount(source.c_str()), 0) << std::strerror(errno);
    for (const auto& process : std::filesystem::directory_iterator("/proc")) {
        EXPECT_EQ(read_text(process.path() / "mountinfo").find("flkt-left"), std::string::npos) << process.path();
    }
}

TEST_F(Stopping, WhatComesNextAwaitsTheEngine) {
    model::ContainerSpec spec = running_server();
    const model::ApplicationName name = spec.application.name;
    const auto after_a_stop = [&](const model::ContainerAction& action) {
        Unnoticed unnoticed(pid_of(name));
        done(model::StopContainer{name});
        const auto outcome = begin(action);
        EXPECT_FALSE(harness_.loop().run_until([&] { return outcome->has_value(); }, 300ms)) << "it did not wait";
        unnoticed.end();
        EXPECT_TRUE(harness_.run_until([&] { return outcome->has_value(); }));
        return outcome->value();
    };

    const auto started = after_a_stop(model::StartContainer{name});
    ASSERT_TRUE(started) << started.error();
    EXPECT_EQ(started->value().status, Phase::waiting);
    const auto created = after_a_stop(model::CreateContainer{spec});
    ASSERT_TRUE(created) << created.error();
    EXPECT_EQ(created->value().status, Phase::created);
    done(model::StartContainer{name});
    const auto removed = after_a_stop(model::RemoveContainer{name});
    ASSERT_TRUE(removed) << removed.error();
    EXPECT_EQ(*removed, std::nullopt);
}

TEST_F(Stopping, AtOnceSparesTheGracePeriod) {
    const model::ContainerSpec spec = busybox_spec("deaf", "trap '' TERM; while :; do sleep 1000; done");
    run(spec);
    const auto before = Clock::now();
    EXPECT_EQ(done(model::StopContainer{spec.application.name, true}).status, Phase::exited);
    EXPECT_LT(Clock::now() - before, 8s) << "the grace period is ten";
    EXPECT_EQ(exit_code(spec.application.name), 137);
}

TEST_F(Stopping, EndsAContainerThatSomebodyHasPaused) {
    const model::ContainerSpec spec = running_server();
    ASSERT_TRUE(api_.call({.method = "POST", .path = "/containers/flocker--server/pause"}));
    EXPECT_EQ(done(model::StopContainer{spec.application.name}).status, Phase::exited);
}

TEST_F(Stopping, WhatEndsByItselfIsReportedWithItsCode) {
    const model::ContainerSpec spec = busybox_spec("ending", "mkfifo /tmp/pipe; read line </tmp/pipe; exit 5");
    const model::ContainerSeen running = run(spec);
    done(model::RunHook{spec.application.name, {"sh", "-c", "until test -p /tmp/pipe; do usleep 1000; done"}});
    const int pid = pid_of(spec.application.name);
    const auto process = docker::FirstProcess::find(pid, running.container);
    ASSERT_TRUE(process);
    Unnoticed unnoticed(pid);
    std::ofstream("/proc/" + std::to_string(pid) + "/root/tmp/pipe") << "go\n";
    ASSERT_TRUE(process->ends_within(10s));

    std::optional<Result<ports::EngineSeen>> seen;
    harness_.engine().observe([&](Result<ports::EngineSeen> observed) { seen = std::move(observed); });

    EXPECT_FALSE(harness_.loop().run_until([&] { return seen.has_value(); }, 300ms)) << "nobody knows the code yet";
    unnoticed.end();
    ASSERT_TRUE(harness_.run_until([&] { return seen.has_value(); }));
    EXPECT_EQ(seen->value().containers.at(0).status, Phase::exited);
    EXPECT_EQ(seen->value().containers.at(0).exit_code, 5);
}

TEST_F(Stopping, AProcessIsOnlyItsOwnContainers) {
    const model::ContainerSpec spec = running_server();
    const std::string id = observe().containers.at(0).container;
    const int pid = pid_of(spec.application.name);
    EXPECT_TRUE(docker::FirstProcess::find(pid, id));
    EXPECT_FALSE(docker::FirstProcess::find(pid, std::string(64, 'a')));
    EXPECT_FALSE(docker::FirstProcess::find(::getpid(), id));
    EXPECT_FALSE(docker::FirstProcess::find(pid, ""));
    EXPECT_FALSE(docker::FirstProcess::find(0, id));
}

class Hook : public DockerEngine {};

TEST_F(Hook, RunsBesideTheCommandAsItsUser) {
    model::ContainerSpec spec = busybox_spec("hooked", "");
    spec.application.image = configured_busybox;
    spec.application.command.reset();
    run(spec);
    done(model::RunHook{spec.application.name, {"sh", "-c", "{ id -u; id -g; pwd; echo $FLAVOUR; } >/dev/shm/seen"}});
    const auto told = perform(model::RunHook{spec.application.name, {"sh", "-c", "cat /dev/shm/seen; exit 1"}});
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error().message, "the hook of hooked ends with 1: 1000\n1001\n/data\nplain");
}

TEST_F(Hook, FailsWithItsLastWords) {
    const model::ContainerSpec spec = running_server();
    const auto failure_of = [&](const std::vector<std::string>& command) {
        const auto outcome = perform(model::RunHook{spec.application.name, command});
        EXPECT_FALSE(outcome);
        return outcome ? Error{} : outcome.error();
    };
    EXPECT_EQ(failure_of({"sh", "-c", "echo it hurts >&2; exit 3"}),
              (Error{ErrorCode::unavailable, "the hook of server ends with 3: it hurts"}));
    EXPECT_EQ(failure_of({"false"}), (Error{ErrorCode::unavailable, "the hook of server ends with 1"}));
    const Error missing = failure_of({"no-such-hook"});
    EXPECT_EQ(missing.code, ErrorCode::unavailable);
    EXPECT_NE(missing.message.find("no-such-hook"), std::string::npos) << missing;
}

TEST_F(Hook, EndsWithTheContainer) {
    const model::ContainerSpec spec = running_server();
    std::optional<Result<Seen>> outcome;
    harness_.engine().perform(model::RunHook{spec.application.name, {"sleep", "1000"}},
                              [&](Result<Seen> seen) { outcome = std::move(seen); });
    done(model::StopContainer{spec.application.name});
    ASSERT_TRUE(harness_.run_until([&] { return outcome.has_value(); }));
    EXPECT_FALSE(*outcome);
}

}  // namespace
}  // namespace flocker::contract
