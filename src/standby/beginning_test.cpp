// SPDX-License-Identifier: Apache-2.0
#include "standby/beginning.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "adapters/sqlite/state_store.hpp"
#include "codec/json.hpp"
#include "plan/takeover.hpp"
#include "standby/place.hpp"
#include "standby/testing.hpp"

namespace flocker::standby {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

model::Assignment told(std::uint64_t revision, const std::string& node = tls::testing::alder) {
    model::Assignment assignment;
    assignment.node = model::NodeId{node};
    assignment.revision = model::Revision{revision};
    return assignment;
}

TEST(RecordsToBeginWith, MayBeMissingOnlyOnANodeThatHasNeverBeenToldAnything) {
    EXPECT_EQ(what_is_wrong(std::nullopt, 0, std::nullopt), "");
    EXPECT_THAT(what_is_wrong(std::nullopt, 0, told(12)), HasSubstr("is gone, and this node has been told revision 12"));
    EXPECT_EQ(what_is_wrong(std::nullopt, 2, std::nullopt), "is gone");
}

TEST(RecordsToBeginWith, AreNeverOlderThanWhatWasSaidByThem) {
    EXPECT_EQ(what_is_wrong(testing::records_of(12), 0, told(12)), "");
    EXPECT_EQ(what_is_wrong(testing::records_of(12), 0, std::nullopt), "");
    EXPECT_THAT(what_is_wrong(testing::records_of(11), 0, told(12)), HasSubstr("older (revision 11)"));
    EXPECT_THAT(what_is_wrong(testing::records_of(12), 1, told(12)), HasSubstr("a restore broke off"));
    const auto restored = plan::restored(testing::records_of(3), {model::Revision{12}, {}}, {});
    EXPECT_EQ(what_is_wrong(restored, 1, told(12)), "");
}

class TheBeginning : public ::testing::Test {
protected:
    void told_it(const model::Assignment& assignment) const {
        std::ofstream(machine_.state().assignment()) << codec::encode(assignment);
    }
    [[nodiscard]] Result<Beginning> begun() const {
        const OwnNode node = machine_.node();
        return begin(node.config, node.identity);
    }
    [[nodiscard]] std::string refusal() const {
        const auto beginning = begun();
        return beginning ? "it begins" : beginning.error().message;
    }
    void write(std::uint64_t revision) const {
        ASSERT_TRUE(sqlite::write_file_of_records(machine_.state().records(), testing::records_of(revision), {}).has_value());
    }

    testing::Machine machine_;
};

TEST_F(TheBeginning, OfANewClusterNeedsNoRecords) {
    EXPECT_EQ(refusal(), "it begins");
    told_it(told(12, tls::testing::birch));
    EXPECT_EQ(refusal(), "it begins") << "what a node was told that this machine was before says nothing";
}

TEST_F(TheBeginning, IsRefusedWithTheFileAndWhatToDoWhenTheRecordsAreDamaged) {
    write(12);
    std::filesystem::resize_file(machine_.state().records(), 5000);
    EXPECT_THAT(refusal(), AllOf(HasSubstr(machine_.state().records() + " is damaged"), HasSubstr("flocker restore FILE"),
                                 HasSubstr("flocker control takeover")));
    EXPECT_EQ(std::filesystem::file_size(machine_.state().records()), 5000U) << "left as it is";
}

TEST_F(TheBeginning, IsRefusedInTheSameWayWhenTheyAreGoneOrOld) {
    told_it(told(12));
    EXPECT_THAT(refusal(), AllOf(HasSubstr(machine_.state().records() + " is gone"), HasSubstr("flocker restore FILE")));
    EXPECT_FALSE(std::filesystem::exists(machine_.state().records())) << "nothing empty is put in its place";
    write(11);
    EXPECT_THAT(refusal(), AllOf(HasSubstr("older (revision 11)"), HasSubstr("flocker restore FILE")));
    std::filesystem::remove(machine_.state().records());
    write(12);
    EXPECT_EQ(refusal(), "it begins");
}

TEST_F(TheBeginning, SetsDamagedRecordsAsideWhenTheControlServiceIsElsewhere) {
    write(12);
    std::filesystem::resize_file(machine_.state().records(), 5000);
    ASSERT_TRUE(write_place(machine_.node().config, {"10.0.0.2", 4523, 4524, 1}).has_value());
    const auto beginning = begun();
    ASSERT_TRUE(beginning.has_value()) << beginning.error();
    EXPECT_EQ(beginning->place.address, "10.0.0.2");
    EXPECT_TRUE(std::filesystem::exists(beginning->set_aside));
    EXPECT_FALSE(std::filesystem::exists(machine_.state().records()));
}

}  // namespace
}  // namespace flocker::standby
