// SPDX-License-Identifier: Apache-2.0
#include "standby/restore.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "adapters/sqlite/state_store.hpp"
#include "codec/json.hpp"
#include "standby/beginning.hpp"
#include "standby/place.hpp"
#include "standby/testing.hpp"

namespace flocker::standby {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Instant now{1'763'801'463'000'000'000};

class ARestore : public ::testing::Test {
protected:
    ARestore() {
        backup_.records = testing::records_of(100);
        backup_.head = {1, machine_.authority_fingerprint(), Instant{5}, backup_.records.revision};
    }
    void write(const model::Records& records) const {
        ASSERT_TRUE(sqlite::write_file_of_records(machine_.state().records(), records, {}).has_value());
    }
    [[nodiscard]] RestoreSituation look() const { return look_before_restore(machine_.node(), backup_); }
    [[nodiscard]] Result<Restored> done() const { return restore(machine_.node(), backup_, look(), now); }
    [[nodiscard]] bool begins() const { return begin(machine_.node().config, machine_.node().identity).has_value(); }
    [[nodiscard]] model::Records in_force() const { return sqlite::read_file_of_records(machine_.state().records()).value(); }

    testing::Machine machine_;
    Backup backup_;
};

TEST_F(ARestore, PutsTheBackupInForceAsATakeoverDoesAndKeepsWhatWasThere) {
    write(testing::records_of(130));
    const auto restored = done();
    ASSERT_TRUE(restored.has_value()) << restored.error();
    EXPECT_EQ(restored->set_aside, machine_.state().file("control-before-restore-20251122T085103Z.sqlite"));
    EXPECT_EQ(sqlite::read_file_of_records(restored->set_aside)->revision, model::Revision{130});
    EXPECT_EQ(in_force().takeover->copied, model::Revision{100});
    EXPECT_EQ(plan::term_of(in_force().revision), 1U);
    const auto events = sqlite::read_file_of_events(machine_.state().records());
    EXPECT_EQ(events->back().kind, model::EventKind::records_restored);
    EXPECT_TRUE(begins());
}

TEST_F(ARestore, OutranksAnEarlierOneAndLaterTakeovers) {
    write(testing::records_of(130));
    ASSERT_TRUE(done().has_value());
    ASSERT_TRUE(restore(machine_.node(), backup_, look(), now + 1s).has_value());
    EXPECT_EQ(plan::term_of(in_force().revision), 2U);
}

TEST_F(ARestore, ReplacesDamagedRecordsAndLearnsMembersFromWhatTheAgentWasTold) {
    std::ofstream(machine_.state().records()) << "rubbish";
    model::Assignment told;
    told.node = model::NodeId{tls::testing::alder};
    told.revision = model::Revision{140};
    told.nodes = {testing::member(tls::testing::alder, "alder"), testing::member(tls::testing::birch, "birch")};
    std::ofstream(machine_.state().assignment()) << codec::encode(told);
    EXPECT_FALSE(begins());
    const auto situation = look();
    EXPECT_THAT(situation.own_fault, HasSubstr("damaged"));
    EXPECT_THAT(situation.notes, ElementsAre(HasSubstr("birch does not answer")));
    ASSERT_TRUE(done().has_value());
    EXPECT_TRUE(in_force().nodes.contains(model::NodeId{tls::testing::birch})) << "it joined after the backup";
    EXPECT_TRUE(begins());
}

TEST_F(ARestore, ThatBrokeOffLeavesNothingThatAControlServiceBeginsWithAndIsDoneAgain) {
    write(testing::records_of(130));
    // As far as it was: the place is written, the former records are renamed.
    ASSERT_TRUE(write_place(machine_.node().config, {"127.0.0.1", 1, 1, 1}).has_value());
    EXPECT_FALSE(begins());
    std::filesystem::rename(machine_.state().records(), machine_.state().file("aside"));
    EXPECT_FALSE(begins());
    ASSERT_TRUE(done().has_value());
    EXPECT_EQ(plan::term_of(in_force().revision), 2U);
    EXPECT_TRUE(begins());
}

TEST_F(ARestore, IsRefusedForAnotherCluster) {
    write(testing::records_of(130));
    backup_.head.authority = "another";
    EXPECT_THAT(look().against, ElementsAre(HasSubstr("another cluster")));
}

TEST_F(ARestore, IsRefusedWhereTheControlServiceIsNot) {
    ASSERT_TRUE(write_place(machine_.node().config, {"10.0.0.2", 4523, 4524, 1}).has_value());
    EXPECT_THAT(look().against, ElementsAre(HasSubstr("the control service is at 10.0.0.2")));
}

TEST_F(ARestore, IsRefusedWhileAControlServiceHasTheRecordsOpen) {
    write(testing::records_of(130));
    const auto held = sqlite::hold_file_of_records(machine_.state().records());
    EXPECT_THAT(look().against, ElementsAre(HasSubstr("systemctl stop flockerd")));
    EXPECT_EQ(restore(machine_.node(), backup_, {}, now).error().code, ErrorCode::unavailable);
    EXPECT_FALSE(std::filesystem::exists(machine_.state().place()));
}

TEST_F(ARestore, SaysWhoHasANewerCopy) {
    RestoreSituation situation;
    situation.own = model::Revision{110};
    situation.known.newest = model::Revision{110};
    const auto word = [](const std::string& node, std::uint64_t copied) {
        return model::ControlWord{model::NodeId{node}, {}, false, {}, model::Revision{copied}, {testing::member("d", "dill")}};
    };
    heed_words(situation, backup_,
               {{testing::member("b", "birch"), word("b", 105)},
                {testing::member("c", "cedar"), word("c", 118)},
                {testing::member("e", "elm"), fail(ErrorCode::timed_out, "no answer")}});
    EXPECT_THAT(situation.notes, ElementsAre(HasSubstr("cedar has a newer copy of the records, of revision 118"),
                                             HasSubstr("elm does not answer")));
    EXPECT_EQ(situation.known.newest, model::Revision{118});
    EXPECT_EQ(situation.known.members.size(), 1U);
}

}  // namespace
}  // namespace flocker::standby
