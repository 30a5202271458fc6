// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/snapshot_streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "adapters/btrfs/crc32c.hpp"
#include "adapters/btrfs/incoming.hpp"
#include "adapters/btrfs/pool.hpp"
#include "adapters/btrfs/sender.hpp"
#include "adapters/btrfs/stream_parser.hpp"
#include "adapters/btrfs/stream_prefix.hpp"
#include "adapters/btrfs/stream_reader.hpp"
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

/// Looks now and then whether what is being sent has been let go. It would go on pinning the pool until its end, and
/// nobody waits for that any more.
class Watch {
public:
    static Result<Watch> begin(const std::string& pool_path, const model::DatasetId& dataset, const model::SnapshotId& to) {
        FLOCKER_TRY(const posix::Fd pool, open_pool(pool_path));
        FLOCKER_TRY(auto folder, DatasetFolder::peek(pool, dataset));
        if (!folder) return fail(ErrorCode::not_found, "dataset " + dataset.value + " is not on this node");
        return Watch(std::move(*folder), model::to_text(to));
    }
    Status look() {
        const auto now = Clock::now();
        if (now - looked_ < interval) return {};
        looked_ = now;
        const bool gone = ::faccessat(folder_.fd().get(), name_.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
        return gone ? fail(ErrorCode::not_found, "snapshot " + name_ + " was let go while it was sent") : Status{};
    }

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::chrono::milliseconds interval{200};

    Watch(DatasetFolder folder, std::string name) : folder_(std::move(folder)), name_(std::move(name)) {}

    DatasetFolder folder_;
    std::string name_;
    Clock::time_point looked_{Clock::now()};
};

std::string digest_of(std::uint32_t sum) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "crc32c:%08x", sum);
    return text.data();
}

/// nullopt: not a digest of ours.
std::optional<std::uint32_t> sum_of(const std::string& digest) {
    std::uint32_t sum = 0;
    const bool read = std::sscanf(digest.c_str(), "crc32c:%8x", &sum) == 1;
    return read && digest_of(sum) == digest ? std::optional(sum) : std::nullopt;
}

/// Tells when it is time to keep what has come.
class Pace {
public:
    Pace(const Keeping& keeping, std::uint64_t begun_at) : keeping_(keeping), bytes_(begun_at), time_(Clock::now()) {}

    [[nodiscard]] bool is_due(std::uint64_t bytes) const {
        return bytes - bytes_ >= keeping_.every_bytes.value || Clock::now() - time_ >= keeping_.every;
    }
    void begin(std::uint64_t bytes) {
        bytes_ = bytes;
        time_ = Clock::now();
    }

private:
    using Clock = std::chrono::steady_clock;

    const Keeping& keeping_;
    std::uint64_t bytes_;
    Clock::time_point time_;
};

/// Applies what the reader gives, to the end, and keeps it on the way. Where that fails once, the snapshot
/// comes all the same, and the next time comes.
Status fill(stream::Reader& reader, Incoming& incoming, const Keeping& keeping) {
    stream::Applier applier = incoming.applier();
    Pace pace(keeping, reader.position().bytes);
    for (;;) {
        const auto command = reader.next();
        if (!command && reader.source_failed()) {
            const bool is_long = incoming.kept_at().bytes > 0;
            const bool is_more = reader.position().bytes > incoming.kept_at().bytes;
            if (is_long && is_more) static_cast<void>(incoming.keep(reader.position(), applier.root_times()));
        }
        if (!command) return tl::unexpected(command.error());
        if (!*command) return applier.finish();
        FLOCKER_CHECK_OK(applier.apply(**command));
        if (!pace.is_due(reader.position().bytes)) continue;
        static_cast<void>(incoming.keep(reader.position(), applier.root_times()));
        pace.begin(reader.position().bytes);
    }
}

Status receive(stream::Reader& reader, Incoming& incoming, const Keeping& keeping) {
    const Status filled = fill(reader, incoming, keeping);
    if (!filled && !reader.source_failed()) {
        FLOCKER_CHECK_OK(incoming.is_expected());
        // A stream that does not fit what is here would not fit the next time either.
        incoming.forget();
    }
    FLOCKER_CHECK_OK(filled);
    return incoming.publish();
}

}  // namespace

BtrfsSnapshotStreams::BtrfsSnapshotStreams(std::string pool, Keeping keeping)
    : pool_(std::move(pool)), keeping_(keeping) {}

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
    FLOCKER_TRY(Watch watch, Watch::begin(pool_, dataset, to));
    FLOCKER_CHECK_OK(sink(stream::encode_prefix(facts.taken)));
    return send_stream(span.to, span.base, Content::with, [&](std::span<const std::byte> bytes) -> Status {
        FLOCKER_CHECK_OK(watch.look());
        return sink(bytes);
    });
}

Status BtrfsSnapshotStreams::write_on(const model::DatasetId& dataset, std::optional<model::SnapshotId> base,
                                      model::SnapshotId to, const ports::StreamPlace& from, const ports::Sink& sink) {
    std::uint64_t before = from.offset.value;
    std::uint32_t sum = 0;
    bool proved = false;
    const auto other = [&] {
        return fail(ErrorCode::conflict,
                    "snapshot " + model::to_text(to) + " gives another stream than the one before");
    };
    const auto rest = [&](std::span<const std::byte> bytes) -> Status {
        const auto passed = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(before, bytes.size())));
        sum = crc32c(sum, passed);
        before -= passed.size();
        if (before > 0) return sink({});
        if (!proved && digest_of(sum) != from.digest) return other();
        proved = true;
        bytes = bytes.subspan(passed.size());
        return bytes.empty() ? Status{} : sink(bytes);
    };
    FLOCKER_CHECK_OK(write(dataset, base, to, rest));
    return proved ? Status{} : other();
}

Status BtrfsSnapshotStreams::read(const model::DatasetId& dataset, model::Epoch epoch,
                                  std::optional<model::SnapshotId> base, model::SnapshotId to,
                                  const ports::Source& source) {
    FLOCKER_TRY(const posix::Fd pool, open_pool(pool_));
    stream::Reader reader(source);
    FLOCKER_TRY(const Instant taken, reader.prefix());
    FLOCKER_TRY(const auto begin, reader.next());
    if (!begin) return fail(ErrorCode::corrupt, "snapshot stream: it is empty");
    FLOCKER_TRY(auto incoming, Incoming::make(pool, Arrival{dataset, epoch, base, to}, *begin, taken));
    if (!incoming) return reader.skip_rest();
    return receive(reader, *incoming, keeping_);
}

Result<std::optional<ports::KeptPart>> BtrfsSnapshotStreams::kept(const model::DatasetId& dataset) {
    FLOCKER_TRY(const posix::Fd pool, open_pool(pool_));
    FLOCKER_TRY(const auto folder, DatasetFolder::peek(pool, dataset));
    if (!folder) return std::nullopt;
    FLOCKER_TRY(const Contents contents, look_into(*folder));
    FLOCKER_TRY(const auto partial, usable_partial(*folder, contents));
    if (!partial) return std::nullopt;
    return ports::KeptPart{
        partial->epoch, partial->base, partial->to, {Bytes{partial->at.bytes}, digest_of(partial->at.sum)}};
}

Status BtrfsSnapshotStreams::read_on(const model::DatasetId& dataset, const ports::KeptPart& part,
                                     const ports::Source& source) {
    const auto sum = sum_of(part.at.digest);
    if (!sum) return fail(ErrorCode::invalid_argument, "not a place in a snapshot stream: " + part.at.digest);
    FLOCKER_TRY(const posix::Fd pool, open_pool(pool_));
    const stream::Position at{part.at.offset.value, *sum};
    stream::Reader reader(source, at);
    FLOCKER_TRY(auto incoming, Incoming::make_from_kept(pool, Arrival{dataset, part.epoch, part.base, part.to}, at));
    if (!incoming) return reader.skip_rest();
    return receive(reader, *incoming, keeping_);
}

}  // namespace flocker::btrfs
