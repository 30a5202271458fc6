// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/body_source.hpp"

#include <algorithm>

#include "adapters/peer/messages.hpp"

namespace flocker::peer {

Status BodySource::next_frame() {
    FLOCKER_TRY(const Frame frame, frames_.read());
    switch (frame.kind) {
        case FrameKind::data: left_ = frame.bytes; return {};
        case FrameKind::still_here: return {};
        case FrameKind::end: ended_ = true; return at_end();
        case FrameKind::message: break;
    }
    return fail(ErrorCode::corrupt, "received a message where a body should be");
}

Status BodySource::advance() {
    while (problem_ && left_.empty() && !ended_) problem_ = next_frame();
    return problem_;
}

Result<std::size_t> BodySource::read(std::span<std::byte> buffer) {
    FLOCKER_CHECK_OK(advance());
    const std::size_t size = std::min(buffer.size(), left_.size());
    std::copy_n(left_.begin(), size, buffer.begin());
    left_ = left_.subspan(size);
    return size;
}

Status BodySource::skip(std::uint64_t limit) {
    while (!ended_) {
        FLOCKER_CHECK_OK(advance());
        if (left_.size() > limit) return fail(ErrorCode::unavailable, "there is too much left of the body");
        limit -= left_.size();
        left_ = {};
    }
    return problem_;
}

Status ReplyBody::at_end() {
    FLOCKER_TRY(const std::string text, frames_.read_message());
    FLOCKER_TRY(const Reply reply, decode_reply(text));
    settled_ = true;
    return reply.status;
}

}  // namespace flocker::peer
