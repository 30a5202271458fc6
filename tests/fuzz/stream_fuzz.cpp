// SPDX-License-Identifier: Apache-2.0
//
// The framing of a snapshot's stream, and what is kept beside snapshots. The first byte says which. A stream comes in pieces
// of a size that the next byte says, and the checksums of its commands are made right where the input says so.
#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <variant>

#include "adapters/btrfs/crc32c.hpp"
#include "adapters/btrfs/marker.hpp"
#include "adapters/btrfs/partial.hpp"
#include "adapters/btrfs/stream_parser.hpp"
#include "adapters/btrfs/stream_prefix.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace flocker::fuzz {
namespace {

using btrfs::stream::Parser;

std::string little(std::uint64_t number, std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>((number >> (8 * i)) & 0xFFU);
    return text;
}

/// The input as commands: a kind, a length, that many bytes.
std::string as_commands(std::string_view text) {
    std::string stream = std::string("btrfs-stream\0", 13) + little(1, 4);
    while (!text.empty()) {
        const unsigned kind = choose(text, 26);
        const unsigned length = choose(text, 256);
        const std::string payload(text.substr(0, std::min<std::size_t>(length, text.size())));
        text.remove_prefix(payload.size());
        const std::string head = little(payload.size(), 4) + little(kind, 2);
        const std::string summed = head + std::string(4, '\0') + payload;
        stream += head + little(btrfs::crc32c(0, std::as_bytes(std::span(summed))), 4) + payload;
    }
    return stream;
}

void check_path(std::string_view path) {
    expect(path.size() <= Parser::path_bytes_max && path.find('\0') == std::string_view::npos, "a path is one");
    const std::string wrapped = "/" + std::string(path) + "/";
    expect(!path.starts_with('/'), "no path begins at the root");
    expect(wrapped.find("/../") == std::string::npos && wrapped.find("/./") == std::string::npos, "no path leads outside");
}

struct PathsOf {
    template <class One>
    void operator()(const One& one) const {
        if constexpr (requires { one.path; }) check_path(one.path);
        if constexpr (requires { one.to; }) check_path(one.to);
        if constexpr (requires { one.existing; }) check_path(one.existing);
        if constexpr (requires { one.source_path; }) check_path(one.source_path);
    }
};

void parse(const std::string& stream, std::size_t piece) {
    Parser parser;
    std::size_t at = 0;
    for (;;) {
        const auto space = parser.space();
        expect(!space.empty(), "there is room for the next bytes");
        const std::size_t some = std::min({space.size(), stream.size() - at, piece});
        std::memcpy(space.data(), stream.data() + at, some);
        parser.filled(some);
        at += some;
        for (;;) {
            const auto command = parser.next();
            if (!command) {
                expect(command.error().code == ErrorCode::corrupt, "what is wrong is corrupt");
                return;
            }
            if (!*command) break;
            std::visit(PathsOf{}, **command);
            expect(parser.position().bytes <= at, "no more is taken than came");
        }
        if (some == 0) return;
    }
}

}  // namespace
}  // namespace flocker::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace flocker;
    std::string_view text = fuzz::text_of(data, size);
    const unsigned what = fuzz::choose(text, 5);
    switch (what) {
        case 0: {
            const auto marker = btrfs::parse_marker(text);
            if (marker) fuzz::expect(btrfs::parse_marker(btrfs::to_json(*marker)) == marker, "a marker comes back");
            break;
        }
        case 1: {
            const auto partial = btrfs::parse_partial(text);
            fuzz::expect(partial || !partial.error().message.empty(), "it is said what is wrong");
            break;
        }
        case 2: {
            std::array<std::byte, btrfs::stream::prefix_bytes> prefix{};
            std::memcpy(prefix.data(), text.data(), std::min(text.size(), prefix.size()));
            static_cast<void>(btrfs::stream::decode_prefix(prefix));
            break;
        }
        default: {
            const std::size_t piece = 1 + fuzz::choose(text, 256) * 13U;
            fuzz::parse(what == 3 ? std::string(text) : fuzz::as_commands(text), piece);
        }
    }
    return 0;
}
