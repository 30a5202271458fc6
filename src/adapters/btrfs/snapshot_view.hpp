// SPDX-License-Identifier: Apache-2.0
//
// What a snapshot holds, for a person to look at.
//
// Threads: any.
// Sharing: works beside the daemon on the same pool. A snapshot that is let go while somebody looks at it
//          stays readable, and on the disk, until it is unmounted; the daemon deletes it later.
#pragma once

#include <string>

#include "base/result.hpp"
#include "model/ids.hpp"

namespace flocker::btrfs {

/// Mounts a snapshot ("e3-s42") or what was set aside ("aside-e3-s43", or "e3-s43" if no snapshot is called
/// so) read-only at `path`, an empty folder. Gone with the machine's next start.
/// `pool`: where a btrfs is mounted.
/// Errors: not_found (the dataset, the snapshot or the folder), already_exists (something is mounted
/// there), conflict (the folder is not empty), invalid_argument (not a snapshot's name, not a folder),
/// unavailable.
[[nodiscard]] Status mount_snapshot(const std::string& pool, const model::DatasetId& dataset, const std::string& id,
                                    const std::string& path);
/// Ends that. Errors: not_found (nothing is mounted there), conflict (what is mounted there is not ours, or is
/// in use), unavailable.
[[nodiscard]] Status unmount_snapshot(const std::string& path);

}  // namespace flocker::btrfs
