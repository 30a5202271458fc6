// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "adapters/btrfs/stream_command.hpp"
#include "base/result.hpp"

namespace flocker::btrfs::stream {

/// A boundary between two commands of a stream.
struct Position {
    std::uint64_t bytes{0};  ///< Before it.
    std::uint32_t sum{0};    ///< Their CRC-32C.
    friend bool operator==(const Position&, const Position&) = default;
};
/// Where a parser's bytes begin.
enum class Beginning : std::uint8_t {
    of_stream,
    between_commands,  ///< Somewhere behind the first command.
};

/// Turns the bytes of a btrfs send stream, version 1, into commands. Does no I/O, believes nothing:
/// every length is checked, every command has its checksum, and a command is given only if all its
/// parts are there and well-formed by themselves.
///
/// Use:    write received bytes into space(), say filled(), then call next() until it gives nullopt.
/// Limits: a command is at most 64 KiB, as btrfs itself makes them; the buffer is 256 KiB.
class Parser {
public:
    static constexpr std::size_t command_bytes_max = 64 * 1024;
    static constexpr std::size_t path_bytes_max = 4095;

    /// `at`: where its first byte lies; what position() goes on from.
    explicit Parser(Position at = {}, Beginning beginning = Beginning::of_stream);
    /// Where the next bytes go. Not empty after next() gave nullopt. Ends the views of the last command.
    [[nodiscard]] std::span<std::byte> space();
    void filled(std::size_t bytes);

    /// nullopt: more bytes are needed. After an error it is of no use any more.
    /// Errors: corrupt, with what is wrong and at which byte of the stream.
    [[nodiscard]] Result<std::optional<Command>> next();

    /// Behind the command that was given last.
    [[nodiscard]] const Position& position() const { return position_; }
    /// End was given. Bytes behind it are an error.
    [[nodiscard]] bool ended() const { return ended_; }

private:
    [[nodiscard]] std::span<const std::byte> rest() const { return {buffer_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t bytes);
    [[nodiscard]] tl::unexpected<Error> corrupt(const std::string& what) const;

    std::vector<std::byte> buffer_;
    std::size_t begin_{0};
    std::size_t end_{0};
    Position position_;
    bool started_{false};
    bool begun_{false};
    bool ended_{false};
};

}  // namespace flocker::btrfs::stream
