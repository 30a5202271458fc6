// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "base/result.hpp"
#include "ports/byte_stream.hpp"

namespace flocker::docker {

/// Takes the engine's framing off a container's output. A frame: the stream's number (0 to 2), three
/// zero bytes, the size as four bytes (highest first), the bytes. Frames may come in any pieces.
class LogFrames {
public:
    /// The plain bytes go to `sink`. Errors: corrupt (no frame); whatever the sink returned.
    [[nodiscard]] Status take(std::span<const std::byte> bytes, const ports::Sink& sink);

private:
    std::array<std::byte, 8> head_{};
    std::size_t head_size_{0};
    std::size_t left_{0};  ///< Of the frame whose head is complete.
};

}  // namespace flocker::docker
