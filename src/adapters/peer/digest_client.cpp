// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/digest_client.hpp"

#include <utility>

#include "adapters/peer/connections.hpp"
#include "adapters/peer/digest_lines.hpp"
#include "adapters/peer/frames.hpp"
#include "adapters/peer/messages.hpp"

namespace flocker::peer {
namespace {

Status reply_of(FrameStream& frames) {
    FLOCKER_TRY(const std::string text, frames.read_message());
    FLOCKER_TRY(const Reply reply, decode_reply(text));
    return reply.status;
}

class RemoteTree final : public ports::HeldTree {
public:
    explicit RemoteTree(std::unique_ptr<FrameStream> frames) : frames_(std::move(frames)) {}

    Result<ports::TreeDigest> digest(std::optional<ports::DigestRange> only,
                                     const ports::DigestListener& listener) override {
        if (!frames_) return fail(ErrorCode::unavailable, "the tree is held no longer");
        auto outcome = read_digest(only, listener);
        // In the middle of an answer the stream is of no use any more.
        if (!outcome && !whole_) frames_.reset();
        return outcome;
    }

private:
    [[nodiscard]] Result<ports::TreeDigest> read_digest(const std::optional<ports::DigestRange>& only,
                                                        const ports::DigestListener& listener) {
        whole_ = false;
        frames_->put_message(encode(Request{AskDigest{only}}));
        FLOCKER_CHECK_OK(frames_->flush());
        DigestLines lines;
        std::optional<ports::TreeDigest> digest;
        ports::DigestProgress last;
        const auto take = [&](const DigestLine& line) -> Status {
            if (const auto* mark = std::get_if<ports::DigestMark>(&line)) return listener(*mark);
            if (const auto* whole = std::get_if<ports::TreeDigest>(&line)) digest = *whole;
            if (const auto* progress = std::get_if<ports::DigestProgress>(&line)) last = *progress;
            return listener(last);
        };
        for (;;) {
            FLOCKER_TRY(const Frame frame, frames_->read());
            if (frame.kind == FrameKind::end) break;
            if (frame.kind == FrameKind::message)
                return fail(ErrorCode::corrupt, "received a message where a digest should be");
            FLOCKER_CHECK_OK(lines.take(frame.bytes, take));
            if (frame.kind == FrameKind::still_here) FLOCKER_CHECK_OK(listener(last));
        }
        const Status outcome = reply_of(*frames_);
        whole_ = true;
        FLOCKER_CHECK_OK(outcome);
        if (!digest) return fail(ErrorCode::corrupt, "received no digest where one should be");
        return *digest;
    }

    std::unique_ptr<FrameStream> frames_;  ///< Its end lets the tree go.
    bool whole_{true};                     ///< At the end of an answer.
};

}  // namespace

Result<std::unique_ptr<ports::HeldTree>> hold_tree(const posix::Connector& connector, const std::string& address,
                                                   std::uint16_t port, const model::DatasetId& dataset,
                                                   const model::SnapshotId& snapshot) {
    FLOCKER_TRY(auto stream, connector(address, port, connect_limit));
    stream->set_idle_limit(silence_limit);
    auto frames = std::make_unique<FrameStream>(std::move(stream));
    frames->put_message(encode(Request{AskHold{dataset, snapshot}}));
    FLOCKER_CHECK_OK(frames->flush());
    FLOCKER_CHECK_OK(reply_of(*frames));
    return std::make_unique<RemoteTree>(std::move(frames));
}

}  // namespace flocker::peer
