// SPDX-License-Identifier: Apache-2.0
#include "standby/takeover.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flocker::standby {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

model::ControlWord word(const std::string& node, Duration silence, std::uint64_t copied) {
    return {model::NodeId{node}, {"10.0.0.1", 4523, 4524, 0}, false, silence, model::Revision{copied}, {}};
}

/// cedar looks around a minute after alder, which had the control service, was lost; birch answers.
class AMinuteAfterTheLoss : public ::testing::Test {
protected:
    AMinuteAfterTheLoss() {
        situation_.own = word("cedar", 60s, 118);
        situation_.others.push_back({node("alder", "10.0.0.1"), fail(ErrorCode::timed_out, "no answer")});
        situation_.others.push_back({node("birch", "10.0.0.2"), word("birch", 59s, 118)});
    }
    static model::Node node(const std::string& name, const std::string& address) {
        model::Node made;
        made.id = model::NodeId{name};
        made.name = name;
        made.address = address;
        return made;
    }
    model::ControlWord& of_birch() { return *situation_.others[1].word; }
    void judged() { judge(situation_); }

    Situation situation_;
};

TEST_F(AMinuteAfterTheLoss, NothingSpeaksAgainstIt) {
    judged();
    EXPECT_THAT(situation_.against, IsEmpty());
    EXPECT_THAT(situation_.doubts, IsEmpty());
}

TEST_F(AMinuteAfterTheLoss, AnotherNodeThatHearsTheControlServiceIsAWitnessThatItLives) {
    of_birch().silence = 2s;
    judged();
    EXPECT_THAT(situation_.against, ElementsAre(HasSubstr("birch has heard the control service at 10.0.0.1")));
}

TEST_F(AMinuteAfterTheLoss, SoIsThisOne) {
    situation_.own.silence = 4s;
    judged();
    EXPECT_THAT(situation_.against, ElementsAre(HasSubstr("so it is not lost")));
}

TEST_F(AMinuteAfterTheLoss, AControlServiceThatAnswersIsNotLost) {
    situation_.others[0].word = word("alder", {}, 120);
    situation_.others[0].word->serves = true;
    judged();
    EXPECT_THAT(situation_.against, ElementsAre(HasSubstr("answers at 10.0.0.1 (alder)")));
}

TEST_F(AMinuteAfterTheLoss, ATakeoverElsewhereIsNotRepeatedHere) {
    of_birch().place = {"10.0.0.2", 4523, 4524, 1};
    of_birch().serves = true;
    judged();
    EXPECT_THAT(situation_.against, ElementsAre(HasSubstr("taken over already")));
}

TEST_F(AMinuteAfterTheLoss, TheNewestCopyIsTheOneToGoOnWith) {
    of_birch().copied = model::Revision{121};
    judged();
    EXPECT_THAT(situation_.against, IsEmpty());
    EXPECT_THAT(situation_.doubts, ElementsAre(HasSubstr("birch has a newer copy of the records: 3 commits")));
}

TEST_F(AMinuteAfterTheLoss, HalfOfTheNodesMayBeTheWrongHalf) {
    situation_.others[1].word = fail(ErrorCode::timed_out, "no answer");
    judged();
    EXPECT_THAT(situation_.doubts, ElementsAre(HasSubstr("only 1 of 3 nodes can be reached")));
}

TEST_F(AMinuteAfterTheLoss, WithoutACopyThereIsNothingToGoOnWith) {
    situation_.own.copied = model::Revision{0};
    judged();
    EXPECT_THAT(situation_.against, ElementsAre(HasSubstr("no copy of the records")));
}

}  // namespace
}  // namespace flocker::standby
