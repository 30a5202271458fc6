// SPDX-License-Identifier: Apache-2.0
//
// What every ports::ContainerEngine does. An implementation gives a harness and instantiates the suite:
//     INSTANTIATE_TYPED_TEST_SUITE_P(Docker, ContainerEngineContract, DockerHarness);
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "model/action.hpp"
#include "ports/container_engine.hpp"

namespace flocker::contract {

/// An engine with none of our containers in it, and the specifications of some that it can run. Made
/// anew for each test.
class ContainerEngineHarness {
public:
    ContainerEngineHarness() = default;
    virtual ~ContainerEngineHarness() = default;
    ContainerEngineHarness(const ContainerEngineHarness&) = delete;
    ContainerEngineHarness& operator=(const ContainerEngineHarness&) = delete;

    virtual ports::ContainerEngine& engine() = 0;
    /// Runs the loop until the condition holds. False: it does not, after a time that is long for all that
    /// the suite asks.
    virtual bool run_until(const std::function<bool()>& condition) = 0;
    /// Runs until it is stopped, ends well on its stop signal, and listens on its one port soon after its
    /// start. Each call gives another address.
    virtual model::ContainerSpec server_spec(const std::string& name) = 0;
    /// Has a port as well, but ends by itself with code 3 soon after its start.
    virtual model::ContainerSpec failing_spec(const std::string& name) = 0;
};

template <class Harness>
class ContainerEngineContract : public ::testing::Test {
protected:
    using Seen = std::optional<model::ContainerSeen>;
    using Phase = model::ContainerSeen::Status;

    Result<Seen> perform(const model::ContainerAction& action) {
        std::optional<Result<Seen>> outcome;
        harness_.engine().perform(action, [&](Result<Seen> seen) { outcome = std::move(seen); });
        EXPECT_FALSE(outcome) << "done was called before perform had returned";
        if (!harness_.run_until([&] { return outcome.has_value(); })) return fail(ErrorCode::internal, "no outcome");
        return *std::move(outcome);
    }
    ports::EngineSeen observe() {
        std::optional<Result<ports::EngineSeen>> outcome;
        harness_.engine().observe([&](Result<ports::EngineSeen> seen) { outcome = std::move(seen); });
        if (!harness_.run_until([&] { return outcome.has_value(); }) || !*outcome) {
            ADD_FAILURE() << "observe failed: "
                          << (outcome ? outcome->error() : Error{ErrorCode::internal, "no outcome"});
            return {};
        }
        return **std::move(outcome);
    }
    /// What the action makes of the container, which is to be there.
    model::ContainerSeen done(const model::ContainerAction& action) {
        const auto outcome = perform(action);
        if (!outcome || !*outcome) {
            ADD_FAILURE() << (outcome ? Error{ErrorCode::internal, "there is no container"} : outcome.error());
            return {};
        }
        return **outcome;
    }
    ErrorCode failure(const model::ContainerAction& action) {
        const auto outcome = perform(action);
        EXPECT_FALSE(outcome) << "succeeded";
        return outcome ? ErrorCode::internal : outcome.error().code;
    }
    model::ContainerSpec server(const std::string& name = "server") { return harness_.server_spec(name); }
    /// Creates it, starts it and, if it waits at a gate, releases it.
    model::ContainerSeen run(const model::ContainerSpec& spec) {
        done(model::CreateContainer{spec});
        const model::ContainerSeen started = done(model::StartContainer{spec.application.name});
        return spec.application.gate ? done(model::ReleaseContainer{spec.application.name}) : started;
    }
    /// A server that runs and is ready.
    model::ContainerSpec running_server(const std::string& name = "server") {
        const model::ContainerSpec spec = server(name);
        run(spec);
        done(model::AwaitReady{spec.application});
        return spec;
    }
    /// A server that waits at its gate.
    model::ContainerSpec waiting_server(const std::string& name = "server") {
        const model::ContainerSpec spec = server(name);
        done(model::CreateContainer{spec});
        done(model::StartContainer{spec.application.name});
        return spec;
    }

    Harness harness_;
};

TYPED_TEST_SUITE_P(ContainerEngineContract);

TYPED_TEST_P(ContainerEngineContract, CreatesAContainerThatIsNotStarted) {
    const model::ContainerSpec spec = this->server();

    const model::ContainerSeen seen = this->done(model::CreateContainer{spec});

    EXPECT_EQ(seen.application, spec.application.name);
    EXPECT_EQ(seen.status, TestFixture::Phase::created);
    EXPECT_EQ(seen.fingerprint, model::fingerprint(spec));
    EXPECT_EQ(seen.address, spec.address);
    EXPECT_EQ(this->observe().containers, std::vector{seen});
}

TYPED_TEST_P(ContainerEngineContract, CreatingAgainChangesNothing) {
    const model::ContainerSpec spec = this->server();
    const model::ContainerSeen first = this->done(model::CreateContainer{spec});
    EXPECT_EQ(this->done(model::CreateContainer{spec}), first);

    const model::ContainerSeen started = this->done(model::StartContainer{spec.application.name});

    EXPECT_EQ(this->done(model::CreateContainer{spec}), started);

    const model::ContainerSeen released = this->done(model::ReleaseContainer{spec.application.name});

    EXPECT_EQ(this->done(model::CreateContainer{spec}), released);
}

TYPED_TEST_P(ContainerEngineContract, CreatingReplacesAnotherOneThatDoesNotRun) {
    model::ContainerSpec spec = this->server();
    const model::ContainerSeen first = this->done(model::CreateContainer{spec});
    ++spec.incarnation;

    const model::ContainerSeen second = this->done(model::CreateContainer{spec});

    EXPECT_NE(second.container, first.container);
    EXPECT_EQ(second.fingerprint, model::fingerprint(spec));
    EXPECT_EQ(this->observe().containers, std::vector{second});
}

TYPED_TEST_P(ContainerEngineContract, CreatingReplacesOneWithAnotherAddress) {
    model::ContainerSpec spec = this->server();
    this->done(model::CreateContainer{spec});
    spec.address = this->server().address;
    EXPECT_EQ(this->done(model::CreateContainer{spec}).address, spec.address);
}

TYPED_TEST_P(ContainerEngineContract, CreatingDoesNotTouchAnotherOneThatRunsOrWaits) {
    for (model::ContainerSpec spec : {this->running_server("runs"), this->waiting_server("waits")}) {
        const auto before = this->observe().containers;
        ++spec.incarnation;

        EXPECT_EQ(this->failure(model::CreateContainer{spec}), ErrorCode::conflict);

        EXPECT_EQ(this->observe().containers, before);
    }
}

TYPED_TEST_P(ContainerEngineContract, CreatingWithoutTheImageIsNotFoundAndNamesIt) {
    model::ContainerSpec spec = this->server();
    spec.application.image = "flkt-no-such-image:1";

    const auto outcome = this->perform(model::CreateContainer{spec});

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::not_found);
    EXPECT_NE(outcome.error().message.find("flkt-no-such-image:1"), std::string::npos) << outcome.error();
    EXPECT_TRUE(this->observe().containers.empty());
}

TYPED_TEST_P(ContainerEngineContract, StartsAndStartingAgainChangesNothing) {
    const model::ContainerSpec spec = this->server();
    this->done(model::CreateContainer{spec});

    const model::ContainerSeen started = this->done(model::StartContainer{spec.application.name});

    EXPECT_EQ(started.status, TestFixture::Phase::waiting);
    EXPECT_EQ(started.address, spec.address);
    EXPECT_EQ(this->done(model::StartContainer{spec.application.name}), started);
    EXPECT_EQ(this->observe().containers, std::vector{started});
}

TYPED_TEST_P(ContainerEngineContract, WithoutAGateItRunsAsSoonAsItIsStarted) {
    model::ContainerSpec spec = this->server();
    spec.application.gate = false;
    this->done(model::CreateContainer{spec});

    const model::ContainerSeen started = this->done(model::StartContainer{spec.application.name});

    EXPECT_EQ(started.status, TestFixture::Phase::running);
    EXPECT_EQ(this->done(model::ReleaseContainer{spec.application.name}), started);
    EXPECT_EQ(this->observe().containers, std::vector{started});
}

TYPED_TEST_P(ContainerEngineContract, ReleasesAndReleasingAgainChangesNothing) {
    const model::ContainerSpec spec = this->waiting_server();

    const model::ContainerSeen released = this->done(model::ReleaseContainer{spec.application.name});

    EXPECT_EQ(released.status, TestFixture::Phase::running);
    EXPECT_EQ(this->done(model::ReleaseContainer{spec.application.name}), released);
    EXPECT_EQ(this->done(model::StartContainer{spec.application.name}), released);
    EXPECT_EQ(this->observe().containers, std::vector{released});
}

TYPED_TEST_P(ContainerEngineContract, ReleasesOnlyWhatIsStarted) {
    EXPECT_EQ(this->failure(model::ReleaseContainer{model::ApplicationName("nobody")}), ErrorCode::not_found);
    const model::ContainerSpec spec = this->server();
    this->done(model::CreateContainer{spec});
    EXPECT_EQ(this->failure(model::ReleaseContainer{spec.application.name}), ErrorCode::unavailable);
    this->done(model::StartContainer{spec.application.name});
    this->done(model::StopContainer{spec.application.name});
    EXPECT_EQ(this->failure(model::ReleaseContainer{spec.application.name}), ErrorCode::unavailable);
}

TYPED_TEST_P(ContainerEngineContract, IsNotReadyWhileItWaits) {
    const model::ContainerSpec spec = this->waiting_server();
    EXPECT_EQ(this->failure(model::AwaitReady{spec.application}), ErrorCode::unavailable);
    EXPECT_EQ(this->observe().containers.at(0).status, TestFixture::Phase::waiting);
}

TYPED_TEST_P(ContainerEngineContract, RunsAHookOnlyInOneThatRuns) {
    const model::ContainerSpec spec = this->waiting_server();
    const model::RunHook hook{spec.application.name, {"true"}};
    EXPECT_EQ(this->failure(hook), ErrorCode::unavailable) << "it waits";
    const model::ContainerSeen released = this->done(model::ReleaseContainer{spec.application.name});

    EXPECT_EQ(this->done(hook), released);

    this->done(model::StopContainer{spec.application.name});
    EXPECT_EQ(this->failure(hook), ErrorCode::unavailable) << "it has ended";
}

TYPED_TEST_P(ContainerEngineContract, StartingWhatIsNotThereIsNotFound) {
    EXPECT_EQ(this->failure(model::StartContainer{model::ApplicationName("nobody")}), ErrorCode::not_found);
    EXPECT_EQ(this->failure(model::AwaitReady{this->server("nobody").application}), ErrorCode::not_found);
}

TYPED_TEST_P(ContainerEngineContract, StopsAndStoppingAgainChangesNothing) {
    const model::ContainerSpec spec = this->running_server();

    const model::ContainerSeen stopped = this->done(model::StopContainer{spec.application.name});

    EXPECT_EQ(stopped.status, TestFixture::Phase::exited);
    EXPECT_EQ(stopped.exit_code, 0);
    EXPECT_GE(stopped.finished, stopped.started);
    EXPECT_EQ(this->observe().containers.at(0).status, TestFixture::Phase::exited);
    const model::ContainerSeen again = this->done(model::StopContainer{spec.application.name});
    EXPECT_EQ(again.container, stopped.container);
    EXPECT_EQ(again.status, TestFixture::Phase::exited);
}

TYPED_TEST_P(ContainerEngineContract, StopsAtOnce) {
    const model::ContainerSpec spec = this->running_server();
    EXPECT_EQ(this->done(model::StopContainer{spec.application.name, true}).status, TestFixture::Phase::exited);
    EXPECT_EQ(this->observe().containers.at(0).status, TestFixture::Phase::exited);
}

TYPED_TEST_P(ContainerEngineContract, StopsOneThatWaits) {
    const model::ContainerSpec spec = this->waiting_server();
    EXPECT_EQ(this->done(model::StopContainer{spec.application.name}).status, TestFixture::Phase::exited);
    EXPECT_EQ(this->observe().containers.at(0).status, TestFixture::Phase::exited);
}

TYPED_TEST_P(ContainerEngineContract, CreatesItAnewRightAfterAStop) {
    const model::ContainerSpec spec = this->running_server();
    const model::ContainerSeen stopped = this->done(model::StopContainer{spec.application.name});

    const model::ContainerSeen created = this->done(model::CreateContainer{spec});

    EXPECT_NE(created.container, stopped.container);
    EXPECT_EQ(created.status, TestFixture::Phase::created);
}

TYPED_TEST_P(ContainerEngineContract, RemovesRightAfterAStop) {
    const model::ContainerSpec spec = this->running_server();
    this->done(model::StopContainer{spec.application.name});
    EXPECT_TRUE(this->perform(model::RemoveContainer{spec.application.name}));
    EXPECT_TRUE(this->observe().containers.empty());
}

TYPED_TEST_P(ContainerEngineContract, StartsTheSameContainerAfterAStop) {
    const model::ContainerSpec spec = this->running_server();
    const model::ContainerSeen stopped = this->done(model::StopContainer{spec.application.name});

    const model::ContainerSeen started = this->done(model::StartContainer{spec.application.name});

    EXPECT_EQ(started.container, stopped.container);
    EXPECT_EQ(started.status, TestFixture::Phase::waiting);
    EXPECT_EQ(this->done(model::ReleaseContainer{spec.application.name}).container, stopped.container);
    EXPECT_TRUE(this->done(model::AwaitReady{spec.application}).ready);
}

TYPED_TEST_P(ContainerEngineContract, StoppingWhatIsNotThereSucceeds) {
    const auto outcome = this->perform(model::StopContainer{model::ApplicationName("nobody")});
    ASSERT_TRUE(outcome) << outcome.error();
    EXPECT_EQ(*outcome, std::nullopt);
}

TYPED_TEST_P(ContainerEngineContract, RemovesOneThatRunsAndRemovingAgainChangesNothing) {
    const model::ContainerSpec spec = this->running_server();

    for (int times = 0; times < 2; ++times) {
        const auto outcome = this->perform(model::RemoveContainer{spec.application.name});
        ASSERT_TRUE(outcome) << outcome.error();
        EXPECT_EQ(*outcome, std::nullopt);
    }

    EXPECT_TRUE(this->observe().containers.empty());
}

TYPED_TEST_P(ContainerEngineContract, IsReadyWhenThePortAccepts) {
    const model::ContainerSpec spec = this->server();
    this->done(model::CreateContainer{spec});
    EXPECT_EQ(this->failure(model::AwaitReady{spec.application}), ErrorCode::unavailable) << "it is not started";
    this->run(spec);

    EXPECT_TRUE(this->done(model::AwaitReady{spec.application}).ready);
    EXPECT_TRUE(this->done(model::AwaitReady{spec.application}).ready) << "asked again";
}

TYPED_TEST_P(ContainerEngineContract, WithoutPortsIsReadyWhenItHasRunForASecond) {
    model::ContainerSpec spec = this->server();
    spec.application.ports.clear();
    this->run(spec);
    EXPECT_TRUE(this->done(model::AwaitReady{spec.application}).ready);
}

TYPED_TEST_P(ContainerEngineContract, IsUnavailableWhenItEndsBeforeItIsReady) {
    const model::ContainerSpec spec = this->harness_.failing_spec("failing");
    this->run(spec);

    const auto outcome = this->perform(model::AwaitReady{spec.application});

    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::unavailable);
    EXPECT_NE(outcome.error().message.find("code 3"), std::string::npos) << outcome.error();
}

TYPED_TEST_P(ContainerEngineContract, TellsTheWatcherOfAStartAndOfAnEnd) {
    const auto changes = std::make_shared<int>(0);
    this->harness_.engine().watch([changes] { ++*changes; });
    const model::ContainerSpec spec = this->harness_.failing_spec("failing");
    this->run(spec);

    // Whoever observes once more after each call sees the end, without asking again and again.
    int observed = -1;
    model::ContainerSeen seen;
    const bool ended = this->harness_.run_until([&] {
        if (observed == *changes) return false;
        observed = *changes;
        const auto containers = this->observe().containers;
        if (containers.size() != 1) return false;
        seen = containers.front();
        return seen.status == TestFixture::Phase::exited;
    });

    EXPECT_TRUE(ended);
    EXPECT_EQ(seen.exit_code, 3);
}

TYPED_TEST_P(ContainerEngineContract, ObservesAllContainersAndTheirImages) {
    const model::ContainerSpec one = this->running_server("one");
    const model::ContainerSpec two = this->server("two");
    this->done(model::CreateContainer{two});

    const ports::EngineSeen seen = this->observe();

    std::map<std::string, typename TestFixture::Phase> phases;
    for (const auto& container : seen.containers) {
        phases[container.application.value] = container.status;
        EXPECT_FALSE(container.ready) << "that is for the agent to know";
    }
    EXPECT_EQ(phases, (std::map<std::string, typename TestFixture::Phase>{{"one", TestFixture::Phase::running},
                                                                          {"two", TestFixture::Phase::created}}));
    EXPECT_TRUE(seen.images.contains(one.application.image));
}

TYPED_TEST_P(ContainerEngineContract, PullingWhatNoRegistryHasIsUnavailableAndNamesIt) {
    std::optional<Status> outcome;
    this->harness_.engine().pull("flkt-no-such-image:1", [&](Status status) { outcome = std::move(status); });
    ASSERT_TRUE(this->harness_.run_until([&] { return outcome.has_value(); }));
    ASSERT_FALSE(*outcome);
    EXPECT_EQ(outcome->error().code, ErrorCode::unavailable);
    EXPECT_NE(outcome->error().message.find("flkt-no-such-image:1"), std::string::npos) << outcome->error();
}

REGISTER_TYPED_TEST_SUITE_P(ContainerEngineContract, CreatesAContainerThatIsNotStarted, CreatingAgainChangesNothing,
                            CreatingReplacesAnotherOneThatDoesNotRun, CreatingReplacesOneWithAnotherAddress,
                            CreatingDoesNotTouchAnotherOneThatRunsOrWaits, CreatingWithoutTheImageIsNotFoundAndNamesIt,
                            StartsAndStartingAgainChangesNothing, WithoutAGateItRunsAsSoonAsItIsStarted,
                            ReleasesAndReleasingAgainChangesNothing, ReleasesOnlyWhatIsStarted, IsNotReadyWhileItWaits,
                            RunsAHookOnlyInOneThatRuns, StartingWhatIsNotThereIsNotFound,
                            StopsAndStoppingAgainChangesNothing, StopsAtOnce, StopsOneThatWaits,
                            CreatesItAnewRightAfterAStop, RemovesRightAfterAStop, StartsTheSameContainerAfterAStop,
                            StoppingWhatIsNotThereSucceeds, RemovesOneThatRunsAndRemovingAgainChangesNothing,
                            IsReadyWhenThePortAccepts, WithoutPortsIsReadyWhenItHasRunForASecond,
                            IsUnavailableWhenItEndsBeforeItIsReady, TellsTheWatcherOfAStartAndOfAnEnd,
                            ObservesAllContainersAndTheirImages, PullingWhatNoRegistryHasIsUnavailableAndNamesIt);

}  // namespace flocker::contract
