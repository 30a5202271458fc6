// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "adapters/btrfs/stream_command.hpp"
#include "adapters/btrfs/stream_parser.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "ports/byte_stream.hpp"

namespace flocker::btrfs::stream {

/// Reads a source to its end, command by command.
class Reader {
public:
    /// `source`, which outlives this, gives a whole stream: prefix() comes first.
    explicit Reader(const ports::Source& source) : source_(source) {}
    /// It gives what comes after `at`.
    Reader(const ports::Source& source, const Position& at);

    /// When the snapshot was taken. Errors: corrupt; the source's.
    [[nodiscard]] Result<Instant> prefix();
    /// nullopt: the stream has ended as it should. Views are good until the next call.
    /// Errors: corrupt; the source's.
    [[nodiscard]] Result<std::optional<Command>> next();
    [[nodiscard]] Status skip_rest();

    /// Behind the command that next() gave last.
    [[nodiscard]] const Position& position() const { return position_; }
    /// The last error was the source's: what came before it may be right, and the rest may come another time.
    [[nodiscard]] bool source_failed() const { return source_failed_; }

private:
    [[nodiscard]] Result<std::size_t> pull(std::span<std::byte> space);

    const ports::Source& source_;
    Parser parser_;
    Position position_;
    bool source_failed_{false};
};

}  // namespace flocker::btrfs::stream
