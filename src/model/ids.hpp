// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/strong.hpp"

namespace flocker::model {

/// A node's identity for as long as it is a member: the UUID in its certificate.
using NodeId = Strong<struct NodeIdTag, std::string>;
/// An application's name in the manifests: [A-Za-z0-9][A-Za-z0-9_.-]*, at most 63 characters.
using ApplicationName = Strong<struct ApplicationNameTag, std::string>;
/// A UUID in lower case.
using DatasetId = Strong<struct DatasetIdTag, std::string>;
/// One move; never used again in the life of a cluster. 0 is no move.
using MoveId = Strong<struct MoveIdTag, std::uint64_t>;
/// Grows by one each time a dataset's owner changes; the first owner has epoch 1.
using Epoch = Strong<struct EpochTag, std::uint64_t>;
/// Counts the commits of the control service's records. 0 is before the first.
using Revision = Strong<struct RevisionTag, std::uint64_t>;

/// Which snapshot of a dataset. There is one writer an epoch, and it never uses a sequence number
/// again, so the pair says exactly which bytes are meant, on any node.
struct SnapshotId {
    Epoch epoch;
    /// Grows within the epoch; see plan::next_snapshot for why it is a time.
    std::uint64_t sequence{0};

    friend auto operator<=>(const SnapshotId&, const SnapshotId&) = default;
    friend bool operator==(const SnapshotId&, const SnapshotId&) = default;
};

/// "e3-s42", the snapshot's name on a pool, in JSON and in messages.
[[nodiscard]] std::string to_text(const SnapshotId& id);
/// nullopt unless `text` is exactly what to_text writes.
[[nodiscard]] std::optional<SnapshotId> parse_snapshot_id(std::string_view text);
std::ostream& operator<<(std::ostream& out, const SnapshotId& id);

/// Whether `text` is a UUID in its lower case form of 36 characters.
[[nodiscard]] bool is_uuid(std::string_view text);

}  // namespace flocker::model
