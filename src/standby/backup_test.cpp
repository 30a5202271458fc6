// SPDX-License-Identifier: Apache-2.0
#include "standby/backup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/sqlite/state_store.hpp"
#include "standby/testing.hpp"

namespace flocker::standby {
namespace {

using ::testing::HasSubstr;

Backup sample() {
    Backup backup;
    backup.records = testing::records_of(118);
    backup.head = {1, "abcd", Instant{1'760'000'000'000'000'000}, backup.records.revision};
    backup.events = {{7, Instant{1'760'000'000'000'000'000}, model::EventKind::deployed, "db", "on alder"}};
    return backup;
}

std::string refusal(const std::string& text) {
    const auto parsed = parse_backup(text);
    if (parsed) return "it was taken";
    EXPECT_EQ(parsed.error().code, ErrorCode::invalid_argument);
    return parsed.error().message;
}

TEST(ABackup, IsReadAsItWasWritten) {
    const auto parsed = parse_backup(to_text(sample()));
    ASSERT_TRUE(parsed.has_value()) << parsed.error();
    EXPECT_EQ(*parsed, sample());
}

TEST(ABackup, IsRefusedWhereverItWasCutOff) {
    const std::string text = to_text(sample());
    for (std::size_t size = 0; size < text.size(); ++size) {
        EXPECT_NE(refusal(text.substr(0, size)), "it was taken") << size;
    }
    EXPECT_THAT(refusal(text.substr(0, text.rfind('{'))), HasSubstr("its end is missing"));
}

TEST(ABackup, IsRefusedWhereverAByteOfItWasChanged) {
    const std::string text = to_text(sample());
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string changed = text;
        changed[at] = static_cast<char>(changed[at] ^ 1);
        EXPECT_NE(refusal(changed), "it was taken") << at;
    }
    EXPECT_THAT(refusal(text + "\n"), HasSubstr("its digest does not fit"));
}

TEST(ABackup, OfANewerFlockerOrOfNoneIsSaidToBeOne) {
    Backup newer = sample();
    newer.head.flocker_backup = 2;
    EXPECT_THAT(refusal(to_text(newer)), HasSubstr("a newer Flocker (form 2"));
    EXPECT_THAT(refusal("version: 1\n"), HasSubstr("no backup that `flocker backup` has made"));
    EXPECT_THAT(refusal("{}\n{}\n[]\n"), HasSubstr("no backup"));
    EXPECT_THAT(refusal(""), HasSubstr("no backup"));
}

TEST(TakingABackup, UsesWhatThisNodeHasWhenTheControlServiceDoesNotAnswerAndSaysSo) {
    const testing::Machine machine;
    EXPECT_THAT(take_backup(machine.node(), {}).error().message, HasSubstr("there is no " + machine.state().records()));
    EXPECT_FALSE(std::filesystem::exists(machine.state().records())) << "looking for it does not make it";

    ASSERT_TRUE(sqlite::write_file_of_records(machine.state().records(), sample().records, sample().events).has_value());
    const auto taken = take_backup(machine.node(), Instant{5});
    ASSERT_TRUE(taken.has_value()) << taken.error();
    EXPECT_THAT(taken->from_file, HasSubstr("does not answer"));
    EXPECT_EQ(taken->backup.records, sample().records);
    EXPECT_EQ(taken->backup.events, sample().events);
    EXPECT_EQ(taken->backup.head.authority, machine.authority_fingerprint());
    EXPECT_EQ(taken->backup.head.made, Instant{5});
}

}  // namespace
}  // namespace flocker::standby
