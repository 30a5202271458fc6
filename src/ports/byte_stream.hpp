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

/// A place in what SnapshotStreams::write() gives.
struct StreamPlace {
    Bytes offset;        ///< How many bytes lie before it.
    std::string digest;  ///< Of these bytes, in the store's own words; at most 128 characters.
    friend bool operator==(const StreamPlace&, const StreamPlace&) = default;
};
/// What is kept of a snapshot that was cut on its way here.
struct KeptPart {
    model::Epoch epoch;
    std::optional<model::SnapshotId> base;
    model::SnapshotId to;
    StreamPlace at;
    friend bool operator==(const KeptPart&, const KeptPart&) = default;
};

/// Snapshots as bytes. Blocking; call from an adapter's thread, never from the loop.
///
/// A long stream that is cut goes on from where it was: what read() had is kept, kept() says so, and
/// write_on() and read_on() carry the rest. A store that can't has nothing kept.
class SnapshotStreams {
public:
    virtual ~SnapshotStreams() = default;
    /// An estimate of what write() will give, at least half of the truth; 0 if it can't be told.
    virtual Result<Bytes> measure(const model::DatasetId&, std::optional<model::SnapshotId> base, model::SnapshotId to) = 0;
    /// Writes the difference from `base` to `to` (all of `to` without a base) to the sink.
    /// Errors: not_found (also when it is let go meanwhile: soon after that); whatever the sink returned.
    virtual Status write(const model::DatasetId&, std::optional<model::SnapshotId> base, model::SnapshotId to, const Sink&) = 0;
    /// What write() gives from a place on. While it passes over what lies before, it calls the sink with
    /// no bytes now and then, so that the sink can end this.
    /// Errors: as write(); conflict: before that place it is another stream. Then nothing was written.
    virtual Status write_on(const model::DatasetId&, std::optional<model::SnapshotId> /*base*/,
                            model::SnapshotId /*to*/, const StreamPlace& /*from*/, const Sink&) {
        return fail(ErrorCode::conflict, "this store writes streams from their beginning only");
    }
    /// Reads what write() wrote, and makes it the snapshot `to` of this node's replica, visible all
    /// at once. Never writes outside it. On failure nothing is left behind, but for what kept() tells
    /// if it was the source that failed. `epoch` goes to the marker.
    /// Errors: conflict (base not here), corrupt, unavailable (no room); whatever the source returned.
    virtual Status read(const model::DatasetId&, model::Epoch epoch, std::optional<model::SnapshotId> base,
                        model::SnapshotId to, const Source&) = 0;
    /// At most one part a dataset; nullopt: none that could still be gone on with.
    virtual Result<std::optional<KeptPart>> kept(const model::DatasetId&) { return std::nullopt; }
    /// As read(), for what write_on() wrote from the place at which `part` is kept.
    /// Errors: as read(); unavailable: it is kept no longer.
    virtual Status read_on(const model::DatasetId&, const KeptPart& /*part*/, const Source&) {
        return fail(ErrorCode::unavailable, "nothing is kept of this snapshot: send it from the beginning");
    }
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
