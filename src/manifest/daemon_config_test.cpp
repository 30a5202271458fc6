// SPDX-License-Identifier: Apache-2.0
#include "manifest/daemon_config.hpp"

#include <gtest/gtest.h>

namespace flocker::manifest {
namespace {

DaemonConfig accepted(const std::string& text) {
    auto outcome = parse_daemon_config({"flocker.yml", text});
    if (const auto* problems = std::get_if<1>(&outcome)) {
        for (const auto& problem : *problems) ADD_FAILURE() << problem;
        return {};
    }
    return std::get<0>(std::move(outcome));
}

DaemonConfig smallest() {
    DaemonConfig config;
    config.node = {model::NodeId{"4a4cbb08-1bb6-f209-50cf-88b3b8d2a53a"}, "alder", "10.0.0.1"};
    config.control.address = "control.example.com";
    config.pool = "/srv/flocker";
    return config;
}

TEST(DaemonConfig, HasDefaultsForAllButThisNode) {
    EXPECT_EQ(accepted("version: 1\n"
                       "node: {id: 4A4CBB08-1bb6-f209-50cf-88b3b8d2a53a, name: alder, address: 10.0.0.1}\n"
                       "control: {address: control.example.com}\n"
                       "pool: /srv/flocker/\n"),
              smallest());
    EXPECT_EQ(smallest().control.port, 4523);
    EXPECT_EQ(smallest().control.agent_port, 4524);
    EXPECT_EQ(smallest().data_port, 4525);
}

TEST(DaemonConfig, IsReadAsItWasWritten) {
    auto config = smallest();
    EXPECT_EQ(accepted(to_yaml(config)), config);

    config.node.name = "1e3";
    config.control = {"10.0.0.9", 14523, 14524, true};
    config.data_port = 14525;
    config.pool = "/mnt/my pool #1: \"x\" \\ é";
    config.volumes = "/null";
    config.state = "/var/lib/flocker-2";
    config.engine = "unix:///run/flocker 2/docker.sock";
    config.subnet = "192.168.16.0/20";
    EXPECT_EQ(accepted(to_yaml(config)), config);

    for (const char* name : {"true", "null", "no", "0x1f", "1e5", "Null", "off"}) {
        config.node.name = name;
        EXPECT_EQ(accepted(to_yaml(config)), config);
    }
}

TEST(DaemonConfig, IsWrittenWithACommentALine) {
    const auto text = to_yaml(smallest());

    std::size_t begin = 0;
    while (begin < text.size()) {
        const auto end = text.find('\n', begin);
        ASSERT_NE(end, std::string::npos);
        EXPECT_NE(text.substr(begin, end - begin).find("  # "), std::string::npos) << text.substr(begin, end - begin);
        begin = end + 1;
    }
}

}  // namespace
}  // namespace flocker::manifest
