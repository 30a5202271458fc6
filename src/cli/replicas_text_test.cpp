// SPDX-License-Identifier: Apache-2.0
#include "cli/replicas_text.hpp"

#include <gmock/gmock.h>

#include "cli/testing.hpp"

namespace flocker::cli {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

model::SnapshotId snapshot(std::uint64_t sequence) {
    return {model::Epoch{3}, sequence};
}

/// Two replicas, one of them in its first copy.
api::VolumeEntry volume() {
    api::VolumeEntry volume;
    volume.dataset = model::DatasetId{"11111111-2222-4333-8444-555555555555"};
    volume.application = "db";
    volume.owner_node = "alder";
    volume.epoch = model::Epoch{3};
    volume.established = true;
    volume.mountpoint = "/data";
    volume.wished_replicas = 2;
    volume.wished_lag = 1s;
    volume.copies = {{"alder", true, true, {3ULL << 30U}, true, false, false, true, {}},
                     {"birch", false, true, {3ULL << 30U}, false, false, false, {}, {{snapshot(4), clock_start}}},
                     {"cedar", false, true, {}, false, false, false, {}, {}}};
    volume.replicas = {{"birch", snapshot(4), 400ms, {12'000}, 300ms, "", {}, {}},
                       {"cedar", {}, {}, {}, 300ms, "the first copy is not complete", {43}, {100}}};
    return volume;
}

std::string behind(const api::ReplicaEntry& replica) {
    return behind_cell(volume(), replica).text;
}

TEST(LagText, HasADecimalWhereItTellsSomething) {
    EXPECT_EQ(lag_text(0s), "0.0 s");
    EXPECT_EQ(lag_text(430ms), "0.4 s");
    EXPECT_EQ(lag_text(9940ms), "9.9 s");
    EXPECT_EQ(lag_text(12s), "12 s");
    EXPECT_EQ(lag_text(4 * 60s), "4 min");
}

TEST(BehindCell, SaysHowFarAndWhyAndHowOldTheProofIs) {
    auto replica = volume().replicas[0];
    EXPECT_EQ(behind(replica), "0.4 s");
    EXPECT_EQ(behind_cell(volume(), replica).tone, Tone::good);
    replica.behind = 12s;
    replica.reason = "birch does not answer";
    EXPECT_EQ(behind(replica), "12 s: birch does not answer");
    EXPECT_EQ(behind_cell(volume(), replica).tone, Tone::bad);
    replica.behind = 400ms;
    replica.reason = "alder does not answer";
    replica.proof_age = 95s;
    EXPECT_EQ(behind(replica), "0.4 s, as of 95 s ago: alder does not answer");
}

TEST(BehindCell, TellsAFirstCopyFromCatchingUp) {
    auto replica = volume().replicas[1];
    EXPECT_EQ(behind(replica), "first copy 43 %");
    EXPECT_EQ(behind_cell(volume(), replica).tone, Tone::busy);
    replica.round_sent = {1000};
    EXPECT_EQ(behind(replica), "first copy 99 %") << "an estimate may be too small";
    replica.round_expected = {};
    EXPECT_EQ(behind(replica), "first copy");
    replica.reason = "no room on cedar";
    EXPECT_EQ(behind(replica), "first copy: no room on cedar");
    replica.node = "birch";
    EXPECT_EQ(behind(replica), "catching up: no room on cedar");
}

TEST(ReplicasTable, HasARowForEachReplicaAndForThoseThatAreMissing) {
    auto lonely = volume();
    lonely.application = "queue";
    lonely.copies.resize(1);
    lonely.replicas.clear();
    auto detached = volume();
    detached.application.reset();
    auto none = volume();
    none.wished_replicas = 0;
    none.replicas.clear();

    EXPECT_EQ(replicas_table({volume(), lonely, detached, none}, {}),
              "VOLUME   OWNER   REPLICA   BEHIND\n"
              "db       alder   birch     0.4 s\n"
              "db       alder   cedar     first copy 43 %\n"
              "queue    alder             0 of 2 wished, no place for more yet\n");
    EXPECT_EQ(replicas_table({none}, {}), "");
    EXPECT_EQ(replicas_text(volume()), "birch 0.4 s, cedar first copy 43 %");
}

TEST(ReplicasTable, FitsTheTerminal) {
    auto long_winded = volume();
    long_winded.replicas[0].reason = std::string(200, 'x');
    const std::string text = replicas_table({long_winded}, {60, false});
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
        EXPECT_LE(text.find('\n', at) - at, 62U) << "the ellipsis has three bytes";
    }
}

TEST(VolumeText, ShowsLagBytesAndTheAgeOfTheProof) {
    const std::string text = volume_text(volume(), {});

    EXPECT_THAT(text, HasSubstr("Replicas     2 wished, at most 1s behind, in other data centers first\n"));
    EXPECT_THAT(text, HasSubstr("REPLICA   BEHIND            BYTES    PROVEN      HOLDS\n"
                                "birch     0.4 s             12 KiB   0.3 s ago   e3-s4\n"
                                "cedar     first copy 43 %            0.3 s ago\n"));
    EXPECT_THAT(text, Not(HasSubstr("Set aside")));
}

TEST(VolumeText, ShowsWhatWasSetAside) {
    auto diverged = volume();
    diverged.copies[2].set_aside = {{{model::Epoch{2}, 9}, clock_start, {5ULL << 20U}}};
    diverged.copies[1].leaving = true;

    const std::string text = volume_text(diverged, {});

    EXPECT_THAT(text, HasSubstr("Set aside: what a former owner wrote and no other node has. It is kept there.\n"
                                "NODE    SNAPSHOT   TAKEN                      SIZE\n"
                                "cedar   e2-s9      2025-10-09T08:53:20.000Z   5.0 MiB\n"));
    EXPECT_THAT(text, HasSubstr("cedar   set aside only"));
    EXPECT_THAT(text, HasSubstr("birch   being let go"));

    EXPECT_EQ(snapshots_text(diverged, {}),
              "NODE    SNAPSHOT   KIND        TAKEN                      SIZE\n"
              "birch   e3-s4      snapshot    2025-10-09T08:53:20.000Z   3.0 GiB\n"
              "cedar   e2-s9      set aside   2025-10-09T08:53:20.000Z   5.0 MiB\n"
              "\n"
              "To look into one, on its node, as root: flocker volume mount db SNAPSHOT PATH\n"
              "To let go what was set aside: flocker volume snapshots rm db SNAPSHOT\n");
    diverged.copies[2].asides_to_go = {{model::Epoch{2}, 9}};
    EXPECT_THAT(snapshots_text(diverged, {}), HasSubstr("e2-s9      set aside, being removed"));
    EXPECT_THAT(snapshots_text(volume(), {}), Not(HasSubstr("snapshots rm")));
    EXPECT_EQ(snapshots_json(diverged),
              R"({"volume":"11111111-2222-4333-8444-555555555555","snapshots":[)"
              R"({"node":"birch","snapshot":"e3-s4","kind":"snapshot","taken":1760000000000000000,"size":3221225472},)"
              R"({"node":"cedar","snapshot":"e2-s9","kind":"set aside","taken":1760000000000000000,"size":5242880}]})");
}

TEST(NamedReplicas, AreShownAlsoWhereNoneIsKeptYet) {
    auto named = volume();
    named.named_replicas = {"alder", "birch", "dill"};
    named.wished_replicas = 3;
    EXPECT_THAT(volume_text(named, {}), HasSubstr("Replicas     3 wished, at most 1s behind, on alder, birch, dill\n"));
    const std::string table = replicas_table({named}, {});
    EXPECT_THAT(table, HasSubstr("dill      named, waits for the node or for room there"));
    EXPECT_THAT(table, Not(HasSubstr("no place for more yet")));
}

TEST(BehindCell, SaysThatTheSnapshotsWereLetGo) {
    auto replica = volume().replicas[0];
    replica.behind = 4 * 60s;
    replica.reason = "the pool of alder is short: its snapshots were let go";
    EXPECT_EQ(behind(replica), "4 min: the pool of alder is short: its snapshots were let go");
    replica.behind.reset();
    EXPECT_EQ(behind(replica), "catching up: the pool of alder is short: its snapshots were let go");
}

}  // namespace
}  // namespace flocker::cli
