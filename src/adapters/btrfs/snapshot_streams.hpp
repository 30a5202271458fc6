// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "ports/byte_stream.hpp"

namespace flocker::btrfs {

/// How often what has come of a snapshot is kept: whichever comes first. A cut costs no more than that,
/// and a stream that ends before costs nothing for it.
struct Keeping {
    Duration every{20s};
    /// Also bounds what has to be flushed at once: the sender waits for it, and not for ever.
    Bytes every_bytes{std::uint64_t{512} << 20U};
};

/// Snapshots of a btrfs pool as bytes: a short prefix, then btrfs' own send stream. The kernel writes the
/// same stream again for the same two snapshots; that is what going on rests on, and what the digest proves.
///
/// Threads:  any; each call takes its own time and disturbs no other.
/// Sharing:  works beside a BtrfsDatasetStore on the same pool, in this process or another.
/// Crashing: a snapshot that was read is durable when read() returns. One that was not is removed by
///           the next observe() of the store; what was kept of it stays until it is of no use.
class BtrfsSnapshotStreams final : public ports::SnapshotStreams {
public:
    /// `pool`: where a btrfs is mounted.
    explicit BtrfsSnapshotStreams(std::string pool, Keeping keeping = {});

    Result<Bytes> measure(const model::DatasetId& dataset, std::optional<model::SnapshotId> base,
                          model::SnapshotId to) override;
    Status write(const model::DatasetId& dataset, std::optional<model::SnapshotId> base, model::SnapshotId to,
                 const ports::Sink& sink) override;
    Status write_on(const model::DatasetId& dataset, std::optional<model::SnapshotId> base, model::SnapshotId to,
                    const ports::StreamPlace& from, const ports::Sink& sink) override;
    /// A snapshot that is here already is read to the end of the source and left as it is.
    Status read(const model::DatasetId& dataset, model::Epoch epoch, std::optional<model::SnapshotId> base,
                model::SnapshotId to, const ports::Source& source) override;
    Result<std::optional<ports::KeptPart>> kept(const model::DatasetId& dataset) override;
    Status read_on(const model::DatasetId& dataset, const ports::KeptPart& part, const ports::Source& source) override;

private:
    std::string pool_;
    Keeping keeping_;
};

}  // namespace flocker::btrfs
