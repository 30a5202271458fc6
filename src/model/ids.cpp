// SPDX-License-Identifier: Apache-2.0
#include "model/ids.hpp"

#include <charconv>

namespace flocker::model {
namespace {

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

}  // namespace

std::string to_text(const SnapshotId& id) {
    return "e" + std::to_string(id.epoch.value) + "-s" + std::to_string(id.sequence);
}

std::optional<SnapshotId> parse_snapshot_id(std::string_view text) {
    const auto dash = text.find("-s");
    if (text.empty() || text.front() != 'e' || dash == std::string_view::npos) return std::nullopt;
    const auto epoch = parse_number(text.substr(1, dash - 1));
    const auto sequence = parse_number(text.substr(dash + 2));
    if (!epoch || !sequence) return std::nullopt;
    const SnapshotId id{Epoch{*epoch}, *sequence};
    if (to_text(id) != text) return std::nullopt;
    return id;
}

std::ostream& operator<<(std::ostream& out, const SnapshotId& id) { return out << to_text(id); }

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool dash_place = i == 8 || i == 13 || i == 18 || i == 23;
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (dash_place ? c != '-' : !hex) return false;
    }
    return true;
}

}  // namespace flocker::model
