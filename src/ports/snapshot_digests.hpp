// SPDX-License-Identifier: Apache-2.0
//
// What a snapshot's tree is, in a few bytes: two nodes with equal digests hold the same, as a user sees it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/ids.hpp"

namespace flocker::ports {

/// How far a digest has come.
struct DigestProgress {
    std::uint64_t entries{0};
    Bytes bytes;                        ///< Content that was read.
    std::uint64_t entries_expected{0};  ///< Roughly; 0: not known.
    Bytes bytes_expected;

    friend bool operator==(const DigestProgress&, const DigestProgress&) = default;
};

/// A place in the tree's walk: from the tree's root on, which is entry 0, each folder before what is in it, names in
/// the order of their bytes.
struct DigestMark {
    std::uint64_t entry{0};
    std::string path;    ///< Below the root, to be shown: what is not printable stands as \xNN.
    std::string digest;  ///< Of all entries up to this one; of a range: of this one alone.

    friend bool operator==(const DigestMark&, const DigestMark&) = default;
};

struct TreeDigest {
    std::string digest;  ///< 64 hexadecimal digits.
    std::uint64_t entries{0};
    Bytes bytes;  ///< Content that was read for it.

    friend bool operator==(const TreeDigest&, const TreeDigest&) = default;
};

/// Entries of the walk.
struct DigestRange {
    std::uint64_t first{0};
    std::uint64_t count{0};

    friend bool operator==(const DigestRange&, const DigestRange&) = default;
};

/// Told now and then of the progress, and of marks in their order. Its error ends the digest.
using DigestListener = std::function<Status(const std::variant<DigestProgress, DigestMark>&)>;

/// A snapshot that does not go as long as this lives, and leaves nothing behind.
///
/// Threads: one call at a time; blocking.
class HeldTree {
public:
    virtual ~HeldTree() = default;
    /// Of everything: names, types, modes, owners, times of change, extended attributes (so access control lists and
    /// capabilities), symbolic links' targets, device numbers, which names are links to one file, sizes, content with
    /// holes as zeros. Equal trees have equal digests, and marks at equal places.
    ///
    /// `only`: content is read of these entries alone, and each of them gives a mark. A range of none tells the other
    /// side, if there is one, that the tree is still wanted.
    /// Errors: unavailable (something can't be read: the message says what), corrupt; whatever the listener returned.
    virtual Result<TreeDigest> digest(std::optional<DigestRange> only, const DigestListener& listener) = 0;
};

/// Snapshots of a node's pool as trees.
///
/// Threads: any; blocking, never from the loop.
/// Cost:    what is read is read at the lowest priority, and leaves nothing in the page cache.
class SnapshotDigests {
public:
    virtual ~SnapshotDigests() = default;
    /// Errors: not_found (no such dataset or snapshot), unavailable.
    virtual Result<std::unique_ptr<HeldTree>> hold(const model::DatasetId& dataset,
                                                   const model::SnapshotId& snapshot) = 0;
};

}  // namespace flocker::ports
