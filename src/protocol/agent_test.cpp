// SPDX-License-Identifier: Apache-2.0
#include "protocol/agent.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/testing.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace protocol::testing;

/// alder's agent, with a pool and an engine that do at once what they are told; the database runs.
class AgentOfTheOwner : public ::testing::Test {
protected:
    AgentOfTheOwner() {
        spec_.application = database();
        spec_.application.before_move = {"checkpoint"};
        spec_.links_host = "10.0.0.10";
        spec_.volume_source = "/volumes/" + orders.value;
        container_ = running(db);
        container_.fingerprint = fingerprint(spec_);
        dataset_ = live_dataset(1, {snap(1, 5)});
        static_cast<void>(agent_.begin());
        tell(Agent::PoolSeen{std::vector{dataset_}});
        tell(Agent::EngineSeen{std::pair(std::vector{container_}, std::set<std::string>{"postgres:15"})});
        assign(Intent::run, Duty::serve);
        done_with_routes();
        done_with_saving();
        const auto await_it = take<Agent::DoToContainer>();
        if (await_it) tell(Agent::ContainerDone{await_it->action, std::optional(container_)});
        done_with_routes();
    }

    /// The effects that are left to be done.
    void tell(const Agent::Event& event) {
        for (auto& effect : agent_.on(event, now_)) {
            if (const auto* report = std::get_if<Agent::SendReport>(&effect)) {
                report_ = report->report;
                tell(Agent::ReportDone{model::ReportReceipt{}});
            } else {
                effects_.push_back(std::move(effect));
            }
        }
    }
    void assign(Intent intent, Duty duty, std::uint64_t hook_for = 0) {
        Assignment assignment;
        assignment.node = alder;
        assignment.revision = Revision{++revision_};
        assignment.nodes = {node(alder, "10.0.0.10", "east"), node(birch, "10.0.0.11", "east")};
        DatasetAssignment dataset;
        dataset.dataset = orders;
        dataset.duty = duty;
        dataset.owner = alder;
        dataset.epoch = Epoch{1};
        dataset.move = MoveId{duty == Duty::seal ? 3U : 0U};
        ApplicationAssignment application;
        application.application = spec_.application;
        application.intent = intent;
        application.move = MoveId{intent == Intent::hold ? 3U : 0U};
        application.hook_for = MoveId{hook_for};
        assignment.datasets = {dataset};
        assignment.applications = {application};
        assignment.routes = {{5432, 5432, db, alder, intent == Intent::hold}};
        tell(Agent::Assigned{assignment, false});
        pass(1ms);
    }
    void pass(Duration duration) {
        now_ = now_ + duration;
        tell(Agent::Tick{});
    }
    template <class Wanted>
    std::optional<Wanted> take() {
        const auto found = std::ranges::find_if(effects_, [](const auto& each) { return std::holds_alternative<Wanted>(each); });
        if (found == effects_.end()) return std::nullopt;
        Wanted wanted = std::get<Wanted>(*found);
        effects_.erase(found);
        return wanted;
    }
    void done_with_routes() {
        while (const auto apply = take<Agent::ApplyRoutes>()) tell(Agent::RoutesApplied{apply->table, Status{}});
    }
    void done_with_saving() {
        while (const auto save = take<Agent::SaveAssignment>()) tell(Agent::AssignmentSaved{save->assignment.revision, Status{}});
    }
    [[nodiscard]] const StepSeen* step(MoveStep step) const {
        const auto found = std::ranges::find(report_.steps, step, &StepSeen::step);
        return found == report_.steps.end() ? nullptr : &*found;
    }

    Instant now_{noon};
    Agent agent_{{alder, "/volumes", 0x0ad50002U, 200, noon, noon}};
    std::uint64_t revision_{7};
    ContainerSpec spec_;
    ContainerSeen container_;
    DatasetSeen dataset_;
    NodeReport report_;
    std::vector<Agent::Effect> effects_;
};

TEST_F(AgentOfTheOwner, MeasuresTheStepsOfACutoverForItsMove) {
    assign(Intent::hold, Duty::seal);
    EXPECT_FALSE(take<Agent::DoToContainer>()) << "clients still reach it";
    pass(4ms);
    done_with_routes();
    ASSERT_TRUE(step(MoveStep::hold));
    EXPECT_EQ(step(MoveStep::hold)->took, Duration{5ms});
    EXPECT_EQ(step(MoveStep::hold)->move, MoveId{3});

    const auto stop = take<Agent::DoToContainer>();
    ASSERT_TRUE(stop);
    EXPECT_EQ(stop->action, ContainerAction(StopContainer{db, false}));
    pass(70ms);
    container_.status = ContainerSeen::Status::exited;
    tell(Agent::ContainerDone{stop->action, std::optional(container_)});
    ASSERT_TRUE(step(MoveStep::stop));
    EXPECT_EQ(step(MoveStep::stop)->took, Duration{70ms});
    EXPECT_EQ(step(MoveStep::stop)->move, MoveId{3});

    const auto seal = take<Agent::DoToDataset>();
    ASSERT_TRUE(seal);
    pass(30ms);
    dataset_.seal = Seal{MoveId{3}, snap(1, 9)};
    tell(Agent::DatasetDone{seal->action, std::optional(dataset_)});
    ASSERT_TRUE(step(MoveStep::seal));
    EXPECT_EQ(step(MoveStep::seal)->took, Duration{30ms});
}

TEST_F(AgentOfTheOwner, RunsTheHookOfAMoveOnceAndTakesTheDatasetForChanged) {
    EXPECT_FALSE(report_.datasets.front().changed);
    EXPECT_FALSE(take<Agent::DoToContainer>()) << "no move has asked for it";

    assign(Intent::run, Duty::serve, 3);
    const auto hook = take<Agent::DoToContainer>();
    ASSERT_TRUE(hook);
    EXPECT_EQ(hook->action, ContainerAction(RunHook{db, {"checkpoint"}}));
    pass(200ms);
    tell(Agent::ContainerDone{hook->action, std::optional(container_)});
    ASSERT_TRUE(step(MoveStep::hook));
    EXPECT_EQ(step(MoveStep::hook)->move, MoveId{3});
    EXPECT_EQ(step(MoveStep::hook)->took, Duration{201ms});
    EXPECT_TRUE(report_.datasets.front().changed) << "what it wrote must not be left to the last increment";
    EXPECT_TRUE(report_.containers.front().ready) << "it has served all the while";
    EXPECT_FALSE(take<Agent::DoToContainer>());
    assign(Intent::run, Duty::serve, 4);
    EXPECT_TRUE(take<Agent::DoToContainer>()) << "another move, another time";
}

TEST_F(AgentOfTheOwner, TellsOfAHookThatFailedAndTriesAgain) {
    assign(Intent::run, Duty::serve, 3);
    const auto hook = take<Agent::DoToContainer>();
    ASSERT_TRUE(hook);
    tell(Agent::ContainerDone{hook->action, fail(ErrorCode::unavailable, "it ended with code 1")});
    EXPECT_FALSE(step(MoveStep::hook));
    ASSERT_EQ(report_.problems.size(), 1U);
    EXPECT_EQ(report_.problems.front().subject, "db");
    pass(1s);
    EXPECT_TRUE(take<Agent::DoToContainer>());
}

TEST_F(AgentOfTheOwner, ReportsAContainerAtItsGateAsReadyOnlyWhenItIsTheRightOne) {
    container_.status = ContainerSeen::Status::waiting;
    container_.started = noon + 1s;
    tell(Agent::EngineChanged{});
    tell(Agent::EngineSeen{std::pair(std::vector{container_}, std::set<std::string>{"postgres:15"})});
    EXPECT_TRUE(report_.containers.front().ready);
    container_.fingerprint = "another";
    tell(Agent::EngineChanged{});
    tell(Agent::EngineSeen{std::pair(std::vector{container_}, std::set<std::string>{"postgres:15"})});
    EXPECT_FALSE(report_.containers.front().ready);
}

TEST_F(AgentOfTheOwner, TellsThatAStrangerRemovedItsContainerAndMakesItAnew) {
    tell(Agent::EngineChanged{});
    tell(Agent::EngineSeen{std::pair(std::vector<ContainerSeen>{}, std::set<std::string>{"postgres:15"})});
    ASSERT_EQ(report_.incidents.size(), 1U);
    EXPECT_EQ(report_.incidents.front().text, "the container of db was removed by somebody else");
    ASSERT_EQ(report_.problems.size(), 1U);
    EXPECT_EQ(report_.problems.front().attempts, 0U);
    const auto create = take<Agent::DoToContainer>();
    ASSERT_TRUE(create);
    EXPECT_TRUE(std::holds_alternative<CreateContainer>(create->action));
    done_with_routes();
    pass(1s);
    EXPECT_TRUE(report_.incidents.empty()) << "the control service has heard of it";
    EXPECT_EQ(report_.problems.size(), 1U) << "people may still want to know";
    pass(61s);
    EXPECT_TRUE(report_.problems.empty());
}

TEST_F(AgentOfTheOwner, DoesNotTakeItsOwnWorkForAStrangers) {
    assign(Intent::stand_by, Duty::destroy);
    const auto remove = take<Agent::DoToContainer>();
    ASSERT_TRUE(remove);
    ASSERT_TRUE(std::holds_alternative<RemoveContainer>(remove->action));
    tell(Agent::EngineChanged{});
    tell(Agent::EngineSeen{std::pair(std::vector<ContainerSeen>{}, std::set<std::string>{"postgres:15"})});
    tell(Agent::ContainerDone{remove->action, std::optional<ContainerSeen>{}});
    EXPECT_TRUE(report_.incidents.empty());
    EXPECT_TRUE(report_.problems.empty());
}

/// Its restart policy is `never`: it was not the application that ended.
TEST_F(AgentOfTheOwner, StartsAgainOnceWhatEndedWithTheEngine) {
    tell(Agent::EngineChanged{});
    tell(Agent::EngineSeen{fail(ErrorCode::unavailable, "the engine does not answer")});
    EXPECT_TRUE(report_.incidents.empty()) << "it may only be busy";
    container_.status = ContainerSeen::Status::exited;
    container_.exit_code = 137;
    container_.finished = now_;
    tell(Agent::EngineChanged{});
    tell(Agent::EngineSeen{std::pair(std::vector{container_}, std::set<std::string>{"postgres:15"})});
    ASSERT_EQ(report_.incidents.size(), 1U);
    EXPECT_EQ(report_.incidents.front().text, "the container engine was away, and with it ended db");
    const auto start = take<Agent::DoToContainer>();
    ASSERT_TRUE(start);
    EXPECT_EQ(start->action, ContainerAction(StartContainer{db}));

    container_.status = ContainerSeen::Status::running;
    container_.started = now_;
    tell(Agent::ContainerDone{start->action, std::optional(container_)});
    static_cast<void>(take<Agent::DoToContainer>());
    container_.status = ContainerSeen::Status::exited;
    pass(11s);
    tell(Agent::EngineSeen{std::pair(std::vector{container_}, std::set<std::string>{"postgres:15"})});
    EXPECT_FALSE(take<Agent::DoToContainer>()) << "this time it ended by itself";
}

TEST_F(AgentOfTheOwner, TellsAnIncidentThatGoesOnOnceAndIncidentsUntilTheyHaveArrived) {
    tell(Agent::StrangerFound{"routes", "table ip flocker was gone"});
    EXPECT_EQ(report_.incidents.size(), 1U);
    pass(1s);
    tell(Agent::StrangerFound{"routes", "table ip flocker was gone"});
    pass(1s);
    EXPECT_TRUE(report_.incidents.empty());
    pass(6s);
    tell(Agent::StrangerFound{"routes", "table ip flocker was gone"});
    pass(1s);
    EXPECT_EQ(report_.problems.size(), 1U);
    tell(Agent::StrangerFound{"routes", "another"});
    EXPECT_EQ(report_.incidents.size(), 1U);
    EXPECT_EQ(report_.incidents.front().number, 3U);
}

TEST_F(AgentOfTheOwner, ReportsTakenPortsByTheNameOfTheContainerThatPublishesThem) {
    pass(1s);
    ASSERT_TRUE(take<Agent::FindTaken>());
    tell(Agent::TakenSeen{std::vector<TakenPort>{{22, Protocol::tcp, "sshd"}, {8080, Protocol::tcp, "docker-proxy"}}});
    EXPECT_EQ(report_.taken_ports, (std::vector<TakenPort>{{22, Protocol::tcp, "sshd"}, {8080, Protocol::tcp, "docker-proxy"}}));
    EXPECT_TRUE(take<Agent::ObserveEngine>()) << "it knows the name";
    tell(Agent::PublishedSeen{{{8080, Protocol::tcp, "container web"}, {53, Protocol::udp, "container dns"}}});
    EXPECT_EQ(report_.taken_ports, (std::vector<TakenPort>{{22, Protocol::tcp, "sshd"},
                                                            {53, Protocol::udp, "container dns"},
                                                            {8080, Protocol::tcp, "container web"}}));
}

TEST_F(AgentOfTheOwner, TellsOfAMaximumSizeThatIsNotKept) {
    dataset_.size_trouble = "this kernel has no simple quotas";
    tell(Agent::PoolSeen{std::vector{dataset_}});
    pass(2s);
    const auto problem = std::ranges::find(report_.problems, "maximum_size", &Problem::subject);
    ASSERT_NE(problem, report_.problems.end());
    EXPECT_THAT(problem->error.message, ::testing::HasSubstr(orders.value));
    EXPECT_THAT(problem->error.message, ::testing::HasSubstr("this kernel has no simple quotas"));
}

}  // namespace
}  // namespace flocker::protocol
