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
        case FrameKind::message:
            return at_message({reinterpret_cast<const char*>(frame.bytes.data()), frame.bytes.size()});
    }
    return fail(ErrorCode::internal, "a frame of no kind");
}

Status BodySource::at_message(std::string_view) {
    return fail(ErrorCode::corrupt, "received a message where a body should be");
}

tl::unexpected<Error> BodySource::broken(Error error) {
    problem_ = tl::unexpected(error);
    return tl::unexpected(std::move(error));
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

Result<Bytes> RestartedBody::begin(Bytes offered) {
    offered_ = offered;
    while (!from_) {
        FLOCKER_CHECK_OK(advance());
        if (from_) break;
        const auto ready = take_ready();
        if (before_.size() + ready.size() > unadmitted_max)
            return broken({ErrorCode::corrupt, "received more of a body than may come before it is admitted"});
        before_.insert(before_.end(), ready.begin(), ready.end());
        if (!ended()) continue;
        from_ = Bytes{0};
        put_back(before_);
    }
    return *from_;
}

Status RestartedBody::at_message(std::string_view json) {
    if (!offered_ || from_) return BodySource::at_message(json);
    FLOCKER_TRY(const Bytes from, decode_beginning(json));
    if (from != Bytes{} && from != offered_)
        return fail(ErrorCode::corrupt, "received a body from another place than was offered");
    from_ = from;
    return {};
}

Status ReplyBody::at_end() {
    FLOCKER_TRY(const std::string text, frames_.read_message());
    FLOCKER_TRY(const Reply reply, decode_reply(text));
    settled_ = true;
    return reply.status;
}

}  // namespace flocker::peer
