// SPDX-License-Identifier: Apache-2.0
//
// The messages of the protocol in frames.hpp, as values and as JSON.
//
//   {"version": 1, "request": "holdings", "dataset": "<uuid>"}
//   {"version": 1, "request": "snapshot", "dataset": "<uuid>", "epoch": 3, "base": "e3-s41", "to": "e3-s42",
//    "expected_bytes": 1048576, "goes_on": true}                     "base" only for an increment
//   {"version": 1, "request": "image", "name": "redis:7"}
//   {"version": 1, "request": "logs", "application": "db", "tail": 100, "follow": true}
//   {"version": 1, "request": "hold", "dataset": "<uuid>", "snapshot": "e3-s42"}
//   {"version": 1, "request": "digest", "first": 256, "count": 256}   of what is held; without a range, of all
//   {"outcome": "admitted"}, to who "goes_on" perhaps with "from": 1073741900, "digest": "…"
//   {"from": 1073741900}                                             to that, before the body; or 0
//   {"outcome": "ok"}, for holdings with "epoch": 3, "snapshots": ["e3-s41", "e3-s42"], and perhaps
//    "partial": {"base": "e3-s42", "to": "e3-s43", "received": 1073741900, "epoch": 3}
//   {"outcome": "conflict", "message": "…"}                          any error code by its name
//
// Who does not know "goes_on", "from", "partial" or the epoch of that leaves it out, and passes over it where it comes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "ports/byte_stream.hpp"
#include "ports/replica_link.hpp"
#include "ports/snapshot_digests.hpp"

namespace flocker::peer {

struct AskHoldings {
    model::DatasetId dataset;
    friend bool operator==(const AskHoldings&, const AskHoldings&) = default;
};
struct OfferSnapshot {
    model::DatasetId dataset;
    model::Epoch epoch;
    std::optional<model::SnapshotId> base;
    model::SnapshotId to;
    Bytes expected;       ///< 0: not known.
    bool goes_on{false};  ///< The sender can go on from a place in the middle.
    friend bool operator==(const OfferSnapshot&, const OfferSnapshot&) = default;
};
struct AskImage {
    std::string name;
    friend bool operator==(const AskImage&, const AskImage&) = default;
};
struct AskLogs {
    model::ApplicationName application;
    std::uint32_t tail{0};
    bool follow{false};
    friend bool operator==(const AskLogs&, const AskLogs&) = default;
};
struct AskHold {
    model::DatasetId dataset;
    model::SnapshotId snapshot;
    friend bool operator==(const AskHold&, const AskHold&) = default;
};
struct AskDigest {
    std::optional<ports::DigestRange> only;
    friend bool operator==(const AskDigest&, const AskDigest&) = default;
};
using Request = std::variant<AskHoldings, OfferSnapshot, AskImage, AskLogs, AskHold, AskDigest>;

[[nodiscard]] std::string encode(const Request& request);
/// Errors: corrupt (not a request, or a name that can be none), invalid_argument (another version).
[[nodiscard]] Result<Request> decode_request(std::string_view json);

/// What the other side says to a request.
struct Reply {
    enum class Kind : std::uint8_t { admitted, done };
    Kind kind{Kind::done};
    Status status;             ///< Of `done`.
    ports::Holdings holdings;  ///< Only to AskHoldings.
    /// Of `admitted`: what lies before is here, if it has that digest.
    std::optional<ports::StreamPlace> from{};
};
/// A long error message is cut, and snapshots beyond what a message can hold are left out, oldest first.
[[nodiscard]] std::string encode(const Reply& reply);
/// Errors: corrupt.
[[nodiscard]] Result<Reply> decode_reply(std::string_view json);

/// Where the body that follows begins in the snapshot's stream.
[[nodiscard]] std::string encode_beginning(Bytes from);
/// Errors: corrupt.
[[nodiscard]] Result<Bytes> decode_beginning(std::string_view json);

}  // namespace flocker::peer
