// SPDX-License-Identifier: Apache-2.0
//
// For this room's tests: a node of a cluster in a folder of its own, with flockerd not running.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

#include "adapters/tls/testing.hpp"
#include "setup/layout.hpp"
#include "standby/own_node.hpp"

namespace flocker::standby::testing {

inline model::Node member(const std::string& id, const std::string& name) {
    model::Node made;
    made.id = model::NodeId{id};
    made.name = name;
    // Nobody answers there.
    made.address = "127.0.0.1";
    return made;
}

/// Records of revision `revision` that know of one node, alder.
inline model::Records records_of(std::uint64_t revision) {
    model::Records records;
    records.revision = model::Revision{revision};
    records.nodes.emplace(model::NodeId{tls::testing::alder}, member(tls::testing::alder, "alder"));
    return records;
}

/// alder, where the control service is.
class Machine {
public:
    Machine() {
        std::string pattern = (std::filesystem::temp_directory_path() / "flkt-standby-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~Machine() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    [[nodiscard]] OwnNode node() const {
        manifest::DaemonConfig config;
        config.node = {model::NodeId{tls::testing::alder}, "alder", "127.0.0.1"};
        // Port 1: refused at once.
        config.control = {"127.0.0.1", 1, 1, true};
        config.state = path_;
        return {{path_}, config, cluster_.authority().certificate, cluster_.node(tls::testing::alder)};
    }
    [[nodiscard]] setup::StateFolder state() const { return {path_}; }
    [[nodiscard]] std::string authority_fingerprint() const { return cluster_.authority_fingerprint(); }

private:
    std::string path_;
    tls::testing::TestCluster cluster_;
};

}  // namespace flocker::standby::testing
