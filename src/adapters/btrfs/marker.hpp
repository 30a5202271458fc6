// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/posix/fd.hpp"
#include "model/report.hpp"

namespace flocker::btrfs {

/// What is known of a dataset beside its data: marker.json in its folder.
struct Marker {
    model::Epoch epoch;
    std::optional<model::Seal> seal;    ///< Means something only while there is a live subvolume.
    std::optional<model::Trial> trial;  ///< Means something only while there is a trial subvolume.
    std::map<model::NodeId, model::SnapshotId> acknowledged;
    /// Of the live subvolume, or else the trial; means something only while there is one.
    std::optional<Bytes> maximum_size{};

    friend bool operator==(const Marker&, const Marker&) = default;
};

[[nodiscard]] std::string to_json(const Marker& marker);
/// Errors: corrupt, with what is wrong.
[[nodiscard]] Result<Marker> parse_marker(std::string_view text);

/// nullopt: the folder has none. Errors: corrupt, unavailable.
[[nodiscard]] Result<std::optional<Marker>> load_marker(const posix::Fd& folder);
/// Replaces it as a whole. Crashing: the old or the new one is there, whole; after success the new
/// one, also after a power loss.
[[nodiscard]] Status save_marker(const posix::Fd& folder, const Marker& marker);

}  // namespace flocker::btrfs
