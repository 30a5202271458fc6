// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/stream_reader.hpp"

#include <array>
#include <variant>
#include <vector>

#include "adapters/btrfs/crc32c.hpp"
#include "adapters/btrfs/stream_prefix.hpp"

namespace flocker::btrfs::stream {
namespace {

tl::unexpected<Error> cut() {
    return fail(ErrorCode::corrupt, "snapshot stream: it ends too early");
}

}  // namespace

Reader::Reader(const ports::Source& source, const Position& at)
    : source_(source), parser_(at, Beginning::between_commands), position_(at) {}

Result<std::size_t> Reader::pull(std::span<std::byte> space) {
    auto got = source_(space);
    source_failed_ = !got;
    if (got && *got > space.size()) return fail(ErrorCode::internal, "a source gave more than there was room for");
    return got;
}

Result<Instant> Reader::prefix() {
    std::array<std::byte, prefix_bytes> bytes{};
    for (std::size_t have = 0; have < bytes.size();) {
        FLOCKER_TRY(const std::size_t got, pull(std::span(bytes).subspan(have)));
        if (got == 0) return cut();
        have += got;
    }
    parser_ = Parser(Position{prefix_bytes, crc32c(0, bytes)});
    return decode_prefix(bytes);
}

Result<std::optional<Command>> Reader::next() {
    for (;;) {
        FLOCKER_TRY(auto command, parser_.next());
        if (command && !std::holds_alternative<End>(*command)) {
            position_ = parser_.position();
            return command;
        }
        if (command) continue;
        const auto space = parser_.space();
        FLOCKER_TRY(const std::size_t got, pull(space));
        if (got == 0) return parser_.ended() ? Result<std::optional<Command>>(std::nullopt) : cut();
        parser_.filled(got);
    }
}

Status Reader::skip_rest() {
    std::vector<std::byte> piece(64 * 1024);
    for (;;) {
        FLOCKER_TRY(const std::size_t got, pull(piece));
        if (got == 0) return {};
    }
}

}  // namespace flocker::btrfs::stream
