// SPDX-License-Identifier: Apache-2.0
#include "usage/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "usage/read_shape.hpp"

namespace flocker::usage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::Contains;

/// A program with a command `move APPLICATION NODE`, which has a subcommand `ls`, and `config set KEY...`.
class AProgram : public ::testing::Test {
protected:
    AProgram() {
        app_.add_option("--context", text_, "Which cluster")->type_name("CONTEXT");
        CLI::App& move = *app_.add_subcommand("move", "Move one");
        move.add_option("APPLICATION", text_, "Its name")->required();
        move.add_option("NODE", text_, "Where to")->required();
        move.add_option("--to,-t", text_, "Where to")->type_name("NODE|APPLICATION");
        move.add_flag("--plan", flag_, "Only say it");
        move.add_option("--secret", text_, "Hidden")->group("");
        move.add_subcommand("ls", "The moves so far");
        app_.add_subcommand("config", "Settings")->add_subcommand("set", "Change")->add_option("KEY", words_, "Which");
        app_.add_subcommand("hidden", "Not shown")->group("");
    }
    [[nodiscard]] Wanted at(const std::vector<std::string>& words) const { return wanted_at_end(shape_of(app_), words); }
    [[nodiscard]] std::vector<std::string> words_at(const std::vector<std::string>& words) const {
        std::vector<std::string> found;
        for (const Candidate& each : at(words).words) found.push_back(each.word);
        return found;
    }

    CLI::App app_{"A program", "program"};
    std::string text_;
    std::vector<std::string> words_;
    bool flag_{false};
};

TEST_F(AProgram, IsReadAsItsHelpShowsIt) {
    const CommandShape shape = shape_of(app_);
    EXPECT_EQ(shape.name, "program");
    ASSERT_EQ(shape.subcommands.size(), 2U) << "what is hidden is not shown";
    const CommandShape& move = shape.subcommands[0];
    EXPECT_EQ(move.help, "Move one");
    const auto place = std::ranges::find(move.options, "NODE", &OptionShape::place);
    ASSERT_NE(place, move.options.end());
    EXPECT_TRUE(place->required);
    EXPECT_EQ(place->kind(), "NODE");
    const auto plan = std::ranges::find(move.options, std::vector<std::string>{"--plan"}, &OptionShape::names);
    ASSERT_NE(plan, move.options.end());
    EXPECT_EQ(plan->type, "");
}

TEST_F(AProgram, OffersItsCommandsFirst) {
    EXPECT_THAT(words_at({}), ElementsAre("move", "config"));
    EXPECT_THAT(words_at({""}), ElementsAre("move", "config"));
    EXPECT_THAT(words_at({"mo"}), ElementsAre("move", "config")) << "the shell takes those that fit";
    EXPECT_EQ(at({""}).words[0].help, "Move one");
}

TEST_F(AProgram, OffersSubcommandsAndNamesWhereEitherMayStand) {
    const Wanted wanted = at({"move", ""});
    EXPECT_THAT(wanted.words, ElementsAre(Candidate{"ls", "The moves so far"}));
    EXPECT_THAT(wanted.kinds, ElementsAre("APPLICATION"));
    const Wanted second = at({"move", "db", ""});
    EXPECT_THAT(second.words, IsEmpty());
    EXPECT_THAT(second.kinds, ElementsAre("NODE"));
    EXPECT_EQ(second.given.at("APPLICATION"), "db");
    EXPECT_THAT(at({"move", "db", "birch", ""}).kinds, IsEmpty());
}

TEST_F(AProgram, OffersOptionsOfTheCommandAndOfThoseAboveIt) {
    EXPECT_THAT(words_at({"move", "-"}), IsSupersetOf({"--plan", "--to", "-t", "--help", "--context"}));
    EXPECT_THAT(words_at({"move", "--"}), Not(Contains("--secret")));
    EXPECT_THAT(words_at({"move", "db", "--pl"}), Contains("--plan"));
}

TEST_F(AProgram, OffersWhatAnOptionTakes) {
    EXPECT_THAT(at({"move", "--to", ""}).kinds, ElementsAre("NODE", "APPLICATION"));
    EXPECT_THAT(at({"move", "--plan", ""}).kinds, ElementsAre("APPLICATION")) << "a flag takes nothing";
    EXPECT_THAT(at({"move", "--to", "birch", ""}).kinds, ElementsAre("APPLICATION"));
    EXPECT_THAT(at({"move", "--to=birch", ""}).kinds, ElementsAre("APPLICATION"));
    EXPECT_THAT(at({"--context", "x", "move", "--unknown", "db", ""}).kinds, ElementsAre("NODE"));
    EXPECT_THAT(at({"--context", ""}).kinds, ElementsAre("CONTEXT"));
}

TEST_F(AProgram, TakesEverythingBehindTwoDashesForAnArgument) {
    EXPECT_THAT(at({"move", "--", "ls", ""}).kinds, ElementsAre("NODE"));
    EXPECT_THAT(at({"move", "--", "-"}).kinds, ElementsAre("APPLICATION"));
}

TEST_F(AProgram, GoesOnOfferingWhatMayComeManyTimes) {
    EXPECT_THAT(at({"config", "set", "a", "b", "c", ""}).kinds, ElementsAre("KEY"));
}

}  // namespace
}  // namespace flocker::usage
