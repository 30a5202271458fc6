// SPDX-License-Identifier: Apache-2.0
#include "doctor/findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace flocker::model {

/// For messages of a test that fails.
static void PrintTo(const Finding& finding, std::ostream* out) {
    *out << to_string(finding.level) << " " << finding.subject << ": " << finding.text << " [" << finding.mend << "]";
}

}  // namespace flocker::model

namespace flocker::doctor {
namespace {

using model::Finding;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Instant noon{1'763'801'463'000'000'000};
constexpr std::uint64_t gib = std::uint64_t{1} << 30U;
constexpr Duration day = std::chrono::hours{24};

auto says(Finding::Level level, const std::string& subject, const std::string& text) {
    return AllOf(Field(&Finding::level, level), Field(&Finding::subject, subject), Field(&Finding::text, HasSubstr(text)));
}
auto fails(const std::string& subject, const std::string& text) { return says(Finding::Level::fail, subject, text); }
auto warns(const std::string& subject, const std::string& text) { return says(Finding::Level::warn, subject, text); }
auto is_ok(const std::string& subject, const std::string& text = "") { return says(Finding::Level::ok, subject, text); }

/// birch, a node on which all is well; the control service is on alder.
class OnANode : public ::testing::Test {
protected:
    OnANode() {
        facts_.now = noon;
        facts_.root = true;
        facts_.is_node = true;
        facts_.node = "birch";
        facts_.config = "/etc/flocker/flocker.yml";
        facts_.subnet = "10.213.0.0/16";
        facts_.daemon_runs = true;
        facts_.engine.socket = "/var/run/docker.sock";
        facts_.engine.facts = {"20.10.24", "1.41", "/var/lib/docker", "overlay2", "systemd", "2", true, true, {}};
        facts_.pool.path = "/srv/pool";
        facts_.pool.options = {"rw", "noatime", "ssd", "space_cache=v2"};
        facts_.pool.size = {100 * gib};
        facts_.pool.free = {60 * gib};
        facts_.disks = {{"/", {20 * gib}, {10 * gib}, 1000, 900}};
        facts_.ports = {{4523, "API", "flockerd", 7}, {4525, "snapshots", "flockerd", 7}};
        facts_.peers = {{"alder", "10.0.0.1", 4525, "snapshots", ""}};
        facts_.identity = {{"/etc/flocker/node.key", true, "", 0600, 0, {}, {}},
                           {"/etc/flocker/node.crt", false, "", 0644, 0, noon - day, noon + 200 * day}};
        facts_.control = ControlFacts{false, "10.0.0.1:4523", "", 20ms, 1s, ""};
        facts_.kernel = {"6.1.0", true, true, "", true, 100, 65536, true, true, true, {}};
        facts_.networks = {{"eth0", "10.0.0.0/24"}, {"docker0", "172.17.0.0/16"}};
    }
    [[nodiscard]] std::vector<Finding> found() const { return findings(facts_); }

    Facts facts_;
};

TEST_F(OnANode, WhereAllIsWellEverythingIsOkAndNothingIsToBeMended) {
    EXPECT_THAT(found(), Each(AllOf(Field(&Finding::level, Finding::Level::ok), Field(&Finding::mend, ""))));
    for (const char* subject : {"node", "programs", "kernel", "cgroup", "engine", "pool", "disk", "ports", "network", "identity",
                                "control", "clock", "peers"}) {
        EXPECT_THAT(found(), Contains(is_ok(subject))) << subject;
    }
}

TEST_F(OnANode, WhateverIsWrongIsSaidWithHowToMendIt) {
    facts_ = Facts{};
    facts_.config_fault = "flocker.yml:3:1: what is this";
    facts_.engine.fault = "docker at /x is too old";
    facts_.pool = {"/srv/pool", "no btrfs is mounted at /srv/pool", {}, {}, {}, {}, {}, {}};
    facts_.ports = {{4523, "API", "nginx", 12}};
    facts_.identity = {{"/etc/flocker/node.key", true, "cannot read it", 0, 0, {}, {}}};
    facts_.control = ControlFacts{true, "10.0.0.1:4523", "", {}, {}, "state store /x is damaged (its end was cut off)"};
    facts_.peers = {{"alder", "10.0.0.1", 4525, "snapshots", "no route to host"}};
    std::size_t bad = 0;
    for (const Finding& each : found()) {
        if (each.level == Finding::Level::ok) continue;
        ++bad;
        EXPECT_NE(each.mend, "") << each.text;
    }
    EXPECT_GE(bad, 9U);
}

TEST_F(OnANode, AnEngineThatIsMissingOrTooOldFails) {
    facts_.engine.fault = "docker at /var/run/docker.sock is too old: it has API version 1.40, 1.41 (docker 20.10) is needed";
    EXPECT_THAT(found(), Contains(AllOf(fails("engine", "too old"), Field(&Finding::mend, HasSubstr("upgrade")))));
    facts_.engine.fault = "no such file or directory";
    EXPECT_THAT(found(), Contains(AllOf(fails("engine", "no such file"),
                                        Field(&Finding::mend, HasSubstr("systemctl start docker")))));
}

TEST_F(OnANode, LimitsThatTheEngineCannotEnforceAreWarnedOf) {
    facts_.engine.facts.limits_memory = false;
    facts_.engine.facts.warnings = {"WARNING: No memory limit support", "WARNING: bridge-nf-call-iptables is disabled"};
    EXPECT_THAT(found(), Contains(warns("cgroup", "can't limit memory")));
    EXPECT_THAT(found(), Contains(warns("engine", "bridge-nf-call-iptables")));
    EXPECT_THAT(found(), Not(Contains(warns("engine", "memory limit")))) << "said once";
    facts_.kernel.cgroups = false;
    EXPECT_THAT(found(), Contains(fails("cgroup", "no cgroup hierarchy")));
}

TEST_F(OnANode, APoolThatIsNotMountedFails) {
    facts_.pool.fault = "no btrfs is mounted at /srv/pool";
    EXPECT_THAT(found(), Contains(AllOf(fails("pool", "no btrfs"), Field(&Finding::mend, HasSubstr("/etc/fstab")))));
}

TEST_F(OnANode, MountOptionsThatHurtAreNamed) {
    for (const char* option : {"ro", "nobarrier"}) {
        facts_.pool.options = {"noatime", option};
        EXPECT_THAT(found(), Contains(fails("pool", "mounted"))) << option;
    }
    for (const char* option : {"nodatacow", "nodatasum", "autodefrag", "degraded"}) {
        facts_.pool.options = {"noatime", option};
        EXPECT_THAT(found(), Contains(warns("pool", option))) << option;
    }
    facts_.pool.options = {"rw", "relatime"};
    EXPECT_THAT(found(), Contains(warns("pool", "without noatime")));
}

TEST_F(OnANode, RoomIsWarnedOfBelowATenthAndFailsBelowATwentieth) {
    facts_.pool.free = {9 * gib};
    EXPECT_THAT(found(), Contains(warns("pool", "GiB of 100 GiB free")));
    facts_.pool.free = {4 * gib};
    EXPECT_THAT(found(), Contains(fails("pool", "nearly full")));
    facts_.disks[0].free = {100};
    EXPECT_THAT(found(), Contains(fails("disk", "/ is nearly full")));
    facts_.disks[0] = {"/", {20 * gib}, {10 * gib}, 1000, 3};
    EXPECT_THAT(found(), Contains(fails("disk", "inodes")));
}

TEST_F(OnANode, APoolInAFileNeedsRoomUnderIt) {
    facts_.pool.disk_free = Bytes{2 * gib};
    facts_.pool.may_grow = {50 * gib};
    EXPECT_THAT(found(), Contains(warns("pool", "may grow by 50 GiB")));
    facts_.pool.disk_free = Bytes{60 * gib};
    EXPECT_THAT(found(), Contains(is_ok("pool")));
}

TEST_F(OnANode, APortThatAStrangerHasFailsWithItsName) {
    facts_.ports[0] = {4523, "API", "nginx", 812};
    EXPECT_THAT(found(), Contains(fails("ports", "port 4523 (API) is taken by nginx (process 812)")));
    facts_.ports[0] = {4523, "API", "", 0};
    EXPECT_THAT(found(), Contains(fails("ports", "does not listen on port 4523")));
    facts_.daemon_runs = false;
    facts_.ports = {{4523, "API", "", 0}, {4525, "snapshots", "", 0}};
    EXPECT_THAT(found(), Contains(is_ok("ports", "4523, 4525 are free")));
    EXPECT_THAT(found(), Contains(fails("node", "flockerd does not run")));
}

TEST_F(OnANode, APeerThatCannotBeReachedFails) {
    facts_.peers[0].fault = "connection timed out";
    EXPECT_THAT(found(), Contains(fails("peers", "alder can't be reached at 10.0.0.1:4525 (snapshots)")));
}

TEST_F(OnANode, AClockThatIsOffIsWarnedOfAndFailsWhereCertificatesSuffer) {
    facts_.control->off = -3s;
    EXPECT_THAT(found(), Contains(warns("clock", "3.0 s ahead of")));
    facts_.control->off = 400s;
    EXPECT_THAT(found(), Contains(fails("clock", "6 min 40 s behind")));
}

TEST_F(OnANode, WhatKeepsTheControlServiceAwayIsSaid) {
    facts_.control->unheard = 60s;
    EXPECT_THAT(found(), Contains(fails("control", "has not heard the control service for 1 min")));
    facts_.control->fault = "connection refused";
    EXPECT_THAT(found(), Contains(fails("control", "can't be reached: connection refused")));
    facts_.control = ControlFacts{true, "10.0.0.2:4523", "connection refused", {}, {}, "state store /x is damaged (cut off)"};
    facts_.daemon_runs = false;
    EXPECT_THAT(found(), Contains(AllOf(fails("control", "is damaged"), Field(&Finding::mend, HasSubstr("flocker restore")))));
    EXPECT_THAT(found(), Not(Contains(fails("control", "can't be reached")))) << "of course not: flockerd does not run";
}

TEST_F(OnANode, KeysThatOthersCanReadAndCertificatesThatEndFail) {
    facts_.identity[0].mode = 0640;
    EXPECT_THAT(found(), Contains(AllOf(fails("identity", "node.key can be read by others"),
                                        Field(&Finding::mend, HasSubstr("chmod 600 /etc/flocker/node.key")))));
    facts_.identity[0].mode = 0600;
    facts_.identity[1].mode = 0666;
    EXPECT_THAT(found(), Contains(fails("identity", "node.crt can be changed by others")));
    facts_.identity[1].mode = 0644;
    facts_.identity[1].valid_until = noon + 10 * day;
    EXPECT_THAT(found(), Contains(warns("identity", "expires on 2025-12-02")));
    facts_.identity[1].valid_until = noon - 1s;
    EXPECT_THAT(found(), Contains(fails("identity", "expired on")));
    facts_.identity[1].valid_until = noon + 200 * day;
    facts_.identity[1].valid_from = noon + 1s;
    EXPECT_THAT(found(), Contains(fails("identity", "not valid before")));
}

TEST_F(OnANode, WhatTheKernelLacksFails) {
    facts_.kernel.nftables_fault = "operation not supported";
    EXPECT_THAT(found(), Contains(fails("kernel", "nftables can't be used")));
    facts_.kernel.forwards = false;
    EXPECT_THAT(found(), Contains(fails("kernel", "ip_forward is 0")));
    facts_.kernel.packet_queue = false;
    EXPECT_THAT(found(), Contains(fails("kernel", "packet queue")));
    facts_.kernel.connections = 60000;
    EXPECT_THAT(found(), Contains(warns("kernel", "60000 of 65536")));
    facts_.kernel.missing_programs = {"iptables"};
    EXPECT_THAT(found(), Contains(fails("programs", "missing: iptables")));
}

TEST_F(OnANode, ANetworkThatContainersShareWithAnInterfaceFails) {
    facts_.networks.push_back({"eth1", "10.213.4.0/24"});
    EXPECT_THAT(found(), Contains(fails("network", "overlaps with 10.213.4.0/24 of eth1")));
}

TEST(OnAMachineThatIsNoNode, WhatCanBeLookedAtIs) {
    Facts facts;
    facts.now = noon;
    facts.root = true;
    facts.config = "/etc/flocker/flocker.yml";
    facts.subnet = "10.213.0.0/16";
    facts.engine.facts = {"20.10.24", "1.41", "", "overlay2", "cgroupfs", "1", true, true, {}};
    facts.pool.btrfs_mounts = {"/srv/btrfs"};
    facts.ports = {{4523, "API", "", 0}, {4524, "agents", "", 0}, {4525, "snapshots", "", 0}};
    facts.kernel = {"6.1.0", true, true, "", true, 0, 0, false, false, true, {}};
    const auto found = findings(facts);
    EXPECT_THAT(found, Each(Field(&Finding::level, Finding::Level::ok)))
        << "flockerd switches forwarding on by itself, and loads what it needs";
    EXPECT_THAT(found, Contains(is_ok("node", "no node yet")));
    EXPECT_THAT(found, Contains(is_ok("pool", "--pool could name /srv/btrfs")));
    EXPECT_THAT(found, Not(Contains(Field(&Finding::subject, "identity"))));
}

}  // namespace
}  // namespace flocker::doctor
