// SPDX-License-Identifier: Apache-2.0
//
// Bulk data between adapters that may not know each other: blocking, on an adapter's own thread.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "model/action.hpp"

namespace flocker::ports {

/// Takes all of `bytes`, or fails. Blocks while the other side is slow.
using Sink = std::function<Status(std::span<const std::byte> bytes)>;
/// Fills some of `buffer`; 0: the end.
using Source = std::function<Result<std::size_t>(std::span<std::byte> buffer)>;

/// Snapshots as bytes. Blocking; call from an adapter's thread, never from the loop.
class SnapshotStreams {
public:
    virtual ~SnapshotStreams() = default;
    /// An estimate of what write() will give, at least half of the truth; 0 if it can't be told.
    virtual Result<Bytes> measure(const model::DatasetId&, std::optional<model::SnapshotId> base, model::SnapshotId to) = 0;
    /// Writes the difference from `base` to `to` (all of `to` without a base) to the sink.
    /// Errors: not_found; whatever the sink returned.
    virtual Status write(const model::DatasetId&, std::optional<model::SnapshotId> base, model::SnapshotId to, const Sink&) = 0;
    /// Reads what write() wrote, and makes it the snapshot `to` of this node's replica, visible all
    /// at once. Never writes outside it. On failure nothing is left behind. `epoch` goes to the marker.
    /// Errors: conflict (base not here), corrupt, unavailable (no room); whatever the source returned.
    virtual Status read(const model::DatasetId&, model::Epoch epoch, std::optional<model::SnapshotId> base,
                        model::SnapshotId to, const Source&) = 0;
};

/// Images and logs as bytes. Blocking; call from an adapter's thread, never from the loop.
class EngineStreams {
public:
    virtual ~EngineStreams() = default;
    virtual Result<bool> has_image(const std::string& image) = 0;
    virtual Status export_image(const std::string& image, const Sink&) = 0;
    virtual Status import_image(const Source&) = 0;
    /// The application's output, both streams in order; `follow` goes on until the sink fails.
    virtual Status logs(const model::ApplicationName&, std::uint32_t tail_lines, bool follow, const Sink&) = 0;
};

}  // namespace flocker::ports
