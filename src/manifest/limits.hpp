// SPDX-License-Identifier: Apache-2.0
//
// What a file may cost us. Manifests come from people and, over the API, from strangers; each limit
// is far above any honest file and low enough that a hostile one ends in a message.
#pragma once

#include <cstddef>

namespace flocker::manifest::limits {

inline constexpr std::size_t text_bytes = 1 << 20;
inline constexpr std::size_t applications = 1000;
/// Scalars, lists and maps of one file; a full application has about forty.
inline constexpr std::size_t values = 50'000;
/// Honest files have five levels.
inline constexpr std::size_t depth = 16;
inline constexpr std::size_t problems_per_file = 1000;
/// A name in a message is cut after so many bytes.
inline constexpr std::size_t shown_bytes = 60;
inline constexpr std::size_t name_bytes = 63;
inline constexpr std::size_t replicas = 16;  ///< Of a volume.
/// "did you mean" is not tried for longer words or among more candidates: it costs their product.
inline constexpr std::size_t suggestion_bytes = 32;
inline constexpr std::size_t suggestions = 100;
/// Linux takes no longer argument or NAME=value (MAX_ARG_STRLEN, with its NUL).
inline constexpr std::size_t argument_bytes = (128 << 10) - 1;
/// Longer paths are refused by the kernel (PATH_MAX, with its NUL).
inline constexpr std::size_t path_bytes = 4095;

}  // namespace flocker::manifest::limits
