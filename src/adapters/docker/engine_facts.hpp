// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace flocker::docker {

/// What an engine says of itself.
struct EngineFacts {
    std::string version;         ///< "20.10.24"
    std::string api;             ///< "1.41", the newest that it speaks.
    std::string root;            ///< Where it keeps images and containers.
    std::string storage;         ///< Its storage driver.
    std::string cgroup_driver;   ///< "systemd", "cgroupfs" or "none".
    std::string cgroup_version;  ///< "1" or "2"; empty: it does not say.
    bool limits_memory{false};
    bool limits_cpu{false};
    std::vector<std::string> warnings;

    friend bool operator==(const EngineFacts&, const EngineFacts&) = default;
};

/// Blocking. Errors: unavailable (nobody there, no engine, too old for us), timed_out.
[[nodiscard]] Result<EngineFacts> ask_engine(const std::string& socket_path);

/// From the answers to GET /version and GET /info. Errors: unavailable (no JSON).
[[nodiscard]] Result<EngineFacts> parse_engine_facts(const std::string& version, const std::string& info);

}  // namespace flocker::docker
