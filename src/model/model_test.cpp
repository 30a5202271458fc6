// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "model/action.hpp"
#include "model/names.hpp"

namespace flocker::model {
namespace {

TEST(SnapshotIdText, ReadsBackWhatItWrites) {
    const SnapshotId id{Epoch{3}, 42};
    EXPECT_EQ(to_text(id), "e3-s42");
    EXPECT_EQ(parse_snapshot_id("e3-s42"), id);
}

TEST(SnapshotIdText, RefusesEverythingElse) {
    for (const char* text : {"", "e", "e3", "e3-s", "e03-s42", "e3-s42 ", "3-42", "e3-s-1", "../x", "live"}) {
        EXPECT_EQ(parse_snapshot_id(text), std::nullopt) << text;
    }
}

TEST(SnapshotIdOrder, IsEpochFirst) {
    EXPECT_LT((SnapshotId{Epoch{1}, 99}), (SnapshotId{Epoch{2}, 1}));
}

TEST(BandwidthRate, IsThatOfTheFirstTimeOfDayThatHolds) {
    const Bandwidth bandwidth{Bytes{50}, {{480, 1080, Bytes{10}}, {1320, 360, std::nullopt}, {1000, 1100, Bytes{7}}}};
    EXPECT_EQ(rate_at(bandwidth, 479), Bytes{50});
    EXPECT_EQ(rate_at(bandwidth, 480), Bytes{10});
    EXPECT_EQ(rate_at(bandwidth, 1079), Bytes{10});
    EXPECT_EQ(rate_at(bandwidth, 1080), Bytes{7});
    EXPECT_EQ(rate_at(bandwidth, 1439), std::nullopt) << "over midnight";
    EXPECT_EQ(rate_at(bandwidth, 0), std::nullopt);
    EXPECT_EQ(rate_at(bandwidth, 360), Bytes{50});
    EXPECT_EQ(rate_at(Bandwidth{{}, {{0, 1440, Bytes{1}}}}, 1439), Bytes{1});
}

ContainerSpec web() {
    ContainerSpec spec;
    spec.application.name = ApplicationName{"web"};
    spec.application.image = "web:1";
    spec.application.ports = {{80, 8080}};
    spec.application.links = {{5432, 5432, "my-db"}};
    spec.links_host = "10.0.0.1";
    return spec;
}

TEST(ContainerEnvironment, HasTheFourVariablesOfALink) {
    const std::map<std::string, std::string> wanted{{"MY_DB_PORT_5432_TCP", "tcp://10.0.0.1:5432"},
                                                    {"MY_DB_PORT_5432_TCP_ADDR", "10.0.0.1"},
                                                    {"MY_DB_PORT_5432_TCP_PORT", "5432"},
                                                    {"MY_DB_PORT_5432_TCP_PROTO", "tcp"}};
    EXPECT_EQ(container_environment(web()), wanted);
}

TEST(ContainerEnvironment, LetsExplicitEntriesWinOverLinks) {
    auto spec = web();
    spec.application.environment["MY_DB_PORT_5432_TCP_ADDR"] = "elsewhere";
    EXPECT_EQ(container_environment(spec)["MY_DB_PORT_5432_TCP_ADDR"], "elsewhere");
}

TEST(Fingerprint, ChangesWithWhatTheContainerIsMadeFromOnly) {
    const auto before = fingerprint(web());
    auto moved = web();
    moved.address = "172.31.0.9";
    moved.application.restart_policy.name = RestartPolicy::Name::always;
    EXPECT_EQ(fingerprint(moved), before);

    auto changed = web();
    changed.application.image = "web:2";
    EXPECT_NE(fingerprint(changed), before);
    changed = web();
    changed.application.gate = false;
    EXPECT_NE(fingerprint(changed), before);
    changed = web();
    changed.application.mem_limit = Bytes{0};
    EXPECT_NE(fingerprint(changed), before);
    changed = web();
    changed.application.command = std::vector<std::string>{};
    EXPECT_NE(fingerprint(changed), before);
    changed = web();
    changed.incarnation = 1;
    EXPECT_NE(fingerprint(changed), before);
}

TEST(ApplyChange, RemembersTheHighestMoveEvenAfterItIsOver) {
    Records records;
    Ownership ownership;
    ownership.subject = SubjectId{"app:web"};
    ownership.move.emplace().id = MoveId{7};
    apply(PutOwnership{ownership}, records);
    ownership.move.reset();
    apply(PutOwnership{ownership}, records);
    EXPECT_EQ(records.last_move, 7U);
}

}  // namespace
}  // namespace flocker::model
