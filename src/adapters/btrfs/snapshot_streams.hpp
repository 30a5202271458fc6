// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ports/byte_stream.hpp"

namespace flocker::btrfs {

/// Snapshots of a btrfs pool as bytes: a short prefix, then btrfs' own send stream.
///
/// Threads:  any; each call takes its own time and disturbs no other.
/// Sharing:  works beside a BtrfsDatasetStore on the same pool, in this process or another.
/// Crashing: a snapshot that was read is durable when read() returns. One that was not is removed by
///           the next observe() of the store.
class BtrfsSnapshotStreams final : public ports::SnapshotStreams {
public:
    /// `pool`: where a btrfs is mounted.
    explicit BtrfsSnapshotStreams(std::string pool);

    Result<Bytes> measure(const model::DatasetId& dataset, std::optional<model::SnapshotId> base,
                          model::SnapshotId to) override;
    Status write(const model::DatasetId& dataset, std::optional<model::SnapshotId> base, model::SnapshotId to,
                 const ports::Sink& sink) override;
    /// A snapshot that is here already is read to the end of the source and left as it is.
    Status read(const model::DatasetId& dataset, model::Epoch epoch, std::optional<model::SnapshotId> base,
                model::SnapshotId to, const ports::Source& source) override;

private:
    std::string pool_;
};

}  // namespace flocker::btrfs
