// SPDX-License-Identifier: Apache-2.0
#include "adapters/peer/frames.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "adapters/peer/crc32c.hpp"
#include "base/check.hpp"

namespace flocker::peer {
namespace {

constexpr std::size_t head_size = 9;
constexpr std::size_t count_size = 8;
constexpr std::size_t read_ahead = std::size_t{64} << 10U;
/// The shortest wait that is not "for ever".
constexpr Duration no_wait{1};

void put_number(std::byte* to, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) to[i] = static_cast<std::byte>((value >> (8 * (size - 1 - i))) & 255U);
}

std::uint64_t get_number(const std::byte* from, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = (value << 8U) | static_cast<std::uint64_t>(from[i]);
    return value;
}

/// How long a frame of that kind may be; nullopt: there is no such kind.
std::optional<std::pair<std::size_t, std::size_t>> lengths_of(std::byte kind) {
    switch (static_cast<FrameKind>(kind)) {
        case FrameKind::message: return std::pair<std::size_t, std::size_t>{1, message_max};
        case FrameKind::data: return std::pair<std::size_t, std::size_t>{1, data_max};
        case FrameKind::end: return std::pair<std::size_t, std::size_t>{count_size, count_size};
        case FrameKind::still_here: return std::pair<std::size_t, std::size_t>{0, 0};
    }
    return std::nullopt;
}

}  // namespace

FrameStream::FrameStream(std::unique_ptr<posix::Stream> stream) : stream_(std::move(stream)), in_(read_ahead) {}

void FrameStream::begin_frame(FrameKind kind) {
    finish_data();
    frame_begin_ = out_.size();
    out_.resize(out_.size() + head_size);
    out_[frame_begin_] = static_cast<std::byte>(kind);
}

void FrameStream::finish_frame(std::uint32_t checksum) {
    put_number(&out_[frame_begin_ + 1], out_.size() - frame_begin_ - head_size, 4);
    put_number(&out_[frame_begin_ + 5], checksum, 4);
}

void FrameStream::finish_data() {
    if (!std::exchange(data_open_, false)) return;
    written_crc_ = crc32c(written_crc_, std::span(out_).subspan(frame_begin_ + head_size));
    finish_frame(written_crc_);
}

void FrameStream::put_message(std::string_view json) {
    FLOCKER_CHECK(!json.empty() && json.size() <= message_max);
    begin_frame(FrameKind::message);
    const auto bytes = std::as_bytes(std::span(json));
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    finish_frame(crc32c(0, bytes));
    written_crc_ = 0;
    written_bytes_ = 0;
}

Status FrameStream::put_data(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        if (!data_open_) {
            begin_frame(FrameKind::data);
            data_open_ = true;
        }
        const std::size_t room = data_wished - (out_.size() - frame_begin_ - head_size);
        const auto piece = bytes.first(std::min(room, bytes.size()));
        out_.insert(out_.end(), piece.begin(), piece.end());
        written_bytes_ += piece.size();
        bytes = bytes.subspan(piece.size());
        if (piece.size() == room) FLOCKER_CHECK_OK(flush());
    }
    return {};
}

void FrameStream::put_end() {
    begin_frame(FrameKind::end);
    out_.resize(out_.size() + count_size);
    put_number(&out_[out_.size() - count_size], written_bytes_, count_size);
    finish_frame(written_crc_);
}

void FrameStream::put_still_here() {
    begin_frame(FrameKind::still_here);
    finish_frame(0);
}

Status FrameStream::flush() {
    finish_data();
    if (out_.empty()) return {};
    const Status outcome = stream_->write_all(out_);
    out_.clear();
    return outcome;
}

Status FrameStream::fill(std::size_t size) {
    if (in_.size() - in_begin_ < size) {
        std::memmove(in_.data(), &in_[in_begin_], in_end_ - in_begin_);
        in_end_ -= in_begin_;
        in_begin_ = 0;
        if (in_.size() < size) in_.resize(size);
    }
    while (in_end_ - in_begin_ < size) {
        FLOCKER_TRY(const std::size_t got, stream_->read_some(std::span(in_).subspan(in_end_)));
        if (got == 0) return fail(ErrorCode::unavailable, "the other side ended the connection");
        in_end_ += got;
    }
    return {};
}

Result<Frame> FrameStream::read() {
    if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
    FLOCKER_CHECK_OK(fill(head_size));
    const auto lengths = lengths_of(in_[in_begin_]);
    if (!lengths) return fail(ErrorCode::corrupt, "received what is not a frame");
    const auto length = static_cast<std::size_t>(get_number(&in_[in_begin_ + 1], 4));
    if (length < lengths->first || length > lengths->second) {
        return fail(ErrorCode::corrupt,
                    "received a frame of " + std::to_string(length) + " bytes, which its kind can't have");
    }
    FLOCKER_CHECK_OK(fill(head_size + length));
    const Frame frame{static_cast<FrameKind>(in_[in_begin_]), std::span(in_).subspan(in_begin_ + head_size, length)};
    const auto checksum = static_cast<std::uint32_t>(get_number(&in_[in_begin_ + 5], 4));
    in_begin_ += head_size + length;
    FLOCKER_CHECK_OK(check_body(frame, checksum));
    return frame;
}

Status FrameStream::check_body(const Frame& frame, std::uint32_t checksum) {
    std::uint32_t expected = 0;
    switch (frame.kind) {
        case FrameKind::message:
            expected = crc32c(0, frame.bytes);
            read_crc_ = 0;
            read_bytes_ = 0;
            break;
        case FrameKind::data:
            expected = read_crc_ = crc32c(read_crc_, frame.bytes);
            read_bytes_ += frame.bytes.size();
            break;
        case FrameKind::end:
            expected = std::exchange(read_crc_, 0);
            if (get_number(frame.bytes.data(), count_size) != std::exchange(read_bytes_, 0)) {
                return fail(ErrorCode::corrupt, "received a body of another length than was sent");
            }
            break;
        case FrameKind::still_here: break;
    }
    if (checksum != expected) return fail(ErrorCode::corrupt, "received bytes that fail their checksum");
    return {};
}

Result<std::string> FrameStream::read_message() {
    for (;;) {
        FLOCKER_TRY(const Frame frame, read());
        if (frame.kind == FrameKind::still_here) continue;
        if (frame.kind != FrameKind::message)
            return fail(ErrorCode::corrupt, "received a body where a message should be");
        return std::string(reinterpret_cast<const char*>(frame.bytes.data()), frame.bytes.size());
    }
}

bool FrameStream::has_news() {
    if (in_begin_ != in_end_) return true;
    in_begin_ = in_end_ = 0;
    stream_->set_idle_limit(no_wait);
    const auto got = stream_->read_some(in_);
    stream_->set_idle_limit(silence_limit);
    if (!got) return got.error().code != ErrorCode::timed_out;
    in_end_ = *got;
    return true;
}

}  // namespace flocker::peer
