// SPDX-License-Identifier: Apache-2.0
//
// What Flocker leaves on a node, by name. Everything else on the pool and in the engine is a
// stranger's and never touched.
//
//   <pool>/flocker/
//     <dataset id>/
//       marker.json            epoch, seal, trial, acknowledged snapshots, maximum size; replaced by rename
//       live                   the owner's subvolume, writable, or read-only when sealed
//       trial                  a writable copy of a snapshot, before the commit
//       e<epoch>-s<sequence>   a snapshot: read-only, whole
//       aside-e..-s..          what a former owner wrote here and no other node has: read-only; no snapshot
//                              of any line has its number. Goes with the dataset, or by the user's word
//       .incoming-e..-s..      a snapshot being received; removed at the next start
//       .partial-e..-s..-<n>   how far a long one had come; read-only; kept while partial.json names it
//       partial.json           which part is kept, and where its stream goes on; replaced by rename
//       .reading-e..-s..-<n>   a snapshot whose digest is being made, locked meanwhile; removed afterwards
//       .dropping-<text>       on its way out; removed at the next start
//     .dropping-<dataset id>   a dataset on its way out
//   <volumes>/<dataset id>     where the live subvolume (or the trial) is mounted
//
//   container   flocker--<application>     with the labels below
//   network     flocker                    a bridge of ours; addresses are chosen by the agent
//   nft table   ip flocker, bridge flocker, ip6 flocker
#pragma once

#include <string>

#include "model/ids.hpp"

namespace flocker::model::names {

inline constexpr const char* pool_folder = "flocker";
inline constexpr const char* marker = "marker.json";
inline constexpr const char* live = "live";
inline constexpr const char* trial = "trial";
inline constexpr const char* aside_prefix = "aside-";
inline constexpr const char* incoming_prefix = ".incoming-";
inline constexpr const char* reading_prefix = ".reading-";
inline constexpr const char* dropping_prefix = ".dropping-";
inline constexpr const char* partial = "partial.json";
inline constexpr const char* partial_prefix = ".partial-";

inline constexpr const char* container_prefix = "flocker--";
inline constexpr const char* label_application = "io.flocker.application";
inline constexpr const char* label_fingerprint = "io.flocker.fingerprint";
inline constexpr const char* network = "flocker";
inline constexpr const char* bridge = "flocker0";
inline constexpr const char* route_table = "flocker";

[[nodiscard]] inline std::string container(const ApplicationName& application) {
    return container_prefix + application.value;
}

}  // namespace flocker::model::names
