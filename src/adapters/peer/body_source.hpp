// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/peer/frames.hpp"
#include "base/bytes.hpp"

namespace flocker::peer {

/// The body that comes next on a stream, as bytes to be pulled.
///
/// Errors: as FrameStream; once there was one, every read returns it.
class BodySource {
public:
    explicit BodySource(FrameStream& frames) : frames_(frames) {}
    virtual ~BodySource() = default;
    BodySource(const BodySource&) = delete;
    BodySource& operator=(const BodySource&) = delete;

    /// As ports::Source. 0 only when the whole body has come and is right.
    [[nodiscard]] Result<std::size_t> read(std::span<std::byte> buffer);
    /// Reads on to the end, at most `limit` bytes more (unavailable beyond). Nothing if it was reached.
    [[nodiscard]] Status skip(std::uint64_t limit = UINT64_MAX);
    [[nodiscard]] const Status& problem() const { return problem_; }
    [[nodiscard]] bool ended() const { return ended_; }

protected:
    /// Makes the next bytes ready, unless there are some or the end was reached.
    [[nodiscard]] Status advance();
    /// The bytes that are ready, which are read by this.
    [[nodiscard]] std::span<const std::byte> take_ready() { return std::exchange(left_, {}); }
    /// Makes it the problem.
    [[nodiscard]] tl::unexpected<Error> broken(Error error);
    /// These are read next.
    void put_back(std::span<const std::byte> bytes) { left_ = bytes; }
    /// A message where the body should go on. A body that comes behind it is another one.
    [[nodiscard]] virtual Status at_message(std::string_view json);

private:
    /// Called once when the end has come; an error takes the place of the end.
    [[nodiscard]] virtual Status at_end() { return {}; }
    [[nodiscard]] Status next_frame();

    FrameStream& frames_;
    std::span<const std::byte> left_;
    bool ended_{false};
    Status problem_;
};

/// The body of a reply. After it the other side says whether it was whole.
class ReplyBody final : public BodySource {
public:
    explicit ReplyBody(FrameStream& frames) : BodySource(frames), frames_(frames) {}

    /// Waits until there are bytes, or the end, or an error.
    [[nodiscard]] Status begin() { return advance(); }
    /// The other side has said its last word: the stream can be used again, whatever it said.
    [[nodiscard]] bool settled() const { return settled_; }

private:
    [[nodiscard]] Status at_end() override;

    FrameStream& frames_;
    bool settled_{false};
};

/// The body of a snapshot, which its sender may begin anew if it was told from where it can go on.
class RestartedBody final : public BodySource {
public:
    explicit RestartedBody(FrameStream& frames) : BodySource(frames) {}

    /// After such an offer: waits until the sender has said where it goes on: at `offered`, or at 0, be it that it had
    /// written all before it heard of the offer. What is read after that lies there. Errors: as read(); corrupt:
    /// somewhere else.
    [[nodiscard]] Result<Bytes> begin(Bytes offered);

private:
    [[nodiscard]] Status at_message(std::string_view json) override;

    std::optional<Bytes> offered_;
    std::optional<Bytes> from_;
    std::vector<std::byte> before_;  ///< What came of the body before it was left.
};

}  // namespace flocker::peer
