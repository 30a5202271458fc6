// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/stream_parser.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "adapters/btrfs/crc32c.hpp"

namespace flocker::btrfs::stream {
namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr std::string_view magic{"btrfs-stream\0", 13};
constexpr std::size_t stream_header_bytes = magic.size() + 4;
constexpr std::uint32_t stream_version = 1;
/// Length of what follows, command, checksum.
constexpr std::size_t command_header_bytes = 4 + 2 + 4;
constexpr std::size_t checksum_at = 6;
constexpr std::size_t xattr_name_bytes_max = 255;

enum class Kind : std::uint16_t {
    subvolume = 1,
    snapshot,
    make_file,
    make_folder,
    make_node,
    make_fifo,
    make_socket,
    symlink,
    rename,
    link,
    unlink,
    remove_folder,
    set_xattr,
    remove_xattr,
    write,
    clone,
    truncate,
    chmod,
    chown,
    utimes,
    end,
    update_extent,
};

enum class Attribute : std::uint16_t {
    uuid = 1,
    generation,
    inode,
    size,
    mode,
    uid,
    gid,
    device,
    ctime,
    mtime,
    atime,
    otime,
    xattr_name,
    xattr_data,
    path,
    path_to,
    path_link,
    file_offset,
    data,
    clone_uuid,
    clone_generation,
    clone_path,
    clone_offset,
    clone_length,
};
constexpr std::size_t attributes_end = 25;

template <class Number>
Number little_endian(std::span<const std::byte> bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) number |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
    return static_cast<Number>(number);
}

std::string_view as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The attributes of one command, by type. The first thing that is wrong is kept, the values read
/// after it mean nothing.
class Attributes {
public:
    explicit Attributes(std::span<const std::byte> payload) { read(payload); }

    [[nodiscard]] const std::string& problem() const { return problem_; }

    Bytes bytes(Attribute attribute) {
        const auto type = static_cast<std::size_t>(attribute);
        if (!present_.at(type)) blame("attribute " + std::to_string(type) + " is missing");
        return values_.at(type);
    }
    std::uint64_t number(Attribute attribute) {
        const Bytes raw = exactly(8, attribute);
        return raw.empty() ? 0 : little_endian<std::uint64_t>(raw);
    }
    std::uint32_t small_number(Attribute attribute) {
        const std::uint64_t wide = number(attribute);
        if (wide > UINT32_MAX) blame("a number is out of range");
        return static_cast<std::uint32_t>(wide);
    }
    Uuid uuid(Attribute attribute) {
        Uuid uuid{};
        const Bytes raw = exactly(uuid.size(), attribute);
        if (!raw.empty()) std::memcpy(uuid.data(), raw.data(), uuid.size());
        if (uuid == Uuid{}) blame("a uuid is empty");
        return uuid;
    }
    Time time(Attribute attribute) {
        const Bytes raw = exactly(12, attribute);
        if (raw.empty()) return {};
        const Time time{little_endian<std::uint64_t>(raw), little_endian<std::uint32_t>(raw.subspan(8))};
        if (time.nanoseconds >= 1'000'000'000) blame("a time is out of range");
        return time;
    }
    std::string_view text(Attribute attribute, std::size_t most) {
        const std::string_view text = as_text(bytes(attribute));
        if (text.empty() || text.size() > most || text.find('\0') != std::string_view::npos) {
            blame("a text is empty, too long or holds a NUL");
        }
        return text;
    }
    Path path_or_root(Attribute attribute) { return bytes(attribute).empty() ? Path{} : path(attribute); }
    Path path(Attribute attribute) {
        const Path path = text(attribute, Parser::path_bytes_max);
        for (Path rest = path;;) {
            const auto slash = rest.find('/');
            const Path component = rest.substr(0, slash);
            if (component.empty() || component == "." || component == "..") {
                blame("a path may lead outside");
                return path;
            }
            if (slash == Path::npos) return path;
            rest.remove_prefix(slash + 1);
        }
    }

private:
    void read(std::span<const std::byte> payload) {
        while (!payload.empty()) {
            if (payload.size() < 4) return blame("an attribute is cut");
            const auto type = little_endian<std::uint16_t>(payload);
            const auto length = little_endian<std::uint16_t>(payload.subspan(2));
            payload = payload.subspan(4);
            if (type == 0 || type >= attributes_end) return blame("unknown attribute " + std::to_string(type));
            if (length > payload.size())
                return blame("attribute " + std::to_string(type) + " is longer than its command");
            if (present_.at(type)) return blame("attribute " + std::to_string(type) + " comes twice");
            present_.at(type) = true;
            values_.at(type) = payload.first(length);
            payload = payload.subspan(length);
        }
    }
    Bytes exactly(std::size_t length, Attribute attribute) {
        const Bytes raw = bytes(attribute);
        if (raw.size() == length) return raw;
        blame("attribute " + std::to_string(static_cast<unsigned>(attribute)) + " has a wrong length");
        return {};
    }
    void blame(std::string what) {
        if (problem_.empty()) problem_ = std::move(what);
    }

    std::array<Bytes, attributes_end> values_{};
    std::array<bool, attributes_end> present_{};
    std::string problem_;
};

/// nullopt: no such command.
std::optional<Command> decode(Kind kind, Attributes& in) {
    using A = Attribute;
    switch (kind) {
        case Kind::subvolume: return Begin{in.uuid(A::uuid), in.number(A::generation)};
        case Kind::snapshot:
            return BeginFrom{in.uuid(A::uuid), in.number(A::generation), in.uuid(A::clone_uuid),
                             in.number(A::clone_generation)};
        case Kind::make_file: return MakeFile{in.path(A::path)};
        case Kind::make_folder: return MakeFolder{in.path(A::path)};
        case Kind::make_node: return MakeDevice{in.path(A::path), in.small_number(A::mode), in.number(A::device)};
        case Kind::make_fifo: return MakeFifo{in.path(A::path)};
        case Kind::make_socket: return MakeSocket{in.path(A::path)};
        case Kind::symlink: return MakeSymlink{in.path(A::path), in.text(A::path_link, Parser::path_bytes_max)};
        case Kind::rename: return Rename{in.path(A::path), in.path(A::path_to)};
        case Kind::link: return Link{in.path(A::path), in.path(A::path_link)};
        case Kind::unlink: return Unlink{in.path(A::path)};
        case Kind::remove_folder: return RemoveFolder{in.path(A::path)};
        case Kind::set_xattr:
            return SetAttribute{in.path_or_root(A::path), in.text(A::xattr_name, xattr_name_bytes_max),
                                in.bytes(A::xattr_data)};
        case Kind::remove_xattr:
            return RemoveAttribute{in.path_or_root(A::path), in.text(A::xattr_name, xattr_name_bytes_max)};
        case Kind::write: return Write{in.path(A::path), in.number(A::file_offset), in.bytes(A::data)};
        case Kind::clone:
            return Clone{in.path(A::path),       in.number(A::file_offset), in.number(A::clone_length),
                         in.uuid(A::clone_uuid), in.path(A::clone_path),    in.number(A::clone_offset)};
        case Kind::truncate: return Truncate{in.path(A::path), in.number(A::size)};
        case Kind::chmod: return SetMode{in.path_or_root(A::path), in.small_number(A::mode)};
        case Kind::chown: return SetOwner{in.path_or_root(A::path), in.small_number(A::uid), in.small_number(A::gid)};
        case Kind::utimes: return SetTimes{in.path_or_root(A::path), in.time(A::atime), in.time(A::mtime)};
        case Kind::end: return End{};
        case Kind::update_extent: return Extent{in.path(A::path), in.number(A::file_offset), in.number(A::size)};
    }
    return std::nullopt;
}

}  // namespace

Parser::Parser(Position at, Beginning beginning)
    : buffer_(buffer_bytes),
      position_(at),
      started_(beginning == Beginning::between_commands),
      begun_(beginning == Beginning::between_commands) {}

std::span<std::byte> Parser::space() {
    if (begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    return {buffer_.data() + end_, buffer_.size() - end_};
}

void Parser::filled(std::size_t bytes) {
    end_ += std::min(bytes, buffer_.size() - end_);
}

void Parser::consume(std::size_t bytes) {
    position_.sum = crc32c(position_.sum, rest().first(bytes));
    position_.bytes += bytes;
    begin_ += bytes;
}

tl::unexpected<Error> Parser::corrupt(const std::string& what) const {
    return fail(ErrorCode::corrupt, "snapshot stream, byte " + std::to_string(position_.bytes) + ": " + what);
}

Result<std::optional<Command>> Parser::next() {
    if (!started_) {
        if (rest().size() < stream_header_bytes) return std::nullopt;
        if (as_text(rest().first(magic.size())) != magic) return corrupt("not a btrfs stream");
        if (little_endian<std::uint32_t>(rest().subspan(magic.size())) != stream_version)
            return corrupt("not version 1");
        consume(stream_header_bytes);
        started_ = true;
    }
    if (ended_ && !rest().empty()) return corrupt("something comes after the end");
    if (rest().size() < command_header_bytes) return std::nullopt;

    const auto length = little_endian<std::uint32_t>(rest());
    const auto kind = static_cast<Kind>(little_endian<std::uint16_t>(rest().subspan(4)));
    const auto checksum = little_endian<std::uint32_t>(rest().subspan(checksum_at));
    if (length > command_bytes_max) return corrupt("a command is too long");
    const std::size_t total = command_header_bytes + length;
    if (rest().size() < total) return std::nullopt;

    const auto whole = rest().first(total);
    constexpr std::array<std::byte, 4> no_checksum{};
    std::uint32_t sum = crc32c(0, whole.first(checksum_at));
    sum = crc32c(sum, no_checksum);
    sum = crc32c(sum, whole.subspan(command_header_bytes));
    if (sum != checksum) return corrupt("a checksum does not match");

    Attributes attributes(whole.subspan(command_header_bytes));
    if (!attributes.problem().empty()) return corrupt(attributes.problem());
    auto command = decode(kind, attributes);
    if (!command) return corrupt("unknown command " + std::to_string(static_cast<unsigned>(kind)));
    if (!attributes.problem().empty()) {
        return corrupt("command " + std::to_string(static_cast<unsigned>(kind)) + ": " + attributes.problem());
    }
    const bool begins = kind == Kind::subvolume || kind == Kind::snapshot;
    if (begins == begun_) return corrupt(begins ? "it begins twice" : "it does not begin with a subvolume");
    begun_ = true;
    ended_ = kind == Kind::end;
    consume(total);
    return command;
}

}  // namespace flocker::btrfs::stream
