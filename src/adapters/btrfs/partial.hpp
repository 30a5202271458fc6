// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "adapters/btrfs/dataset_folder.hpp"
#include "adapters/btrfs/stream_applier.hpp"
#include "adapters/btrfs/stream_parser.hpp"
#include "adapters/btrfs/uuid.hpp"
#include "base/time.hpp"
#include "model/ids.hpp"

namespace flocker::btrfs {

/// What the beginning of a stream said of the snapshot in it.
struct Origin {
    Uuid uuid{};  ///< As streams name it.
    std::uint64_t generation{0};
    Uuid base{};  ///< All zeros: the stream is whole.
    Instant taken;
    friend bool operator==(const Origin&, const Origin&) = default;
};

/// partial.json in a dataset's folder: how far a snapshot had come, and the subvolume that looks like
/// its stream up to there. There is at most one; it is no snapshot and counts as none.
struct Partial {
    model::Epoch epoch;  ///< Of the owner that sent it.
    std::optional<model::SnapshotId> base;
    model::SnapshotId to;
    Origin origin;
    stream::Position at;
    std::optional<stream::RootTimes> times;
    std::string subvolume;  ///< Its name in the folder; read-only.
    Uuid identity{};        ///< Of that subvolume,
    Uuid base_identity{};   ///< and of the base as it is here.
    Instant saved;
    friend bool operator==(const Partial&, const Partial&) = default;
};

/// Who was cut comes back sooner. What is older takes room for nobody.
inline constexpr Duration partial_kept_for = std::chrono::hours{24};

[[nodiscard]] std::string to_json(const Partial& partial);
/// Errors: corrupt, with what is wrong.
[[nodiscard]] Result<Partial> parse_partial(std::string_view text);

/// nullopt: there is none, or none that can be read.
[[nodiscard]] Result<std::optional<Partial>> load_partial(const posix::Fd& folder);
/// Crashing: the old or the new one is there, whole; after success the new one, also after a power loss.
[[nodiscard]] Status save_partial(const posix::Fd& folder, const Partial& partial);

/// The same, and nullopt if it can't be gone on with: it is too old or of an older owner, its base or its
/// subvolume is not the one that it was, the snapshot is here, or this node has a copy of its own.
[[nodiscard]] Result<std::optional<Partial>> usable_partial(const DatasetFolder& folder, const Contents& contents);

/// The name of the subvolume for a snapshot's part that ends at `bytes`.
[[nodiscard]] std::string partial_name(const model::SnapshotId& to, std::uint64_t bytes);

/// Removes what belongs to no usable part, and leaves what belongs to a snapshot that is being received
/// now. True: something stays.
[[nodiscard]] Result<bool> sweep_partial(const DatasetFolder& folder, const Contents& contents);
/// The part goes, usable or not.
[[nodiscard]] Status drop_partial(const DatasetFolder& folder);

}  // namespace flocker::btrfs
