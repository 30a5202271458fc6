// SPDX-License-Identifier: Apache-2.0
//
// What every ports::StateStore does. Include it in one source of a test program, and name the stores:
//
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StateStoreContract, ::testing::Values(StateStoreMaker{"sqlite", make}));
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ports/state_store.hpp"

namespace flocker::contract {

/// One empty store and the loop on which it answers.
class StateStoreHarness {
public:
    virtual ~StateStoreHarness() = default;
    virtual ports::StateStore& store() = 0;
    /// As if the process had died and come again. References to the store are void.
    virtual void reopen() = 0;
    /// Runs the loop until it is so.
    virtual void run_until(std::function<bool()> met) = 0;
};

struct StateStoreMaker {
    std::string name;
    std::function<std::unique_ptr<StateStoreHarness>()> make;
    friend std::ostream& operator<<(std::ostream& out, const StateStoreMaker& maker) { return out << maker.name; }
};

/// Waits for the outcome of a call, given as a function that takes its Done.
template <class T>
Result<T> outcome_of(StateStoreHarness& harness, const std::function<void(Done<T>)>& call) {
    std::optional<Result<T>> outcome;
    bool returned = false;
    call([&](Result<T> ended) {
        EXPECT_TRUE(returned) << "done was called before the call had returned";
        EXPECT_FALSE(outcome.has_value()) << "done was called twice";
        outcome = std::move(ended);
    });
    returned = true;
    harness.run_until([&] { return outcome.has_value(); });
    return *std::move(outcome);
}

inline Result<model::Records> load(StateStoreHarness& harness) {
    return outcome_of<model::Records>(harness, [&](auto done) { harness.store().load(done); });
}
inline Result<model::Revision> commit(StateStoreHarness& harness, std::uint64_t expected,
                                      const std::vector<model::Change>& changes) {
    return outcome_of<model::Revision>(
        harness, [&](auto done) { harness.store().commit(model::Revision{expected}, changes, done); });
}
inline Result<std::vector<model::Event>> events(StateStoreHarness& harness, std::uint64_t after, std::uint32_t limit) {
    return outcome_of<std::vector<model::Event>>(harness,
                                                 [&](auto done) { harness.store().events(after, limit, done); });
}

inline model::Node node(const std::string& name) {
    model::Node value;
    value.id = model::NodeId{"id-" + name};
    value.name = name;
    value.labels = {{"disk", "ssd"}};
    return value;
}
inline model::Wanted wanted(const std::string& name, const std::string& image) {
    model::Wanted value;
    value.application.name = model::ApplicationName{name};
    value.application.image = image;
    value.application.ports = {{5432, 5432}};
    value.application.environment = {{"PASSWORD", "a \"quoted\" secret\n"}};
    value.place_as_written = model::DatacenterName{"fra"};
    value.node = model::NodeId{"id-alder"};
    return value;
}
inline model::Ownership ownership(const std::string& subject, std::uint64_t move) {
    model::Ownership value;
    value.subject = model::SubjectId{subject};
    value.dataset = model::DatasetId{subject};
    value.owner = model::NodeId{"id-alder"};
    value.replicas = {model::NodeId{"id-birch"}, model::NodeId{"id-cedar"}};
    if (move == 0) return value;
    value.move.emplace();
    value.move->id = model::MoveId{move};
    value.move->phase = model::MovePhase::trial;
    value.move->sealed = model::SnapshotId{model::Epoch{3}, 42};
    value.move->started = Instant{1'790'000'000'000'000'001};
    return value;
}
inline model::Event event(const std::string& text) {
    model::Event value;
    value.at = Instant{1'790'000'000'000'000'001};
    value.kind = model::EventKind::move_started;
    value.text = text;
    return value;
}

class StateStoreContract : public ::testing::TestWithParam<StateStoreMaker> {
protected:
    StateStoreContract() : harness_(GetParam().make()) {}

    model::Records loaded() {
        auto records = load(*harness_);
        EXPECT_TRUE(records.has_value()) << records.error();
        return records ? *std::move(records) : model::Records{};
    }

    std::unique_ptr<StateStoreHarness> harness_;
};

TEST_P(StateStoreContract, IsEmptyAtRevisionZeroWhenItIsNew) {
    EXPECT_TRUE(loaded() == model::Records{});
    const auto none = events(*harness_, 0, 100);
    ASSERT_TRUE(none.has_value()) << none.error();
    EXPECT_TRUE(none->empty());
}

TEST_P(StateStoreContract, GivesEachCommitTheNextRevision) {
    EXPECT_EQ(*commit(*harness_, 0, {model::PutNode{node("alder")}}), model::Revision{1});
    EXPECT_EQ(*commit(*harness_, 1, {}), model::Revision{2});
    harness_->reopen();
    EXPECT_EQ(*commit(*harness_, 2, {model::PutNode{node("birch")}}), model::Revision{3});
    EXPECT_EQ(loaded().revision, model::Revision{3});
}

TEST_P(StateStoreContract, RefusesACommitThatExpectsAnotherRevision) {
    ASSERT_TRUE(commit(*harness_, 0, {model::PutNode{node("alder")}}).has_value());
    const auto before = loaded();
    for (const std::uint64_t expected : {0U, 2U, 1000U}) {
        const auto refused =
            commit(*harness_, expected, {model::PutNode{node("birch")}, model::AddEvent{event("birch joined")}});
        ASSERT_FALSE(refused.has_value());
        EXPECT_EQ(refused.error().code, ErrorCode::conflict);
    }
    EXPECT_TRUE(loaded() == before);
    EXPECT_TRUE(events(*harness_, 0, 100)->empty());
    harness_->reopen();
    EXPECT_TRUE(loaded() == before);
}

TEST_P(StateStoreContract, ServesCallsInTheOrderInWhichTheyCome) {
    std::vector<std::string> outcomes;
    const auto note = [&](const char* which) {
        return [&outcomes, which](const Result<model::Revision>& ended) {
            outcomes.push_back(std::string(which) +
                               (ended ? " is " + std::to_string(ended->value) : std::string(" fails")));
        };
    };
    harness_->store().commit(model::Revision{0}, {model::PutNode{node("alder")}}, note("first"));
    harness_->store().commit(model::Revision{1}, {model::PutNode{node("birch")}}, note("second"));
    harness_->store().commit(model::Revision{1}, {model::EraseNode{node("alder").id}}, note("stale"));
    harness_->store().commit(model::Revision{2}, {model::EraseNode{node("birch").id}}, note("third"));
    const auto records = loaded();
    EXPECT_EQ(outcomes, (std::vector<std::string>{"first is 1", "second is 2", "stale fails", "third is 3"}));
    EXPECT_EQ(records.nodes.size(), 1U);
    EXPECT_EQ(records.nodes.count(node("alder").id), 1U);
}

TEST_P(StateStoreContract, AppliesTheChangesOfACommitInTheirOrder) {
    ASSERT_TRUE(commit(*harness_, 0,
                       {model::PutWanted{wanted("db", "db:1")}, model::EraseWanted{model::ApplicationName{"db"}},
                        model::PutWanted{wanted("db", "db:2")}, model::PutNode{node("alder")},
                        model::EraseNode{node("alder").id}})
                    .has_value());
    const auto records = loaded();
    EXPECT_TRUE(records.nodes.empty());
    EXPECT_TRUE(records.configuration.at(model::ApplicationName{"db"}) == wanted("db", "db:2"));
}

TEST_P(StateStoreContract, RemembersTheHighestMoveEvenAfterItIsOver) {
    ASSERT_TRUE(commit(*harness_, 0, {model::PutOwnership{ownership("d1", 7)}}).has_value());
    ASSERT_TRUE(commit(*harness_, 1, {model::PutOwnership{ownership("d1", 0)}, model::PutOwnership{ownership("d2", 5)}})
                    .has_value());
    ASSERT_TRUE(commit(*harness_, 2, {model::EraseOwnership{model::SubjectId{"d1"}}}).has_value());
    harness_->reopen();
    EXPECT_EQ(loaded().last_move, 7U);
}

TEST_P(StateStoreContract, LoadsWhatApplyMakesOfTheSameChanges) {
    std::mt19937_64 dice(11);
    const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(dice() % limit); };
    const auto name = [&] { return std::string(1, static_cast<char>('a' + below(6))); };
    model::Records expected;
    for (int round = 0; round < 60; ++round) {
        std::vector<model::Change> changes;
        for (auto left = below(6); left > 0; --left) {
            switch (below(7)) {
                case 0: changes.emplace_back(model::PutNode{node(name())}); break;
                case 1: changes.emplace_back(model::EraseNode{node(name()).id}); break;
                case 2: changes.emplace_back(model::PutWanted{wanted(name(), "image:" + name())}); break;
                case 3: changes.emplace_back(model::EraseWanted{model::ApplicationName{name()}}); break;
                case 4: changes.emplace_back(model::PutOwnership{ownership(name(), below(100))}); break;
                case 5: changes.emplace_back(model::EraseOwnership{model::SubjectId{name()}}); break;
                default: changes.emplace_back(model::AddEvent{event(name())}); break;
            }
        }
        const auto revision = commit(*harness_, expected.revision.value, changes);
        ASSERT_TRUE(revision.has_value()) << revision.error();
        for (const auto& change : changes) model::apply(change, expected);
        expected.revision = *revision;
        if (below(4) == 0) harness_->reopen();
        ASSERT_TRUE(loaded() == expected) << "after round " << round;
    }
}

TEST_P(StateStoreContract, NumbersEventsAcrossCommitsAndReopenings) {
    auto stamped = event("one");
    stamped.number = 999;  // The store's to give, not the caller's.
    ASSERT_TRUE(commit(*harness_, 0, {model::AddEvent{stamped}, model::AddEvent{event("two")}}).has_value());
    harness_->reopen();
    ASSERT_TRUE(commit(*harness_, 1, {model::AddEvent{event("three")}}).has_value());

    const auto all = events(*harness_, 0, 100);
    ASSERT_TRUE(all.has_value()) << all.error();
    ASSERT_EQ(all->size(), 3U);
    EXPECT_EQ(all->at(0).text, "one");
    EXPECT_EQ(all->at(2).text, "three");
    EXPECT_LT(all->at(0).number, all->at(1).number);
    EXPECT_LT(all->at(1).number, all->at(2).number);
    EXPECT_LT(all->at(2).number, 999U);
    auto as_given = event("two");
    as_given.number = all->at(1).number;
    EXPECT_TRUE(all->at(1) == as_given);
}

TEST_P(StateStoreContract, GivesEventsFromWhereOneLeftOff) {
    std::vector<model::Change> changes;
    for (int i = 0; i < 10; ++i) changes.emplace_back(model::AddEvent{event(std::to_string(i))});
    ASSERT_TRUE(commit(*harness_, 0, changes).has_value());
    const auto first = *events(*harness_, 0, 4);
    ASSERT_EQ(first.size(), 4U);
    EXPECT_EQ(first.back().text, "3");
    const auto rest = *events(*harness_, first.back().number, 100);
    ASSERT_EQ(rest.size(), 6U);
    EXPECT_EQ(rest.front().text, "4");
    EXPECT_TRUE(events(*harness_, rest.back().number, 100)->empty());
    EXPECT_TRUE(events(*harness_, UINT64_MAX, 100)->empty());
    EXPECT_TRUE(events(*harness_, 0, 0)->empty());
}

}  // namespace flocker::contract
