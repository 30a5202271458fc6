// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/engine_facts.hpp"

#include <gtest/gtest.h>

namespace flocker::docker {
namespace {

TEST(AnEngine, SaysWhatItIs) {
    const auto facts = parse_engine_facts(R"({"Version":"20.10.24","ApiVersion":"1.41"})",
                                          R"({"DockerRootDir":"/var/lib/docker","Driver":"overlay2","CgroupDriver":"systemd",
                                              "CgroupVersion":"2","MemoryLimit":true,"CpuCfsQuota":true,
                                              "Warnings":["WARNING: bridge-nf-call-iptables is disabled"]})");
    ASSERT_TRUE(facts.has_value()) << facts.error();
    EXPECT_EQ(*facts, (EngineFacts{"20.10.24", "1.41", "/var/lib/docker", "overlay2", "systemd", "2", true, true,
                                   {"WARNING: bridge-nf-call-iptables is disabled"}}));
}

TEST(AnEngine, ThatLeavesThingsOutOrTalksNonsenseIsBorne) {
    const auto silent = parse_engine_facts("{}", R"({"Warnings":null,"MemoryLimit":"yes"})");
    ASSERT_TRUE(silent.has_value()) << silent.error();
    EXPECT_EQ(*silent, EngineFacts{});
    EXPECT_EQ(parse_engine_facts("[]", "{}").error().code, ErrorCode::unavailable);
    EXPECT_EQ(parse_engine_facts("{}", "<html>").error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace flocker::docker
