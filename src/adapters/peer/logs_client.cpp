// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/logs_client.hpp"

#include "adapters/peer/connections.hpp"
#include "adapters/peer/frames.hpp"
#include "adapters/peer/messages.hpp"

namespace flocker::peer {

Status fetch_logs(const posix::Connector& connector, const std::string& address, std::uint16_t port,
                  const model::ApplicationName& application, std::uint32_t tail_lines, bool follow,
                  const ports::Sink& sink) {
    FLOCKER_TRY(auto stream, connector(address, port, connect_limit));
    stream->set_idle_limit(silence_limit);
    FrameStream frames(std::move(stream));
    frames.put_message(encode(Request{AskLogs{application, tail_lines, follow}}));
    FLOCKER_CHECK_OK(frames.flush());
    for (;;) {
        FLOCKER_TRY(const Frame frame, frames.read());
        if (frame.kind == FrameKind::end) break;
        if (frame.kind == FrameKind::message)
            return fail(ErrorCode::corrupt, "received a message where logs should be");
        // "Still here" has no bytes.
        FLOCKER_CHECK_OK(sink(frame.bytes));
    }
    FLOCKER_TRY(const std::string text, frames.read_message());
    FLOCKER_TRY(const Reply reply, decode_reply(text));
    return reply.status;
}

}  // namespace flocker::peer
