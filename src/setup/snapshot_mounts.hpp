// SPDX-License-Identifier: Apache-2.0
//
// Looking into the snapshots of this very node, beside its daemon.
#pragma once

#include <string>

#include "base/result.hpp"
#include "model/ids.hpp"

namespace flocker::setup {

/// What people call this node. `config_folder`: where its flocker.yml is.
/// Errors: not_found (this machine is no node), denied, corrupt.
[[nodiscard]] Result<std::string> own_name(const std::string& config_folder);

/// btrfs::mount_snapshot() on this node's pool. Errors: its own; denied (not root).
[[nodiscard]] Status mount_snapshot(const std::string& config_folder, const model::DatasetId& dataset,
                                    const std::string& snapshot, const std::string& path);
[[nodiscard]] Status unmount_snapshot(const std::string& path);

}  // namespace flocker::setup
