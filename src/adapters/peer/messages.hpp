// SPDX-License-Identifier: Apache-2.0
//
// The messages of the protocol in frames.hpp, as values and as JSON.
//
//   {"version": 1, "request": "holdings", "dataset": "<uuid>"}
//   {"version": 1, "request": "snapshot", "dataset": "<uuid>", "epoch": 3, "base": "e3-s41", "to": "e3-s42",
//    "expected_bytes": 1048576}                                      "base" only for an increment
//   {"version": 1, "request": "image", "name": "redis:7"}
//   {"version": 1, "request": "logs", "application": "db", "tail": 100, "follow": true}
//   {"outcome": "admitted"}
//   {"outcome": "ok"}, for holdings with "epoch": 3, "snapshots": ["e3-s41", "e3-s42"]
//   {"outcome": "conflict", "message": "…"}                          any error code by its name
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "ports/replica_link.hpp"

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
    Bytes expected;  ///< 0: not known.
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
using Request = std::variant<AskHoldings, OfferSnapshot, AskImage, AskLogs>;

[[nodiscard]] std::string encode(const Request& request);
/// Errors: corrupt (not a request, or a name that can be none), invalid_argument (another version).
[[nodiscard]] Result<Request> decode_request(std::string_view json);

/// What the other side says to a request.
struct Reply {
    enum class Kind : std::uint8_t { admitted, done };
    Kind kind{Kind::done};
    Status status;             ///< Of `done`.
    ports::Holdings holdings;  ///< Only to AskHoldings.
};
/// A long error message is cut, and snapshots beyond what a message can hold are left out, oldest first.
[[nodiscard]] std::string encode(const Reply& reply);
/// Errors: corrupt.
[[nodiscard]] Result<Reply> decode_reply(std::string_view json);

}  // namespace flocker::peer
