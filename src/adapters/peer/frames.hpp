// SPDX-License-Identifier: Apache-2.0
//
// What agents say to each other, as frames on a stream. Integers are big endian.
//
//   frame    = u8 kind, u32 length, u32 checksum, `length` bytes
//   kind     'M' message: JSON, at most 64 KiB; its CRC-32C
//            'D' data: a piece of a body, 1 byte to 1 MiB; the CRC-32C of the body so far
//            'E' end of a body: u64, how many bytes it had; the CRC-32C of all of them
//            'K' still here: nothing, 0
//
// The side that asks writes a message, and a body if the request has one; the other side answers. The
// stream can then be used for the next request.
//
//   holdings   > M                            < M reply
//   snapshot   > M (D|K)* E                   < M admitted, (K* M) reply
//              The sender writes `unadmitted_max` bytes of the body before it waits for "admitted".
//              If that says from where it can go on, and the body has not ended yet, the sender leaves
//              it there and begins another, from that place or from the start:
//              > M D* K* M from, (D|K)* E
//   image      > M                            < (D|K)* E M reply    an error has an empty body
//   logs       > M                            < (D|K)* E M reply
//   hold       > M                            < M reply             held until the stream ends
//   digest     > M                            < (D|K)* E M reply    see digest_lines.hpp
//
// Bytes reach their reader only after their frame's checksum was found right. The checksum goes from
// buffer to buffer, beyond what TLS protects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/posix/stream.hpp"
#include "base/result.hpp"

namespace flocker::peer {

inline constexpr std::size_t message_max = std::size_t{64} << 10U;
inline constexpr std::size_t data_max = std::size_t{1} << 20U;
/// How much data a frame holds when there is enough of it.
inline constexpr std::size_t data_wished = std::size_t{256} << 10U;
/// An increment of this size or less costs no round trip more than its receipt.
inline constexpr std::size_t unadmitted_max = std::size_t{256} << 10U;
/// A stream on which nothing moves for so long is given up.
inline constexpr Duration silence_limit = std::chrono::seconds{30};
/// The same while clients wait for what is sent: they are better served where they were.
inline constexpr Duration silence_limit_urgent = std::chrono::seconds{5};
/// How often who works long on an answer says that it is still here.
inline constexpr Duration still_here_interval = std::chrono::seconds{1};

enum class FrameKind : std::uint8_t { message = 'M', data = 'D', end = 'E', still_here = 'K' };

struct Frame {
    FrameKind kind{FrameKind::message};
    std::span<const std::byte> bytes;  ///< Valid until the next read.
};

/// Frames on one stream, in both directions.
///
/// Threads: one reader and one writer at a time.
/// Errors:  as posix::Stream; corrupt: not a frame, over a limit, a wrong checksum or count.
class FrameStream {
public:
    explicit FrameStream(std::unique_ptr<posix::Stream> stream);

    /// Both begin a new message or body; what is written is kept until flush(), or until there is a
    /// full frame of data.
    void put_message(std::string_view json);
    [[nodiscard]] Status put_data(std::span<const std::byte> bytes);
    void put_end();
    void put_still_here();
    [[nodiscard]] Status flush();
    /// Of the body being written, whether sent or kept.
    [[nodiscard]] std::uint64_t body_bytes() const { return written_bytes_; }

    /// Checked. An end that comes is the end of the body that was read.
    [[nodiscard]] Result<Frame> read();
    /// The next frame, which must be a message; frames that say "still here" are skipped.
    [[nodiscard]] Result<std::string> read_message();
    /// Whether there is something to read, be it the end or an error.
    [[nodiscard]] bool has_news();

    [[nodiscard]] posix::Stream& stream() { return *stream_; }

private:
    void begin_frame(FrameKind kind);
    void finish_data();
    void finish_frame(std::uint32_t checksum);
    [[nodiscard]] Status fill(std::size_t size);
    [[nodiscard]] Status check_body(const Frame& frame, std::uint32_t checksum);

    std::unique_ptr<posix::Stream> stream_;

    std::vector<std::byte> out_;
    std::size_t frame_begin_{0};
    bool data_open_{false};  ///< The last frame in out_ is of data, and more may be added.
    std::uint32_t written_crc_{0};
    std::uint64_t written_bytes_{0};

    std::vector<std::byte> in_;
    std::size_t in_begin_{0};
    std::size_t in_end_{0};
    std::uint32_t read_crc_{0};
    std::uint64_t read_bytes_{0};
};

}  // namespace flocker::peer
