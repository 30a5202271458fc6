// SPDX-License-Identifier: Apache-2.0
#include "protocol/control.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/assignments.hpp"
#include "plan/takeover.hpp"
#include "protocol/testing.hpp"

namespace flocker::protocol {
namespace {

using namespace model;
using namespace protocol::testing;
using ::testing::HasSubstr;
using Effects = std::vector<Control::Effect>;

template <class Effect>
std::vector<Effect> all(const Effects& effects) {
    std::vector<Effect> found;
    for (const auto& effect : effects) {
        if (const auto* one = std::get_if<Effect>(&effect)) found.push_back(*one);
    }
    return found;
}
template <class Effect>
std::optional<Effect> one(const Effects& effects) {
    const auto found = all<Effect>(effects);
    return found.size() == 1 ? std::optional(found.front()) : std::nullopt;
}

/// A control service that has loaded the scene's records and heard of all nodes.
class ControlService : public ::testing::Test {
protected:
    Effects load_only() { return control_.on(Control::Loaded{scene_.records}, scene_.now); }
    Effects load() {
        auto effects = load_only();
        for (const auto& id : {alder, birch, cedar}) report(id);
        return effects;
    }
    Effects report(const NodeId& id) {
        NodeReport& told = scene_.report(id);
        ++told.sequence;
        return report(told);
    }
    Effects report(const NodeReport& told) { return control_.on(Control::Reported{0, told}, scene_.now); }
    Effects ask(Control::Command command) { return control_.on(Control::Asked{++asked_, std::move(command)}, scene_.now); }
    Effects committed(const Control::Commit& commit) {
        return control_.on(Control::Committed{Revision{commit.expected.value + 1}}, scene_.now);
    }
    static Control::Deploy db_on(const std::string& name) { return {{{database()}, {{on(name), {db}}}}}; }
    static Control::Deploy unheard_of_image() {
        auto deploy = db_on("alder");
        deploy.deployment.applications.front().image = "elsewhere:1";
        return deploy;
    }
    static Error error_in(const Effects& effects) {
        const auto reply = one<Control::Reply>(effects);
        const auto* error = reply ? std::get_if<Error>(&reply->answer) : nullptr;
        return error ? *error : Error{ErrorCode::internal, "no error was replied"};
    }

    Scene scene_;
    Control control_{noon - 1min};
    Control::RequestId asked_{0};
};

TEST_F(ControlService, LoadsFirstAndServesNobodyBefore) {
    EXPECT_TRUE(one<Control::Load>(control_.begin()));
    EXPECT_TRUE(ask(db_on("alder")).empty());
    EXPECT_TRUE(control_.on(Control::Tick{}, scene_.now).empty());
}

TEST_F(ControlService, LoadsAgainWhenItCouldNot) {
    EXPECT_TRUE(one<Control::Load>(control_.on(Control::Loaded{fail(ErrorCode::unavailable, "x")}, scene_.now)));
}

TEST_F(ControlService, TellsEveryNodeItsAssignmentAtTheStart) {
    scene_.settled(database(), alder);
    const auto published = all<Control::Publish>(load());
    ASSERT_EQ(published.size(), 3U);
    for (const auto& one : published) {
        EXPECT_EQ(one.assignment, plan::assignment_for(scene_.records, one.assignment.node));
    }
}

TEST_F(ControlService, CommitsFirstAndTellsAndAnswersAfterwards) {
    load();
    const auto asked = ask(db_on("alder"));
    const auto commit = one<Control::Commit>(asked);
    ASSERT_TRUE(commit);
    EXPECT_EQ(commit->expected, Revision{7});
    EXPECT_TRUE(all<Control::Publish>(asked).empty());
    EXPECT_TRUE(all<Control::Reply>(asked).empty());

    const auto after = committed(*commit);
    ASSERT_TRUE(one<Control::Reply>(after));
    const auto answer = one<Control::Reply>(after)->answer;
    ASSERT_TRUE(std::holds_alternative<Control::Accepted>(answer));
    EXPECT_EQ(std::get<Control::Accepted>(answer).revision, Revision{8});
    EXPECT_EQ(all<Control::Publish>(after).size(), 3U) << "the route is news to all of them";
}

TEST_F(ControlService, TellsOnlyThoseToWhomItIsNews) {
    scene_.settled(website(), cedar);
    load();
    scene_.report(cedar).datasets.clear();
    auto changed = website();
    changed.environment["A"] = "b";
    const auto commit = one<Control::Commit>(ask(Control::Deploy{{{changed}, {{on("cedar"), {web}}}}}));
    ASSERT_TRUE(commit);
    const auto published = one<Control::Publish>(committed(*commit));
    ASSERT_TRUE(published);
    EXPECT_EQ(published->assignment.node, cedar);
}

TEST_F(ControlService, HasOneCommitUnderWay) {
    load();
    const auto commit = one<Control::Commit>(ask(db_on("alder")));
    ASSERT_TRUE(commit);
    EXPECT_TRUE(ask(db_on("birch")).empty()) << "it waits";
    const auto after = committed(*commit);
    EXPECT_EQ(all<Control::Reply>(after).size(), 1U);
    ASSERT_TRUE(one<Control::Commit>(after)) << "now it is its turn";
    EXPECT_EQ(one<Control::Commit>(after)->expected, Revision{8});
}

TEST_F(ControlService, TellsNobodyOfACommitWhoseOutcomeIsNotKnown) {
    load();
    ASSERT_TRUE(one<Control::Commit>(ask(db_on("alder"))));
    const auto after = control_.on(Control::Committed{fail(ErrorCode::timed_out, "unknown")}, scene_.now);
    EXPECT_TRUE(all<Control::Publish>(after).empty());
    EXPECT_TRUE(one<Control::Load>(after)) << "the store is asked what became of it";
    EXPECT_EQ(error_in(after).code, ErrorCode::timed_out);
    EXPECT_TRUE(ask(db_on("alder")).empty()) << "nothing is decided until it is known";
}

TEST_F(ControlService, AnswersADryRunAndChangesNothing) {
    load();
    auto deploy = db_on("alder");
    deploy.dry_run = true;
    const auto effects = ask(deploy);
    EXPECT_TRUE(all<Control::Commit>(effects).empty());
    ASSERT_TRUE(one<Control::Reply>(effects));
    const auto answer = one<Control::Reply>(effects)->answer;
    ASSERT_TRUE(std::holds_alternative<Control::Accepted>(answer));
    EXPECT_EQ(std::get<Control::Accepted>(answer).plan.steps.size(), 1U);
}

TEST_F(ControlService, RefusesADeploymentWhole) {
    load();
    auto deploy = db_on("alder");
    deploy.deployment.places[on("oak")] = {};
    deploy.deployment.places[on("elm")] = {};
    const auto effects = ask(deploy);
    EXPECT_TRUE(all<Control::Commit>(effects).empty());
    ASSERT_TRUE(one<Control::Reply>(effects));
    const auto answer = one<Control::Reply>(effects)->answer;
    ASSERT_TRUE(std::holds_alternative<std::vector<plan::Refusal>>(answer));
    EXPECT_EQ(std::get<std::vector<plan::Refusal>>(answer).size(), 2U);
}

TEST_F(ControlService, AsksForImagesThatNoNodeHasBeforeItCommits) {
    load();
    const auto asked = ask(unheard_of_image());
    ASSERT_TRUE(one<Control::FindImages>(asked));
    EXPECT_EQ(one<Control::FindImages>(asked)->images, std::vector<std::string>{"elsewhere:1"});
    EXPECT_TRUE(all<Control::Commit>(asked).empty());
    EXPECT_TRUE(one<Control::Commit>(control_.on(Control::ImagesFound{1, {}}, scene_.now)));
}

TEST_F(ControlService, RefusesAnImageThatCanNotBeHad) {
    load();
    ASSERT_TRUE(one<Control::FindImages>(ask(unheard_of_image())));
    const auto effects = control_.on(
        Control::ImagesFound{1, {{"elsewhere:1", Error{ErrorCode::unavailable, "no route to the registry"}}}}, scene_.now);
    EXPECT_TRUE(all<Control::Commit>(effects).empty());
    ASSERT_TRUE(one<Control::Reply>(effects));
    const auto answer = one<Control::Reply>(effects)->answer;
    ASSERT_TRUE(std::holds_alternative<std::vector<plan::Refusal>>(answer));
    const auto refusals = std::get<std::vector<plan::Refusal>>(answer);
    ASSERT_EQ(refusals.size(), 1U);
    EXPECT_EQ(refusals.front().about, plan::Refusal::About::image);
    EXPECT_EQ(refusals.front().name, "db");
    EXPECT_THAT(refusals.front().message, HasSubstr("no route to the registry"));
}

TEST_F(ControlService, ServesOthersWhileItLooksForAnImage) {
    load();
    ASSERT_TRUE(one<Control::FindImages>(ask(unheard_of_image())));
    EXPECT_TRUE(one<Control::Commit>(ask(Control::Deploy{{{website()}, {{on("cedar"), {web}}}}})));
}

TEST_F(ControlService, BeginsTwoMovesUnderTwoNumbers) {
    scene_.settled(database(), alder);
    scene_.settled(website(), alder);
    for (const auto& name : {db, web}) scene_.records.configuration.at(name).node = birch;
    load_only();
    report(alder);
    const auto commit = one<Control::Commit>(report(birch));
    ASSERT_TRUE(commit);
    std::set<MoveId> ids;
    for (const auto& change : commit->changes) {
        if (const auto* put = std::get_if<PutOwnership>(&change)) ids.insert(put->ownership.move->id);
    }
    EXPECT_EQ(ids, (std::set{MoveId{1}, MoveId{2}}));
}

TEST_F(ControlService, DoesNotBelieveAReportThatAnEarlierOneOvertook) {
    load();
    NodeReport newest = scene_.report(alder);
    newest.sequence = 50;
    newest.pool_free = Bytes{1};
    report(newest);
    report(alder);
    EXPECT_EQ(control_.view(scene_.now).states.at(alder).report.pool_free, Bytes{1});

    NodeReport restarted = scene_.report(alder);
    restarted.agent_started = noon;
    restarted.sequence = 1;
    restarted.pool_free = Bytes{2};
    report(restarted);
    EXPECT_EQ(control_.view(scene_.now).states.at(alder).report.pool_free, Bytes{2}) << "a new agent counts anew";
}

TEST_F(ControlService, HearsNoStrangers) {
    load();
    NodeReport stranger;
    stranger.node = NodeId{"id-stranger"};
    const auto effects = control_.on(Control::Reported{0, stranger}, scene_.now);
    ASSERT_EQ(effects.size(), 1U) << "its receipt";
    EXPECT_FALSE(std::get<Control::Receipt>(effects.front()).receipt.leased);
    EXPECT_FALSE(control_.view(scene_.now).states.contains(stranger.node));
}

// --- leases -------------------------------------------------------------------------------------

TEST_F(ControlService, GrantsALeaseOnlyToANodeThatKnowsEverythingItWasTold) {
    const auto leased = [&](const NodeId& id) { return one<Control::Receipt>(report(id))->receipt.leased; };
    EXPECT_FALSE(leased(alder)) << "the records are not loaded";
    load();
    EXPECT_TRUE(leased(alder));
    scene_.report(alder).revision = Revision{6};
    EXPECT_FALSE(leased(alder));
}

TEST_F(ControlService, GrantsNoLeaseWhileSomethingIsTakenFromTheNode) {
    Application automatic = database();
    automatic.failover = Failover::automatic;
    scene_.settled(automatic, alder).replicas = {birch};
    scene_.report(birch).datasets = {replica(1, {snap(1, 5)})};
    scene_.report(alder).leased = {db};
    Control control{scene_.now};
    const auto tell = [&](const NodeId& id) {
        ++scene_.report(id).sequence;
        return control.on(Control::Reported{0, scene_.report(id)}, scene_.now);
    };
    static_cast<void>(control.on(Control::Loaded{scene_.records}, scene_.now));
    for (const auto& id : {alder, birch, cedar}) tell(id);
    scene_.now = scene_.now + 3s;
    for (const auto& id : {birch, cedar}) tell(id);
    scene_.now = scene_.now + 3s;
    const auto failover = one<Control::Commit>(tell(birch));
    ASSERT_TRUE(failover && only<PutOwnership>(failover->changes));
    EXPECT_EQ(only<PutOwnership>(failover->changes)->ownership.owner, birch);
    EXPECT_FALSE(one<Control::Receipt>(tell(alder))->receipt.leased) << "the commit may be on the disk already";
    EXPECT_TRUE(one<Control::Receipt>(tell(cedar))->receipt.leased);
}

TEST_F(ControlService, GrantsNoLeaseWhileMostNodesAreSilent) {
    const auto leased = [&](const NodeId& id) { return one<Control::Receipt>(report(id))->receipt.leased; };
    load();
    scene_.now = scene_.now + 6s;
    EXPECT_FALSE(leased(alder)) << "birch and cedar may have another control service by now";
    EXPECT_TRUE(leased(birch));
}

// --- takeover -----------------------------------------------------------------------------------

TEST_F(ControlService, WithACopyOfTheRecordsHearsThePoolsBeforeItSaysAnything) {
    scene_.settled(database(), alder).replicas = {birch};
    scene_.report(birch).datasets = {live_dataset(2, {snap(1, 5)})};
    scene_.records = plan::taken_over(scene_.records, scene_.now);
    Control control{scene_.now};
    const auto tell = [&](const NodeId& id) {
        ++scene_.report(id).sequence;
        scene_.report(id).looked = true;
        return control.on(Control::Reported{0, scene_.report(id)}, scene_.now);
    };
    EXPECT_TRUE(control.on(Control::Loaded{scene_.records}, scene_.now).empty());
    EXPECT_TRUE(control.on(Control::Asked{1, db_on("cedar")}, scene_.now).empty()) << "a user waits";
    EXPECT_FALSE(one<Control::Receipt>(tell(alder))->receipt.leased);
    tell(birch);
    const auto heeded = one<Control::Commit>(tell(cedar));
    ASSERT_TRUE(heeded && only<PutOwnership>(heeded->changes));
    EXPECT_EQ(only<PutOwnership>(heeded->changes)->ownership.owner, birch);
    const auto told = control.on(Control::Committed{Revision{heeded->expected.value + 1}}, scene_.now);
    EXPECT_EQ(all<Control::Publish>(told).size(), 3U);
}

TEST_F(ControlService, WritesOnceThatANodeIsLostAndOnceThatItIsBack) {
    load();
    scene_.now = scene_.now + 3s;
    report(alder);
    report(birch);
    scene_.now = scene_.now + 3s;
    const auto lost = one<Control::Commit>(report(alder));
    ASSERT_TRUE(lost) << "cedar said nothing";
    ASSERT_TRUE(only<AddEvent>(lost->changes)) << "birch did";
    EXPECT_EQ(only<AddEvent>(lost->changes)->event.kind, EventKind::node_lost);
    EXPECT_EQ(only<AddEvent>(lost->changes)->event.subject, "cedar");
    EXPECT_TRUE(all<Control::Commit>(committed(*lost)).empty());
    const auto back = one<Control::Commit>(report(cedar));
    ASSERT_TRUE(back);
    EXPECT_EQ(only<AddEvent>(back->changes)->event.kind, EventKind::node_back);
}

// --- volumes and members ------------------------------------------------------------------------

TEST_F(ControlService, WritesOnceWhatANodeHasFound) {
    load();
    NodeReport told = scene_.report(birch);
    told.incidents = {{1, "routes", "table ip flocker was gone (nft)", scene_.now}};
    ++told.sequence;
    const auto commit = one<Control::Commit>(report(told));
    ASSERT_TRUE(commit);
    const auto* event = plan::testing::only<AddEvent>(commit->changes);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->event.kind, EventKind::stranger_found);
    EXPECT_EQ(event->event.subject, "birch");
    EXPECT_EQ(event->event.text, "table ip flocker was gone (nft)");
    static_cast<void>(committed(*commit));
    ++told.sequence;
    EXPECT_FALSE(one<Control::Commit>(report(told))) << "the receipt was lost, and the report came again";
    ++told.sequence;
    told.incidents.push_back({2, "routes", "another", scene_.now});
    EXPECT_TRUE(one<Control::Commit>(report(told)));
}

TEST_F(ControlService, DestroysAVolumeOnlyByNameAndOnlyWhenNoApplicationHasIt) {
    scene_.settled(database(), alder);
    scene_.records.settings.replicas = 0;
    load();
    EXPECT_EQ(error_in(ask(Control::DestroyVolume{orders})).code, ErrorCode::conflict);
    EXPECT_EQ(error_in(ask(Control::DestroyVolume{DatasetId{"other"}})).code, ErrorCode::not_found);

    const auto removed = one<Control::Commit>(ask(Control::Deploy{{{}, {{on("alder"), {}}}}}));
    ASSERT_TRUE(removed);
    committed(*removed);
    const auto destroyed = one<Control::Commit>(ask(Control::DestroyVolume{orders}));
    ASSERT_TRUE(destroyed);
    EXPECT_TRUE(only<PutOwnership>(destroyed->changes)->ownership.destroying);
}

TEST_F(ControlService, LimitsANodeAndKeepsThatWhenTheNodeIntroducesItselfAgain) {
    load();
    EXPECT_EQ(error_in(ask(Control::LimitNode{NodeId{"id-elm"}, {}})).code, ErrorCode::not_found);
    const auto limited = one<Control::Commit>(ask(Control::LimitNode{birch, Bandwidth{Bytes{10'000'000}}}));
    ASSERT_TRUE(limited);
    ASSERT_TRUE(only<PutNode>(limited->changes));
    EXPECT_EQ(only<PutNode>(limited->changes)->node.bandwidth, Bandwidth{Bytes{10'000'000}});
    EXPECT_EQ(only<AddEvent>(limited->changes)->event.text, "bandwidth 10MB/s");
    const auto told = all<Control::Publish>(committed(*limited));
    ASSERT_EQ(told.size(), 3U);
    EXPECT_EQ(told[1].assignment.bandwidth, Bandwidth{Bytes{10'000'000}});
    const auto again = one<Control::Reply>(ask(Control::AddNode{node(birch, "10.0.0.11", "east")}));
    ASSERT_TRUE(again) << "nothing to commit";
    EXPECT_TRUE(std::holds_alternative<Control::Accepted>(again->answer));
}

TEST_F(ControlService, LetsNoTwoMembersHaveOneNameOrAddress) {
    load();
    auto oak = node(NodeId{"id-oak"}, "10.0.0.12", "");
    EXPECT_EQ(error_in(ask(Control::AddNode{oak})).code, ErrorCode::already_exists);
    oak.address = "10.0.0.20";
    EXPECT_TRUE(one<Control::Commit>(ask(Control::AddNode{oak})));
}

TEST_F(ControlService, RemovesNoNodeThatOwnsOrIsWanted) {
    scene_.settled(database(), alder);
    scene_.owned(database()).replicas = {cedar};
    scene_.moving(database(), birch, MovePhase::staging);
    load();
    EXPECT_EQ(error_in(ask(Control::RemoveNode{alder})).code, ErrorCode::conflict);
    EXPECT_EQ(error_in(ask(Control::RemoveNode{birch})).code, ErrorCode::conflict);
    EXPECT_EQ(error_in(ask(Control::RemoveNode{NodeId{"id-oak"}})).code, ErrorCode::not_found);
    const auto commit = one<Control::Commit>(ask(Control::RemoveNode{cedar}));
    ASSERT_TRUE(commit);
    ASSERT_TRUE(only<PutOwnership>(commit->changes));
    EXPECT_TRUE(only<PutOwnership>(commit->changes)->ownership.replicas.empty());
    EXPECT_TRUE(only<EraseNode>(commit->changes));
}

}  // namespace
}  // namespace flocker::protocol
