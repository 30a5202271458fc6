// SPDX-License-Identifier: Apache-2.0
//
// How far replicas are behind, and what each node holds of a volume, as text. Pure.
#pragma once

#include <string>
#include <vector>

#include "api/documents.hpp"
#include "cli/table.hpp"

namespace flocker::cli {

/// "0.4 s", "12 s", "4 min".
[[nodiscard]] std::string lag_text(Duration lag);
/// "0.4 s", "first copy 43 %", "12 s: cedar does not answer".
[[nodiscard]] Cell behind_cell(const api::VolumeEntry& volume, const api::ReplicaEntry& replica);

/// A row for each replica, and one for those that are wished and have no place; empty: there is nothing to say.
[[nodiscard]] std::string replicas_table(const std::vector<api::VolumeEntry>& volumes, const Look& look);
/// "birch 0.4 s, cedar first copy 43 %".
[[nodiscard]] std::string replicas_text(const api::VolumeEntry& volume);
/// All of one volume: its copies, its replicas with lag and proof, what was set aside.
[[nodiscard]] std::string volume_text(const api::VolumeEntry& volume, const Look& look);
/// Its snapshots and what was set aside, by node; and how to look into one.
[[nodiscard]] std::string snapshots_text(const api::VolumeEntry& volume, const Look& look);
/// {"volume", "snapshots": [{"node", "snapshot", "kind", "taken", "size"}]}: the format is docs/cli.md's.
[[nodiscard]] std::string snapshots_json(const api::VolumeEntry& volume);

/// "attached", "detached", "being destroyed".
[[nodiscard]] Cell volume_state(const api::VolumeEntry& volume);

}  // namespace flocker::cli
