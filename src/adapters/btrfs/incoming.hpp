// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "adapters/btrfs/dataset_folder.hpp"
#include "adapters/btrfs/partial.hpp"
#include "adapters/btrfs/stream_applier.hpp"
#include "adapters/btrfs/stream_command.hpp"
#include "adapters/btrfs/stream_parser.hpp"
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
/// this lives, so that nobody takes it for a leftover. Removed with this, unless it was published; what
/// keep() has kept of it stays.
class Incoming {
public:
    /// `begin`: the stream's first command; `taken`: on the sender. nullopt: the snapshot is here already.
    /// What was kept of this snapshot goes: it comes from the beginning.
    /// Errors: conflict (the base is not here or another one than the sender's, the epoch is older
    /// than what is known here, this node has the live copy, it is being received already), corrupt.
    [[nodiscard]] static Result<std::optional<Incoming>> make(const posix::Fd& pool, const Arrival& arrival,
                                                              const stream::Command& begin, Instant taken);
    /// As what was kept of it, which must still be what lies before `at`. nullopt: the snapshot is here already.
    /// Errors: as make(); unavailable (it is kept no longer).
    [[nodiscard]] static Result<std::optional<Incoming>> make_from_kept(const posix::Fd& pool, const Arrival& arrival,
                                                                        const stream::Position& at);
    Incoming(Incoming&& other) noexcept = default;
    Incoming& operator=(Incoming&& other) = delete;
    ~Incoming();

    /// Where the stream goes. The applier must not outlive this, nor a publish().
    [[nodiscard]] stream::Applier applier() const;
    /// Keeps it as it is now, behind the command at `at`, in place of what was kept before. Others may go
    /// on with the dataset while what was written is flushed.
    /// Crashing: what was kept before or this is there, whole; after success this, also after a power loss.
    [[nodiscard]] Status keep(const stream::Position& at, const std::optional<stream::RootTimes>& times);
    /// Where keep() was called last; nothing is kept: the beginning.
    [[nodiscard]] const stream::Position& kept_at() const { return kept_at_; }
    /// conflict: it was removed meanwhile, and what failed on it failed for that reason.
    [[nodiscard]] Status is_expected() const;
    /// What was kept of it is of no use: it goes, and the snapshot must come from the beginning.
    void forget();
    /// Makes it the snapshot, whole at once, durable, and notes the epoch. Nothing is kept any more.
    [[nodiscard]] Status publish();

private:
    Incoming() = default;
    /// Opens the base and looks whether the stream's is the same.
    [[nodiscard]] Status find_base(const DatasetFolder& folder, const Contents& contents);
    /// The subvolume: a copy of `beginning`, or an empty one.
    [[nodiscard]] Status make_subvolume(const posix::Fd& pool, const DatasetFolder& folder, const posix::Fd* beginning);
    [[nodiscard]] Result<bool> is_still_there(const DatasetFolder& folder) const;
    [[nodiscard]] Status note_kept(Partial partial);
    void remove();

    const posix::Fd* pool_{nullptr};
    Arrival arrival_;
    posix::Fd base_;
    posix::Fd root_;
    Uuid identity_{};       ///< Of this subvolume here,
    Uuid base_identity_{};  ///< and of the base here.
    Origin origin_;
    stream::Position kept_at_;
    std::optional<stream::RootTimes> kept_times_;
};

}  // namespace flocker::btrfs
