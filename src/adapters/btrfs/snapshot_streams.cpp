// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/snapshot_streams.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "adapters/btrfs/incoming.hpp"
#include "adapters/btrfs/pool.hpp"
#include "adapters/btrfs/sender.hpp"
#include "adapters/btrfs/stream_parser.hpp"
#include "adapters/btrfs/stream_prefix.hpp"
#include "adapters/btrfs/subvolume.hpp"

namespace flocker::btrfs {
namespace {

/// Content comes in commands of at most 48 KiB, each with its path and headers; this much for each
/// is more than enough.
constexpr std::uint64_t content_per_command = 48 * 1024;
constexpr std::uint64_t command_overhead = 256;

/// The two ends of what is sent.
struct Span {
    posix::Fd to;
    std::optional<posix::Fd> base;
};

Result<Span> open_span(const std::string& pool_path, const model::DatasetId& dataset,
                       const std::optional<model::SnapshotId>& base, const model::SnapshotId& to) {
    FLOCKER_TRY(const posix::Fd pool, open_pool(pool_path));
    FLOCKER_TRY(const auto folder, DatasetFolder::open(pool, dataset));
    if (!folder) return fail(ErrorCode::not_found, "dataset " + dataset.value + " is not on this node");
    Span span;
    FLOCKER_TRY(span.to, need_subvolume(folder->fd(), model::to_text(to)));
    if (base) {
        FLOCKER_TRY(span.base, need_subvolume(folder->fd(), model::to_text(*base)));
    }
    return span;
}

/// Reads a source to its end, command by command.
class Reader {
public:
    explicit Reader(const ports::Source& source) : source_(source) {}

    Result<Instant> prefix() {
        std::array<std::byte, stream::prefix_bytes> bytes{};
        for (std::size_t have = 0; have < bytes.size();) {
            FLOCKER_TRY(const std::size_t got, source_(std::span(bytes).subspan(have)));
            if (got == 0) return cut();
            have += got;
        }
        return stream::decode_prefix(bytes);
    }
    /// nullopt: the stream has ended as it should. Views are good until the next call.
    Result<std::optional<stream::Command>> next() {
        for (;;) {
            FLOCKER_TRY(auto command, parser_.next());
            if (command && !std::holds_alternative<stream::End>(*command)) return command;
            if (command) continue;
            const auto space = parser_.space();
            FLOCKER_TRY(const std::size_t got, source_(space));
            if (got > space.size()) return fail(ErrorCode::internal, "a source gave more than there was room for");
            if (got == 0) return parser_.ended() ? Result<std::optional<stream::Command>>(std::nullopt) : cut();
            parser_.filled(got);
        }
    }
    Status skip_rest() {
        std::vector<std::byte> piece(64 * 1024);
        for (;;) {
            FLOCKER_TRY(const std::size_t got, source_(piece));
            if (got == 0) return {};
        }
    }

private:
    static tl::unexpected<Error> cut() { return fail(ErrorCode::corrupt, "snapshot stream: it ends too early"); }

    const ports::Source& source_;
    stream::Parser parser_;
};

Status fill(Reader& reader, stream::Applier applier) {
    for (;;) {
        FLOCKER_TRY(const auto command, reader.next());
        if (!command) return applier.finish();
        FLOCKER_CHECK_OK(applier.apply(*command));
    }
}

}  // namespace

BtrfsSnapshotStreams::BtrfsSnapshotStreams(std::string pool) : pool_(std::move(pool)) {}

Result<Bytes> BtrfsSnapshotStreams::measure(const model::DatasetId& dataset, std::optional<model::SnapshotId> base,
                                            model::SnapshotId to) {
    FLOCKER_TRY(const Span span, open_span(pool_, dataset, base, to));
    stream::Parser parser;
    std::uint64_t sum = stream::prefix_bytes;
    const auto count = [&](std::span<const std::byte> bytes) -> Status {
        sum += bytes.size();
        while (!bytes.empty()) {
            const auto space = parser.space();
            const std::size_t some = std::min(space.size(), bytes.size());
            std::memcpy(space.data(), bytes.data(), some);
            parser.filled(some);
            bytes = bytes.subspan(some);
            for (;;) {
                FLOCKER_TRY(const auto command, parser.next());
                if (!command) break;
                const auto* extent = std::get_if<stream::Extent>(&*command);
                if (extent != nullptr) sum += extent->size + (extent->size / content_per_command) * command_overhead;
            }
        }
        return {};
    };
    FLOCKER_CHECK_OK(send_stream(span.to, span.base, Content::without, count));
    return Bytes{sum};
}

Status BtrfsSnapshotStreams::write(const model::DatasetId& dataset, std::optional<model::SnapshotId> base,
                                   model::SnapshotId to, const ports::Sink& sink) {
    FLOCKER_TRY(const Span span, open_span(pool_, dataset, base, to));
    FLOCKER_TRY(const SubvolumeFacts facts, facts_of(span.to));
    FLOCKER_CHECK_OK(sink(stream::encode_prefix(facts.taken)));
    return send_stream(span.to, span.base, Content::with, sink);
}

Status BtrfsSnapshotStreams::read(const model::DatasetId& dataset, model::Epoch epoch,
                                  std::optional<model::SnapshotId> base, model::SnapshotId to,
                                  const ports::Source& source) {
    FLOCKER_TRY(const posix::Fd pool, open_pool(pool_));
    Reader reader(source);
    FLOCKER_TRY(const Instant taken, reader.prefix());
    FLOCKER_TRY(const auto begin, reader.next());
    if (!begin) return fail(ErrorCode::corrupt, "snapshot stream: it is empty");
    FLOCKER_TRY(auto incoming, Incoming::make(pool, Arrival{dataset, epoch, base, to}, *begin));
    if (!incoming) return reader.skip_rest();
    FLOCKER_CHECK_OK(fill(reader, incoming->applier()));
    return incoming->publish(taken);
}

}  // namespace flocker::btrfs
