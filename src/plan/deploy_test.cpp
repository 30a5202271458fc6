// SPDX-License-Identifier: Apache-2.0
#include "plan/deploy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;
using ::testing::HasSubstr;
using About = Refusal::About;
using Kind = Step::Kind;

class Deploying : public ::testing::Test {
protected:
    DeployPlan planned(const Deployment& deployment) { return accepted(plan_deployment(scene_.view(), deployment)); }
    std::vector<Refusal> refused(const Deployment& deployment) {
        return refusals(plan_deployment(scene_.view(), deployment));
    }
    static DeployPlan accepted(std::variant<DeployPlan, std::vector<Refusal>> outcome) {
        if (const auto* why = std::get_if<std::vector<Refusal>>(&outcome)) {
            for (const auto& refusal : *why) ADD_FAILURE() << refusal.name << ": " << refusal.message;
            return {};
        }
        return std::get<DeployPlan>(std::move(outcome));
    }
    static std::vector<Refusal> refusals(std::variant<DeployPlan, std::vector<Refusal>> outcome) {
        if (auto* why = std::get_if<std::vector<Refusal>>(&outcome)) return std::move(*why);
        ADD_FAILURE() << "it was not refused";
        return {};
    }
    /// The one refusal that there is.
    Refusal refusal(const Deployment& deployment) {
        const auto all = refused(deployment);
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? Refusal{} : all.front();
    }
    static Deployment db_on(const std::string& name) { return {{database()}, {{on(name), {db}}}}; }

    Scene scene_;
};

TEST_F(Deploying, StartsWhatIsNewAndMakesTheNodeItsOwner) {
    const auto plan = planned(db_on("alder"));
    EXPECT_EQ(plan.steps, (std::vector<Step>{{Kind::start, db, alder, alder, {}, ""}}));
    const auto* made = only<PutOwnership>(plan.changes);
    ASSERT_TRUE(made);
    EXPECT_EQ(made->ownership.owner, alder);
    EXPECT_EQ(made->ownership.epoch, Epoch{1});
    EXPECT_EQ(made->ownership.dataset, orders);
    EXPECT_FALSE(made->ownership.established);
    ASSERT_TRUE(only<PutWanted>(plan.changes));
    EXPECT_TRUE(only<AddEvent>(plan.changes));
}

TEST_F(Deploying, ChangesNothingWhenNothingChanged) {
    scene_.commit(planned(db_on("alder")).changes);
    const auto plan = planned(db_on("alder"));
    EXPECT_TRUE(plan.changes.empty());
    EXPECT_EQ(plan.steps, (std::vector<Step>{{Kind::keep, db, alder, alder, {}, ""}}));
    EXPECT_TRUE(plan.images_to_find.empty());
}

TEST_F(Deploying, FindsANodeByNameAddressOrHostname) {
    for (const char* reference : {"birch", "10.0.0.11", "birch.example"}) {
        EXPECT_EQ(planned(db_on(reference)).steps.front().node, birch) << reference;
    }
    EXPECT_EQ(find_node(scene_.records, NodeReference{"oak"}), nullptr);
}

TEST_F(Deploying, MovesWhatIsWantedElsewhereAndLeavesTheOwnershipToTheMove) {
    scene_.settled(database(), alder);
    scene_.report(alder).datasets.front().used = Bytes{5000};
    const auto plan = planned(db_on("birch"));
    // alder is not named, and what moves away from it needs no naming of it.
    const auto expected = predict(scene_.view(), scene_.owned(database()));
    EXPECT_EQ(plan.steps, (std::vector<Step>{{Kind::move, db, birch, alder, Bytes{5000}, "", expected}}));
    ASSERT_TRUE(only<PutWanted>(plan.changes));
    EXPECT_EQ(only<PutWanted>(plan.changes)->wanted.node, birch);
    EXPECT_FALSE(only<PutOwnership>(plan.changes)) << "the owner changes by the commit of a move only";
}

TEST_F(Deploying, ExpectsNoFullCopyToANodeThatHoldsAReplica) {
    scene_.settled(database(), alder);
    scene_.report(alder).datasets.front().used = Bytes{5000};
    scene_.report(birch).datasets = {replica(1, {snap(1, 1)})};
    EXPECT_EQ(planned(db_on("birch")).steps.front().to_copy, Bytes{0});
}

TEST_F(Deploying, RestartsAContainerThatChangedAndSaysWhat) {
    scene_.settled(database(), alder);
    auto deployment = db_on("alder");
    deployment.applications.front().image = "web:1";
    deployment.applications.front().environment["A"] = "b";
    const auto plan = planned(deployment);
    EXPECT_EQ(plan.steps.front().kind, Kind::restart);
    EXPECT_EQ(plan.steps.front().reason, "image, environment changed");
}

TEST_F(Deploying, StartsAnExitedContainerOnceMore) {
    scene_.settled(database(), alder);
    scene_.report(alder).containers = {exited(db, 1)};
    const auto plan = planned(db_on("alder"));
    EXPECT_EQ(plan.steps.front().kind, Kind::start);
    EXPECT_EQ(plan.steps.front().reason, "exited with code 1");
    ASSERT_TRUE(only<PutWanted>(plan.changes));
    EXPECT_EQ(only<PutWanted>(plan.changes)->wanted.incarnation, 1U);
}

TEST_F(Deploying, DoesNotTakeAContainerStoppedByACutoverForOneThatExited) {
    scene_.settled(database(), alder);
    scene_.moving(database(), birch, MovePhase::sealing);
    scene_.report(alder).containers = {exited(db, 0)};
    const auto plan = planned(db_on("birch"));
    EXPECT_TRUE(plan.changes.empty());
    EXPECT_EQ(plan.steps.front().reason, "under way");

    const auto back = planned(db_on("alder"));
    ASSERT_TRUE(only<PutWanted>(back.changes));
    EXPECT_EQ(only<PutWanted>(back.changes)->wanted.incarnation, 0U);
}

TEST_F(Deploying, KeepsTheOwnershipOfARemovedApplicationsDataset) {
    scene_.settled(database(), alder);
    scene_.moving(database(), birch, MovePhase::staging);
    scene_.records.configuration.at(db).node = birch;
    const auto plan = planned({{}, {{on("birch"), {}}}});
    EXPECT_EQ(plan.steps.front().kind, Kind::stop);
    EXPECT_TRUE(only<EraseWanted>(plan.changes));
    EXPECT_FALSE(only<EraseOwnership>(plan.changes));
    const auto* kept = only<PutOwnership>(plan.changes);
    ASSERT_TRUE(kept);
    EXPECT_EQ(kept->ownership.dataset, orders);
    EXPECT_EQ(kept->ownership.owner, alder);
    EXPECT_EQ(kept->ownership.application, std::nullopt);
    EXPECT_FALSE(kept->ownership.destroying);
    EXPECT_FALSE(kept->ownership.move) << "its move is given up";
    EXPECT_TRUE(kept->ownership.replicas.contains(birch)) << "what the target has is not forgotten";
}

TEST_F(Deploying, StartsARemovedApplicationOnItsOldVolumeWhereThatIs) {
    scene_.settled(database(), alder);
    scene_.commit(planned({{}, {{on("alder"), {}}}}).changes);
    const auto again = planned(db_on("alder"));
    EXPECT_EQ(again.steps, (std::vector<Step>{{Kind::start, db, alder, alder, {}, "its volume is here"}}));
    ASSERT_TRUE(only<PutOwnership>(again.changes));
    EXPECT_TRUE(only<PutOwnership>(again.changes)->ownership.established) << "an empty volume would be made over it";
    EXPECT_EQ(planned(db_on("birch")).steps.front().kind, Kind::move);
}

TEST_F(Deploying, FindsAVolumeThatTheRecordsDoNotKnowOnThePoolWhereItIs) {
    scene_.report(birch).datasets = {live_dataset(3, {snap(3, 1)})};
    const auto moved = planned(db_on("alder"));
    EXPECT_EQ(moved.steps.front().kind, Kind::move);
    ASSERT_TRUE(only<PutOwnership>(moved.changes));
    EXPECT_EQ(only<PutOwnership>(moved.changes)->ownership.owner, birch);
    EXPECT_EQ(only<PutOwnership>(moved.changes)->ownership.epoch, Epoch{3});
    EXPECT_TRUE(only<PutOwnership>(moved.changes)->ownership.established);
}

TEST_F(Deploying, ForgetsTheOwnershipOfARemovedApplicationWithoutAVolume) {
    scene_.settled(website(), alder);
    const auto plan = planned({{}, {{on("alder"), {}}}});
    ASSERT_TRUE(only<EraseOwnership>(plan.changes));
    EXPECT_EQ(only<EraseOwnership>(plan.changes)->subject, subject_of(website()));
}

TEST_F(Deploying, HandsADatasetOverToAnotherApplicationOfTheSameDeployment) {
    scene_.settled(database(), alder);
    auto renamed = database();
    renamed.name = ApplicationName{"database"};
    const auto plan = planned({{renamed}, {{on("alder"), {renamed.name}}}});
    const auto* put = only<PutOwnership>(plan.changes);
    ASSERT_TRUE(put) << "it is not detached on the way";
    EXPECT_EQ(put->ownership.application, renamed.name);
    EXPECT_EQ(put->ownership.owner, alder);
}

TEST_F(Deploying, LeavesNodesAloneThatItDoesNotName) {
    scene_.settled(website(), cedar);
    const auto plan = planned(db_on("alder"));
    EXPECT_EQ(plan.left_alone, std::vector{web});
    EXPECT_EQ(plan.steps.size(), 1U);
}

TEST_F(Deploying, ClearsTheNodeThatAFailedMoveAvoids) {
    scene_.settled(database(), alder);
    scene_.owned(database()).avoided_target = birch;
    const auto plan = planned(db_on("birch"));
    ASSERT_TRUE(only<PutOwnership>(plan.changes));
    EXPECT_EQ(only<PutOwnership>(plan.changes)->ownership.avoided_target, std::nullopt);
}

// --- data centers -------------------------------------------------------------------------------

TEST_F(Deploying, ChoosesTheEmptiestNodeOfADataCenter) {
    scene_.settled(website(), alder);
    EXPECT_EQ(planned({{database()}, {{in("east"), {db}}}}).steps.front().node, birch);
}

TEST_F(Deploying, PrefersANodeThatAnswers) {
    scene_.settled(website(), alder);
    scene_.silence(birch, 1min);
    EXPECT_EQ(planned({{database()}, {{in("east"), {db}}}}).steps.front().node, alder);
}

TEST_F(Deploying, LeavesAnApplicationWhereItIsInItsDataCenter) {
    scene_.settled(database(), birch);
    scene_.settled(website(), birch);
    const auto plan = planned({{database(), website()}, {{in("east"), {db, web}}}});
    EXPECT_EQ(plan.steps.at(0).kind, Kind::keep);
    EXPECT_EQ(plan.steps.at(0).node, birch);
}

TEST_F(Deploying, RunsAnApplicationWhereItsDataAre) {
    scene_.settled(database(), birch);
    scene_.records.configuration.clear();
    scene_.owned(database()).application.reset();
    EXPECT_EQ(planned({{database()}, {{in("east"), {db}}}}).steps.front().node, birch);
}

// --- refusals -----------------------------------------------------------------------------------

TEST_F(Deploying, TellsAllRefusalsAtOnceAndChangesNothing) {
    scene_.settled(website(), cedar);
    scene_.silence(birch, 1min);
    auto greedy = database();
    greedy.ports = {{5432, 8080}};
    const ApplicationName nobody{"nobody"};
    const auto all = refused({{greedy}, {{on("oak"), {}}, {in("mars"), {}}, {on("alder"), {nobody}}, {on("birch"), {db}}}});
    std::vector<std::pair<About, std::string>> told;
    for (const auto& refusal : all) told.emplace_back(refusal.about, refusal.name);
    EXPECT_THAT(told, ::testing::UnorderedElementsAre(std::pair(About::place, std::string("oak")),
                                                      std::pair(About::place, std::string("datacenter:mars")),
                                                      std::pair(About::place, std::string("alder")),
                                                      std::pair(About::application, std::string("db")),
                                                      std::pair(About::port, std::string("db"))));
}

TEST_F(Deploying, NamesTheNodesThatThereAreWhenOneIsUnknown) {
    EXPECT_EQ(refusal(db_on("oak")).message, "no node is called \"oak\"; the nodes are: alder, birch, cedar");
}

TEST_F(Deploying, RefusesTwoNamesForOneNode) {
    const auto why = refusal({{database()}, {{on("alder"), {db}}, {on("10.0.0.10"), {}}}});
    EXPECT_THAT(why.message, HasSubstr("are the same node"));
}

TEST_F(Deploying, RefusesANodeThatDoesNotAnswerButNotWhatStaysThere) {
    scene_.settled(website(), birch);
    scene_.silence(birch, 1min);
    EXPECT_EQ(refusal(db_on("birch")).about, About::application);
    EXPECT_TRUE(planned({{website()}, {{on("birch"), {web}}}}).changes.empty());
}

TEST_F(Deploying, RefusesAMoveAwayFromANodeThatDoesNotAnswer) {
    scene_.settled(database(), alder);
    scene_.silence(alder, 1min);
    EXPECT_THAT(refusal(db_on("birch")).message, HasSubstr("its data is on node alder, which does not answer"));
}

TEST_F(Deploying, RefusesAMoveThatThePoolHasNoRoomFor) {
    scene_.settled(database(), alder);
    scene_.report(alder).datasets.front().used = Bytes{1000};
    scene_.report(birch).pool_free = Bytes{1099};
    EXPECT_THAT(refusal(db_on("birch")).message, HasSubstr("its volume takes 1000 B"));
    scene_.report(birch).pool_free = Bytes{1100};
    EXPECT_EQ(planned(db_on("birch")).steps.front().kind, Kind::move);
}

TEST_F(Deploying, RefusesToMakeAVolumeSmallerThanWhatIsInIt) {
    const auto sized = [](std::uint64_t size) {
        Deployment deployment = db_on("alder");
        deployment.applications.front().volume->maximum_size = Bytes{size};
        return deployment;
    };
    scene_.settled(database(), alder);
    scene_.report(alder).datasets.front().used = Bytes{1000};
    const Refusal refusal = this->refusal(sized(999));
    EXPECT_EQ(refusal.name, db.value);
    EXPECT_THAT(refusal.message, HasSubstr("its volume holds 1000 B, and maximum_size is to be 999 B"));
    const auto plan = planned(sized(1000));
    ASSERT_EQ(plan.steps.size(), 1U);
    EXPECT_EQ(plan.steps.front().kind, Kind::keep) << "no restart";
    EXPECT_EQ(plan.steps.front().reason, "its volume may hold 1000 B");
    scene_.commit(plan.changes);
    scene_.report(alder).datasets.front().used = Bytes{1001};
    EXPECT_TRUE(planned(sized(1000)).changes.empty()) << "what does not change is not refused";
    EXPECT_THAT(planned(db_on("alder")).steps.front().reason, HasSubstr("what the pool has"));
    EXPECT_EQ(planned(sized(1001)).steps.front().kind, Kind::keep);
}

TEST_F(Deploying, RefusesAPortOfAnApplicationThatIsLeftAlone) {
    scene_.settled(website(), cedar);
    auto greedy = database();
    greedy.ports = {{5432, 8080}};
    const auto why = refusal({{greedy}, {{on("alder"), {db}}}});
    EXPECT_EQ(why.about, About::port);
    EXPECT_EQ(why.port, 8080);
}

TEST_F(Deploying, RefusesAPortThatAStrangerHasOnAnyNodeUnlessItIsTheApplicationsAlready) {
    scene_.report(cedar).taken_ports = {{22, Protocol::tcp, "sshd"}, {5432, Protocol::tcp, "container web"}};
    scene_.report(birch).taken_ports = {{5432, Protocol::udp, "named"}};
    const auto why = refusal(db_on("alder"));
    EXPECT_EQ(why.about, About::port);
    EXPECT_EQ(why.port, 5432);
    EXPECT_THAT(why.message, HasSubstr("external port 5432 is taken on node cedar by container web"));
    scene_.report(alder).taken_ports = {{5432, Protocol::tcp, ""}};
    EXPECT_EQ(refused(db_on("alder")).size(), 2U) << "each node is named";

    scene_.settled(database(), alder);
    EXPECT_EQ(planned(db_on("birch")).steps.front().kind, Kind::move) << "it has the port";
    auto other = database();
    other.ports = {{5432, 22}};
    EXPECT_EQ(refusal({{other}, {{on("alder"), {db}}}}).port, 22);
}

TEST_F(Deploying, RefusesADatasetOfAnApplicationThatIsLeftAlone) {
    scene_.settled(database(), cedar);
    auto thief = database();
    thief.name = ApplicationName{"thief"};
    thief.ports.clear();
    EXPECT_THAT(refusal({{thief}, {{on("alder"), {thief.name}}}}).message, HasSubstr("belongs to application db"));
}

TEST_F(Deploying, RefusesAVolumeThatIsBeingDestroyed) {
    scene_.settled(database(), alder);
    scene_.owned(database()).destroying = true;
    EXPECT_THAT(refusal(db_on("alder")).message, HasSubstr("is being destroyed"));
}

TEST_F(Deploying, AsksForAnImageThatNoNodeHas) {
    auto deployment = db_on("alder");
    deployment.applications.front().image = "elsewhere:1";
    EXPECT_EQ(planned(deployment).images_to_find, std::vector<std::string>{"elsewhere:1"});
    scene_.report(cedar).images.insert("elsewhere:1");
    EXPECT_TRUE(planned(deployment).images_to_find.empty());
}

// --- one application ----------------------------------------------------------------------------

TEST_F(Deploying, MovesOneApplicationAndTouchesNoOther) {
    scene_.settled(database(), alder);
    scene_.settled(website(), birch);
    const auto plan = accepted(plan_move(scene_.view(), db, NodeReference{"birch"}));
    const auto expected = predict(scene_.view(), scene_.owned(database()));
    EXPECT_EQ(plan.steps, (std::vector<Step>{{Kind::move, db, birch, alder, Bytes{0}, "", expected}}));
    EXPECT_FALSE(only<EraseWanted>(plan.changes));
}

TEST_F(Deploying, KeepsTheLimitOfAMoveAlsoWhenItIsTriedAgain) {
    scene_.settled(database(), alder);
    const auto limited = [&] {
        const auto plan = accepted(plan_move(scene_.view(), db, NodeReference{"birch"}, 10s));
        const auto* put = only<PutWanted>(plan.changes);
        return put && put->wanted.downtime_max == Duration{10s} && put->wanted.node == birch;
    };
    EXPECT_TRUE(limited());
    scene_.records.configuration.at(db).node = birch;
    scene_.records.configuration.at(db).place_as_written = on("birch");
    scene_.owned(database()).avoided_target = birch;
    EXPECT_TRUE(limited());
}

TEST_F(Deploying, RefusesALimitThatNoCalmMomentCouldKeep) {
    scene_.settled(database(), alder);
    const auto planned = plan_move(scene_.view(), db, NodeReference{"birch"}, 1ms);
    const auto* refusals = std::get_if<std::vector<Refusal>>(&planned);
    ASSERT_TRUE(refusals && refusals->size() == 1);
    EXPECT_NE(refusals->front().message.find("1 ms are allowed"), std::string::npos) << refusals->front().message;
}

TEST_F(Deploying, RefusesToMoveWhatIsNotConfigured) {
    const auto why = refusals(plan_move(scene_.view(), db, NodeReference{"birch"}));
    ASSERT_EQ(why.size(), 1U);
    EXPECT_EQ(why.front().message, "no application is called \"db\"");
}

// --- named replicas ------------------------------------------------------------------------------

class DeployingWithNamedReplicas : public Deploying {
protected:
    static Deployment db_with(const std::string& place, const std::vector<std::string>& nodes) {
        Deployment deployment = db_on(place);
        for (const auto& node : nodes) deployment.replicas[db].push_back(NodeReference{node});
        return deployment;
    }
    void name(std::set<NodeId> nodes) { scene_.records.configuration.at(db).replica_nodes = std::move(nodes); }
};

TEST_F(DeployingWithNamedReplicas, PutsThemIntoTheRecordsAndRestartsNothing) {
    scene_.settled(database(), alder);
    const auto plan = planned(db_with("alder", {"birch", "10.0.0.12"}));
    ASSERT_TRUE(only<PutWanted>(plan.changes));
    EXPECT_EQ(only<PutWanted>(plan.changes)->wanted.replica_nodes, (std::set{birch, cedar}));
    EXPECT_EQ(plan.steps, (std::vector<Step>{{Kind::keep, db, alder, alder, {}, "replicas on birch, cedar"}}));
    scene_.commit(plan.changes);
    EXPECT_TRUE(planned(db_with("alder", {"birch", "cedar"})).changes.empty());
    const auto without = planned(db_on("alder"));
    EXPECT_EQ(only<PutWanted>(without.changes)->wanted.replica_nodes, std::nullopt) << "the planner chooses again";
}

TEST_F(DeployingWithNamedReplicas, RefusesNodesThatCanNotBeMeant) {
    scene_.settled(database(), alder);
    const auto unknown = refusal(db_with("alder", {"birk"}));
    EXPECT_EQ(unknown.about, About::replica);
    EXPECT_EQ(unknown.name, "db");
    EXPECT_EQ(unknown.node, "birk");
    EXPECT_THAT(unknown.message, HasSubstr("no node is called \"birk\"; the nodes are: alder, birch, cedar"));
    EXPECT_THAT(refusal(db_with("alder", {"10.0.0.10"})).message, HasSubstr("it runs on alder itself"));
    EXPECT_THAT(refusal(db_with("alder", {"birch", "10.0.0.11"})).message, HasSubstr("name it once"));
}

TEST_F(DeployingWithNamedReplicas, RefusesNodesThatCanNotTakeAReplicaNowUnlessTheyHaveItAlready) {
    scene_.settled(database(), alder);
    scene_.report(alder).datasets.front().used = Bytes{400ULL << 20U};
    scene_.report(birch).pool_free = Bytes{500ULL << 20U};
    EXPECT_THAT(refusal(db_with("alder", {"birch"})).message, HasSubstr("has no room for its volume: 500 MiB free"));
    scene_.silence(birch, 6s);
    EXPECT_THAT(refusal(db_with("alder", {"birch"})).message, HasSubstr("node birch does not answer"));
    scene_.records.nodes.at(cedar).draining = true;
    EXPECT_THAT(refusal(db_with("alder", {"cedar"})).message, HasSubstr("is being drained"));
    scene_.owned(database()).replicas = {birch};
    planned(db_with("alder", {"birch"}));
    scene_.owned(database()).replicas = {};
    name({birch});
    planned(db_with("alder", {"birch"}));
}

TEST_F(DeployingWithNamedReplicas, LeavesThemNamedInAMoveThatMakesOneOfThemTheOwner) {
    scene_.settled(database(), alder);
    name({birch, cedar});
    const auto plan = accepted(plan_move(scene_.view(), db, NodeReference{"birch"}));
    EXPECT_EQ(only<PutWanted>(plan.changes)->wanted.replica_nodes, (std::set{birch, cedar}));
}

TEST_F(DeployingWithNamedReplicas, TakesTheSameManifestsAfterAFailoverToANamedNode) {
    scene_.settled(database(), alder);
    scene_.owned(database()).owner = birch;
    scene_.records.configuration.at(db).node = birch;
    name({birch});
    scene_.silence(alder, 6s);
    const auto plan = planned(db_with("alder", {"birch"}));
    EXPECT_TRUE(plan.changes.empty());
}

TEST_F(DeployingWithNamedReplicas, PlacesAnApplicationInADataCenterBesideThem) {
    Deployment deployment{{database()}, {{in("east"), {db}}}};
    deployment.replicas[db] = {NodeReference{"alder"}};
    EXPECT_EQ(only<PutWanted>(planned(deployment).changes)->wanted.node, birch);
}

TEST_F(Deploying, CallsOffAMoveThatIsNotCommittedOrThatWaits) {
    scene_.settled(database(), alder);
    EXPECT_THAT(refusals(plan_cancel(scene_.view(), db)).front().message, HasSubstr("not being moved, and stays on alder"));
    EXPECT_THAT(refusals(plan_cancel(scene_.view(), ApplicationName{"nothing"})).front().message, HasSubstr("no application"));
    scene_.records.configuration.at(db).node = birch;
    const auto check = [&] {
        const auto plan = accepted(plan_cancel(scene_.view(), db));
        ASSERT_TRUE(only<PutWanted>(plan.changes));
        EXPECT_EQ(only<PutWanted>(plan.changes)->wanted.node, alder);
        EXPECT_EQ(plan.steps, (std::vector<Step>{{Kind::keep, db, alder, alder, {}, "its move to birch is called off"}}));
    };
    check();
    for (const auto phase : {MovePhase::staging, MovePhase::sealing, MovePhase::trial}) {
        scene_.moving(database(), birch, phase);
        check();
    }
}

TEST_F(Deploying, DoesNotCallOffAMoveThatIsCommitted) {
    scene_.settled(database(), alder);
    scene_.moving(database(), birch, MovePhase::settling);
    scene_.owned(database()).owner = birch;
    scene_.records.configuration.at(db).node = birch;
    EXPECT_THAT(refusals(plan_cancel(scene_.view(), db)).front().message, HasSubstr("birch owns it; `flocker move db alder`"));
}

}  // namespace
}  // namespace flocker::plan
