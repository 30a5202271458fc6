// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "model/bandwidth.hpp"
#include "model/ids.hpp"

namespace flocker::model {

/// A machine that runs the agent and a container engine, as it was introduced at init or join.
struct Node {
    NodeId id;
    std::string name;      ///< Unique in the cluster; a DNS label. What people say and see.
    std::string hostname;  ///< As the machine calls itself.
    std::string address;   ///< IPv4 address at which the other nodes and its clients reach it.
    std::uint16_t data_port{4525};  ///< Where its agent takes snapshots from other agents.
    std::string datacenter;         ///< Empty: none given.
    std::map<std::string, std::string> labels;
    bool draining{false};  ///< Everything is moved away from it, and nothing is placed on it.
    std::optional<Bandwidth> bandwidth{};  ///< Of what it sends to replicas. nullopt: the cluster's default.

    friend bool operator==(const Node&, const Node&) = default;
};

}  // namespace flocker::model
