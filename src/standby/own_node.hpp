// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "adapters/tls/tls_stream.hpp"
#include "base/result.hpp"
#include "manifest/daemon_config.hpp"
#include "setup/layout.hpp"

namespace flocker::standby {

/// The node that a command runs on, as root.
struct OwnNode {
    setup::ConfigFolder folder;
    manifest::DaemonConfig config;
    std::string authority;  ///< The cluster's CA certificate, PEM.
    tls::TlsContext identity;
};

/// `config_folder`: where its flocker.yml is.
/// Errors: not_found, unavailable (no node, not root), invalid_argument (its configuration).
[[nodiscard]] Result<OwnNode> read_own_node(const std::string& config_folder);

}  // namespace flocker::standby
