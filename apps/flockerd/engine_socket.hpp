// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "manifest/daemon_config.hpp"

namespace flocker {

/// The path of the engine's socket: the configuration says "unix://" and the path.
[[nodiscard]] inline std::string engine_socket(const manifest::DaemonConfig& config) {
    const std::string prefix = "unix://";
    return config.engine.starts_with(prefix) ? config.engine.substr(prefix.size()) : config.engine;
}

}  // namespace flocker
