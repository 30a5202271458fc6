// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "adapters/btrfs/dataset_folder.hpp"
#include "adapters/btrfs/stream_applier.hpp"
#include "adapters/btrfs/stream_command.hpp"
#include "adapters/posix/fd.hpp"

namespace flocker::btrfs {

/// Which snapshot is received.
struct Arrival {
    model::DatasetId dataset;
    model::Epoch epoch;  ///< Of the owner that sends it.
    std::optional<model::SnapshotId> base;
    model::SnapshotId to;
};

/// A snapshot on its way in: a writable subvolume that nobody else looks at, locked for as long as
/// this lives, so that nobody takes it for a leftover. Removed with this, unless it was published.
class Incoming {
public:
    /// `begin`: the stream's first command. nullopt: the snapshot is here already.
    /// Errors: conflict (the base is not here or another one than the sender's, the epoch is older
    /// than what is known here, this node has the live copy, it is being received already), corrupt.
    [[nodiscard]] static Result<std::optional<Incoming>> make(const posix::Fd& pool, const Arrival& arrival,
                                                              const stream::Command& begin);
    Incoming(Incoming&& other) noexcept = default;
    Incoming& operator=(Incoming&& other) = delete;
    ~Incoming();

    /// Where the stream goes. The applier must not outlive this, nor a publish().
    [[nodiscard]] stream::Applier applier() const;
    /// Makes it the snapshot, whole at once, durable, and notes the epoch. `taken`: on the sender.
    [[nodiscard]] Status publish(Instant taken);

private:
    Incoming() = default;
    void remove();

    const posix::Fd* pool_{nullptr};
    Arrival arrival_;
    posix::Fd base_;
    posix::Fd root_;
    Uuid identity_{};  ///< Of this subvolume here.
    Uuid original_{};  ///< Of the snapshot, as the stream names it.
    Uuid base_original_{};
    std::uint64_t generation_{0};
};

}  // namespace flocker::btrfs
