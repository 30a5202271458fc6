// SPDX-License-Identifier: Apache-2.0
//
// The body of the answer to a digest, a JSON object a line:
//
//   {"entries": 812, "bytes": 10240, "entries_expected": 90000, "bytes_expected": 1073741824}   now and then
//   {"entry": 255, "path": "base/1/2619", "digest": "9f86…"}                                    a mark
//   {"digest": "9f86…", "entries": 90012, "bytes": 1073741824}                                  the last one
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "ports/snapshot_digests.hpp"

namespace flocker::peer {

using DigestLine = std::variant<ports::DigestProgress, ports::DigestMark, ports::TreeDigest>;

/// With its end of line. A long path is cut.
[[nodiscard]] std::string encode(const DigestLine& line);
/// Errors: corrupt.
[[nodiscard]] Result<DigestLine> decode_digest_line(std::string_view line);

/// Takes a body in pieces and gives its lines.
class DigestLines {
public:
    /// Errors: corrupt; whatever `each` returned.
    [[nodiscard]] Status take(std::span<const std::byte> bytes, const std::function<Status(const DigestLine&)>& each);

private:
    std::string pending_;
};

}  // namespace flocker::peer
