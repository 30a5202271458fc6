// SPDX-License-Identifier: Apache-2.0
//
// The commands of btrfs' send stream, version 1, as values. Texts and bytes are views into the
// parser's buffer and good until its next call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "adapters/btrfs/uuid.hpp"

namespace flocker::btrfs::stream {

/// Relative to the subvolume; no empty, "." or ".." component, no NUL. Empty, where that is allowed:
/// the subvolume itself. What a component is (a symlink, say) is not known here.
using Path = std::string_view;
using Bytes = std::span<const std::byte>;

struct Time {
    std::uint64_t seconds{0};
    std::uint32_t nanoseconds{0};
    friend bool operator==(const Time&, const Time&) = default;
};

/// First of a whole stream. The sender's name for it does not matter and is not kept.
struct Begin { Uuid uuid; std::uint64_t generation; };
/// First of an increment.
struct BeginFrom { Uuid uuid; std::uint64_t generation; Uuid base; std::uint64_t base_generation; };

struct MakeFile { Path path; };
struct MakeFolder { Path path; };
struct MakeDevice { Path path; std::uint32_t mode; std::uint64_t device; };
struct MakeFifo { Path path; };
struct MakeSocket { Path path; };
struct MakeSymlink { Path path; std::string_view target; };
struct Rename { Path path; Path to; };
struct Link { Path path; Path existing; };
struct Unlink { Path path; };
struct RemoveFolder { Path path; };
struct SetAttribute { Path path; std::string_view name; Bytes value; };
struct RemoveAttribute { Path path; std::string_view name; };
struct Write { Path path; std::uint64_t offset; Bytes content; };
struct Clone {
    Path path; std::uint64_t offset; std::uint64_t length;
    Uuid source; Path source_path; std::uint64_t source_offset;
};
struct Truncate { Path path; std::uint64_t size; };
struct SetMode { Path path; std::uint32_t mode; };
struct SetOwner { Path path; std::uint32_t user; std::uint32_t group; };
struct SetTimes { Path path; Time accessed; Time modified; };
/// Only in a stream without file content: where content would have been.
struct Extent { Path path; std::uint64_t offset; std::uint64_t size; };
struct End {};

using Command = std::variant<Begin, BeginFrom, MakeFile, MakeFolder, MakeDevice, MakeFifo, MakeSocket, MakeSymlink,
                             Rename, Link, Unlink, RemoveFolder, SetAttribute, RemoveAttribute, Write, Clone, Truncate,
                             SetMode, SetOwner, SetTimes, Extent, End>;

}  // namespace flocker::btrfs::stream
