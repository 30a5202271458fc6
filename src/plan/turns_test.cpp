// SPDX-License-Identifier: Apache-2.0
#include "plan/turns.hpp"

#include <gtest/gtest.h>

#include "plan/limits.hpp"
#include "plan/testing.hpp"

namespace flocker::plan {
namespace {

using namespace model;
using namespace plan::testing;
using Indexes = std::vector<std::size_t>;

Round increment(const NodeId& to, Duration due = {}) { return {to, false, false, noon + due}; }
Round whole(const NodeId& to, Duration due = {}) { return {to, true, false, noon + due}; }
Round of_move(Round round) {
    round.moving = true;
    return round;
}
std::vector<Round> many(std::size_t count, const Round& round) { return std::vector<Round>(count, round); }
/// As many increments of replicas as there may be.
std::vector<Round> all_increments() {
    std::vector<Round> rounds;
    for (std::size_t i = 0; i < increments_at_once; ++i) {
        rounds.push_back(increment(NodeId{"node" + std::to_string(i / increments_to_one_node)}));
    }
    return rounds;
}

TEST(Turns, GoToWhatIsNearestToBreakingItsLag) {
    EXPECT_EQ(turns({}, {increment(birch, 3s), increment(cedar, 1s), increment(birch, 2s)}), (Indexes{1, 2, 0}));
    std::vector<Round> under_way = all_increments();
    under_way.pop_back();
    EXPECT_EQ(turns(under_way, {increment(birch, 3s), increment(cedar, 1s), increment(birch, 2s)}), (Indexes{1}));
}

TEST(Turns, GoToMovesFirst) {
    EXPECT_EQ(turns({}, {increment(birch, -60s), of_move(increment(cedar, 5s))}), (Indexes{1, 0}));
}

TEST(Turns, AMoveNeverWaitsBehindReplicas) {
    EXPECT_EQ(turns(all_increments(), {increment(cedar, -60s), of_move(increment(cedar))}), (Indexes{1}));
    EXPECT_EQ(turns(many(full_copies_at_once, whole(birch)), {whole(cedar), of_move(whole(cedar))}), (Indexes{1}));
}

TEST(Turns, MovesWaitForEachOtherInTheirOrder) {
    const auto copies = many(full_copies_at_once, of_move(whole(birch)));
    EXPECT_EQ(turns(copies, {of_move(whole(cedar))}), Indexes{});
    EXPECT_EQ(turns({copies.front()}, {of_move(whole(cedar, 2s)), of_move(whole(cedar, 1s))}), (Indexes{1}));
}

TEST(Turns, OneIsLeftForReplicasHoweverManyMovesThereAre) {
    EXPECT_EQ(turns(many(increments_at_once, of_move(increment(birch))), {increment(cedar), increment(birch)}), (Indexes{0}));
    EXPECT_EQ(turns(many(full_copies_at_once, of_move(whole(birch))), {whole(cedar), whole(birch)}), (Indexes{0}));
}

TEST(Turns, FullCopiesAndIncrementsTakeNoPlaceFromEachOther) {
    EXPECT_EQ(turns(many(full_copies_at_once, whole(birch)), {whole(cedar), increment(birch)}), (Indexes{1}));
    EXPECT_EQ(turns(all_increments(), {whole(cedar), increment(birch)}), (Indexes{0}));
}

TEST(Turns, ANodeThatDoesNotAnswerTakesNotAllPlaces) {
    const auto hanging = many(increments_to_one_node, increment(birch));
    EXPECT_EQ(turns(hanging, {increment(birch, -60s), increment(cedar)}), (Indexes{1}));
}

}  // namespace
}  // namespace flocker::plan
