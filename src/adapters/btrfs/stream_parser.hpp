// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "adapters/btrfs/stream_command.hpp"
#include "base/result.hpp"

namespace flocker::btrfs::stream {

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

    Parser();
    /// Where the next bytes go. Not empty after next() gave nullopt. Ends the views of the last command.
    [[nodiscard]] std::span<std::byte> space();
    void filled(std::size_t bytes);

    /// nullopt: more bytes are needed. After an error it is of no use any more.
    /// Errors: corrupt, with what is wrong and at which byte of the stream.
    [[nodiscard]] Result<std::optional<Command>> next();

    /// End was given. Bytes behind it are an error.
    [[nodiscard]] bool ended() const { return ended_; }

private:
    [[nodiscard]] std::span<const std::byte> rest() const { return {buffer_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t bytes);
    [[nodiscard]] tl::unexpected<Error> corrupt(const std::string& what) const;

    std::vector<std::byte> buffer_;
    std::size_t begin_{0};
    std::size_t end_{0};
    std::uint64_t consumed_{0};
    bool started_{false};
    bool begun_{false};
    bool ended_{false};
};

}  // namespace flocker::btrfs::stream
