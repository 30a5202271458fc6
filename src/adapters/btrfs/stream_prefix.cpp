// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/stream_prefix.hpp"

#include <endian.h>

#include <cstring>
#include <string_view>

#include "adapters/btrfs/crc32c.hpp"

namespace flocker::btrfs::stream {
namespace {

constexpr std::string_view magic = "flksnap1";
constexpr std::size_t checked_bytes = magic.size() + 8;

}  // namespace

std::array<std::byte, prefix_bytes> encode_prefix(Instant taken) {
    std::array<std::byte, prefix_bytes> bytes{};
    const std::uint64_t time = htole64(static_cast<std::uint64_t>(taken.unix_ns));
    std::memcpy(bytes.data(), magic.data(), magic.size());
    std::memcpy(bytes.data() + magic.size(), &time, sizeof time);
    const std::uint32_t sum = htole32(crc32c(0, std::span(bytes).first(checked_bytes)));
    std::memcpy(bytes.data() + checked_bytes, &sum, sizeof sum);
    return bytes;
}

Result<Instant> decode_prefix(std::span<const std::byte, prefix_bytes> bytes) {
    std::uint64_t time = 0;
    std::uint32_t sum = 0;
    std::memcpy(&time, bytes.data() + magic.size(), sizeof time);
    std::memcpy(&sum, bytes.data() + checked_bytes, sizeof sum);
    if (std::memcmp(bytes.data(), magic.data(), magic.size()) != 0 ||
        le32toh(sum) != crc32c(0, bytes.first(checked_bytes))) {
        return fail(ErrorCode::corrupt, "snapshot stream: it does not begin like one");
    }
    return Instant{static_cast<std::int64_t>(le64toh(time))};
}

}  // namespace flocker::btrfs::stream
