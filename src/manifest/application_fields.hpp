// SPDX-License-Identifier: Apache-2.0
//
// The fields of one application, each from its value. What has a problem is reported and left out.
// `what` begins each message: "application 'web': ports".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "manifest/claims.hpp"
#include "manifest/value.hpp"
#include "model/application.hpp"

namespace flocker::manifest {

struct PortPosition {
    model::Port port;
    Position external;  ///< Where its number stands.
};
[[nodiscard]] std::vector<PortPosition> read_ports(const Value& value, const std::string& what, Problems& problems);

/// By alias and local port.
[[nodiscard]] std::vector<model::Link> read_links(const Value& value, const std::string& what, Problems& problems);

/// `dataset` is empty if the value names none.
[[nodiscard]] model::Volume read_volume(const Value& value, const std::string& what, Problems& problems);

[[nodiscard]] std::map<std::string, std::string> read_environment(const Value& value, const std::string& what,
                                                                  Problems& problems);
[[nodiscard]] model::RestartPolicy read_restart_policy(const Value& value, const std::string& what, Problems& problems);
[[nodiscard]] std::optional<Bytes> read_mem_limit(const Value& value, const std::string& what, Problems& problems);
[[nodiscard]] std::optional<std::vector<std::string>> read_command(const Value& value, const std::string& what,
                                                                   Problems& problems);
/// Its before_move, as a command; [] is nothing to run.
[[nodiscard]] std::optional<std::vector<std::string>> read_hooks(const Value& value, const std::string& what,
                                                                 Problems& problems);
[[nodiscard]] model::Cutover read_cutover(const Value& value, const std::string& what, Problems& problems);
[[nodiscard]] model::Failover read_failover(const Value& value, const std::string& what, Problems& problems);

}  // namespace flocker::manifest
