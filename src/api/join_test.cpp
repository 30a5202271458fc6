// SPDX-License-Identifier: Apache-2.0
#include "api/join.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace flocker::api {
namespace {

JoinDocument sound() {
    JoinDocument join{"token", "request", {}};
    join.node.name = "alder-2";
    join.node.hostname = "alder-2.example.org";
    join.node.address = "192.168.1.20";
    join.node.datacenter = "fra";
    join.node.labels = {{"disk", "nvme"}};
    return join;
}

TEST(JoinCheck, TakesASoundNode) {
    EXPECT_TRUE(check(sound()));
}

TEST(JoinCheck, RefusesWhatMayNotBeRecorded) {
    const std::vector<std::function<void(JoinDocument&)>> breakages{
        [](JoinDocument& join) { join.token.clear(); },
        [](JoinDocument& join) { join.request.assign(100'000, 'x'); },
        [](JoinDocument& join) { join.node.name = ""; },
        [](JoinDocument& join) { join.node.name = "Alder"; },
        [](JoinDocument& join) { join.node.name = "-alder"; },
        [](JoinDocument& join) { join.node.name = std::string(64, 'a'); },
        [](JoinDocument& join) { join.node.address = "alder"; },
        [](JoinDocument& join) { join.node.address = "10.0.0.1\n"; },
        [](JoinDocument& join) { join.node.address = "10.0.0.256"; },
        [](JoinDocument& join) { join.node.address = "10.0.0"; },
        [](JoinDocument& join) { join.node.address = "10.0.0.01"; },
        [](JoinDocument& join) { join.node.address = "127.0.0.1"; },
        [](JoinDocument& join) { join.node.hostname = "a\x1b[2J"; },
        [](JoinDocument& join) { join.node.datacenter = "a b"; },
        [](JoinDocument& join) { join.node.labels[""] = "x"; },
    };
    for (std::size_t i = 0; i < breakages.size(); ++i) {
        JoinDocument join = sound();
        breakages[i](join);
        EXPECT_FALSE(check(join)) << "breakage " << i;
    }
}

}  // namespace
}  // namespace flocker::api
