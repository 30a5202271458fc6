// SPDX-License-Identifier: Apache-2.0
//
// Frames between agents as they come from a stream, and the messages inside. The first byte says which; frames come in
// pieces of a size that the second one says, and their checksums are made right, or nothing would be read behind them.
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "adapters/peer/digest_lines.hpp"
#include "adapters/peer/frames.hpp"
#include "adapters/peer/messages.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace flocker::fuzz {
namespace {

/// Gives its bytes in pieces, and keeps what is written.
class Bytes final : public posix::Stream {
public:
    Bytes(std::string bytes, std::size_t piece) : bytes_(std::move(bytes)), piece_(piece) {}
    Result<std::size_t> read_some(std::span<std::byte> buffer) override {
        const std::size_t some = std::min({buffer.size(), bytes_.size() - at_, piece_});
        std::memcpy(buffer.data(), bytes_.data() + at_, some);
        at_ += some;
        return some;
    }
    Status write_all(std::span<const std::byte> bytes) override {
        bytes_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return {};
    }
    void finish_writing() override {}
    void close() override {}
    void set_idle_limit(Duration) override {}
    [[nodiscard]] std::string peer() const override { return "control"; }

private:
    std::string bytes_;
    std::size_t piece_;
    std::size_t at_{0};
};

void read_all(std::string bytes, std::size_t piece) {
    peer::FrameStream frames(std::make_unique<Bytes>(std::move(bytes), piece));
    for (;;) {
        const auto frame = frames.read();
        if (!frame) {
            expect(!frame.error().message.empty(), "it is said what is wrong");
            return;
        }
        expect(frame->bytes.size() <= peer::data_max, "no frame is beyond its limit");
    }
}

/// Writes what the input says, as a sender would, and reads it back.
void write_and_read(std::string_view text, std::size_t piece) {
    auto stream = std::make_unique<Bytes>("", piece);
    peer::FrameStream frames(std::move(stream));
    std::string sent;
    bool message_last = true;
    while (!text.empty()) {
        const unsigned what = choose(text, 4);
        const std::size_t size = std::min<std::size_t>(text.size(), choose(text, 256) * 300U);
        const std::string_view part = text.substr(0, std::min(size, text.size()));
        text.remove_prefix(part.size());
        if (what == 0) frames.put_still_here();
        if (what == 1 && message_last && !part.empty()) frames.put_message(part);
        if (what > 1) {
            expect(frames.put_data(std::as_bytes(std::span(part))).has_value(), "data can be written");
            sent += part;
            message_last = false;
        }
    }
    frames.put_end();
    expect(frames.flush().has_value(), "a body can be written");
    std::string got;
    for (;;) {
        const auto frame = frames.read();
        expect(frame.has_value(), "what was written can be read");
        if (frame->kind == peer::FrameKind::end) break;
        if (frame->kind != peer::FrameKind::data) continue;
        got.append(reinterpret_cast<const char*>(frame->bytes.data()), frame->bytes.size());
    }
    expect(got == sent, "a body arrives as it was");
}

template <class Value>
void check(const Result<Value>& value) {
    expect(value || !value.error().message.empty(), "it is said what is wrong");
}

void check_request(std::string_view text) {
    const auto request = peer::decode_request(text);
    check(request);
    if (!request) return;
    const auto again = peer::decode_request(peer::encode(*request));
    expect(again && *again == *request, "a request comes back as it was");
}

}  // namespace
}  // namespace flocker::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flocker;
    std::string_view text = fuzz::text_of(data, size);
    const unsigned what = fuzz::choose(text, 6);
    switch (what) {
        case 0: fuzz::check_request(text); break;
        case 1: fuzz::check(peer::decode_reply(text)); break;
        case 2: fuzz::check(peer::decode_beginning(text)); break;
        case 3: {
            peer::DigestLines lines;
            const auto each = [](const peer::DigestLine&) { return Status{}; };
            static_cast<void>(lines.take(std::as_bytes(std::span(text)), each));
            break;
        }
        default: {
            const std::size_t piece = 1 + fuzz::choose(text, 256) * 17U;
            if (what == 4) fuzz::read_all(std::string(text), piece);
            if (what == 5) fuzz::write_and_read(text, piece);
        }
    }
    return 0;
}
