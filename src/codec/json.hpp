// SPDX-License-Identifier: Apache-2.0
//
// Values of the model as JSON, for the API, the agents' messages and the stored records.
//
//   key          the field's name; a Duration's key ends in _ns
//   Strong       its raw value
//   SnapshotId   "e3-s42"
//   Instant      integer, nanoseconds since the Unix epoch
//   Duration     integer, nanoseconds
//   Bytes        integer
//   port         integer from 1 to 65535 (every 16-bit field of the model is one)
//   enum         its name: "settling"; a restart policy's as in the manifest: "on-failure"
//   optional     absent (or null, when read)
//   vector, set  array
//   map          object, if its key is a text; otherwise an array of {"key": …, "value": …}
//   Place        {"type": "node", "name": "alder"} or {"type": "datacenter", "name": "fra"}
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace flocker::codec {

/// A longer text is refused by decode().
inline constexpr std::size_t text_max = std::size_t{16} * 1024 * 1024;

/// One line without a newline. Always valid UTF-8: bytes that are not become U+FFFD.
///
/// Both exist for the types that are listed in json.cpp; adding one is one line there and its fields
/// in fields.hpp.
template <class T>
[[nodiscard]] std::string encode(const T& value);

/// Strict about types and ranges, generous about age: unknown keys are ignored, a container that is
/// missing is empty. Everything else that is missing is an error, unless it is optional.
///
/// Errors: corrupt, with the place: "applications[2].ports[0].internal: must be an integer from 1 to 65535".
template <class T>
[[nodiscard]] Result<T> decode(std::string_view text);

}  // namespace flocker::codec
