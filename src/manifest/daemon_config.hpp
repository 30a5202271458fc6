// SPDX-License-Identifier: Apache-2.0
//
// What flockerd is told in /etc/flocker/flocker.yml:
//
//   version: 1
//   node: {id: 4a4cbb08-..., name: alder, address: 10.0.0.1}
//   control: {address: 10.0.0.1, port: 4523, agent_port: 4524, serve: true}
//   data_port: 4525
//   pool: /srv/pool
//   volumes: /flocker
//   state: /var/lib/flocker
//   engine: unix:///var/run/docker.sock
//   subnet: 10.213.0.0/16
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "manifest/diagnostic.hpp"
#include "model/ids.hpp"

namespace flocker::manifest {

/// Fields without a default here must be in the file.
struct DaemonConfig {
    struct Node {
        model::NodeId id;
        std::string name;     ///< A DNS label.
        std::string address;  ///< IPv4, at which other nodes and clients reach this one.

        friend bool operator==(const Node&, const Node&) = default;
    };
    struct Control {
        std::string address;             ///< IPv4 or hostname of the control service.
        std::uint16_t port{4523};        ///< Its REST API.
        std::uint16_t agent_port{4524};  ///< Where it talks with agents.
        bool serve{false};               ///< This node runs it.

        friend bool operator==(const Control&, const Control&) = default;
    };

    Node node;
    Control control;
    std::uint16_t data_port{4525};  ///< Where this agent takes snapshots from others.
    std::string pool;               ///< A mounted btrfs.
    std::string volumes{"/flocker"};
    std::string state{"/var/lib/flocker"};
    std::string engine{"unix:///var/run/docker.sock"};
    std::string subnet{"10.213.0.0/16"};  ///< Of the containers; prefix 16 to 28, no host bits.

    friend bool operator==(const DaemonConfig&, const DaemonConfig&) = default;
};

/// The configuration, or every problem of the file, by line and column, never none.
[[nodiscard]] std::variant<DaemonConfig, std::vector<Diagnostic>> parse_daemon_config(const SourceText& source);

/// A file with a comment a line, that parse_daemon_config reads as an equal value.
[[nodiscard]] std::string to_yaml(const DaemonConfig& config);

}  // namespace flocker::manifest
