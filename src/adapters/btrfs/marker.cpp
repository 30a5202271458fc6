// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/marker.hpp"

#include <boost/json.hpp>

#include "adapters/btrfs/whole_file.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {
namespace {

namespace json = boost::json;

constexpr std::uint64_t format_version = 1;
/// A thousand acknowledging nodes fit into a tenth of this.
constexpr std::size_t marker_bytes_max = 1024 * 1024;

tl::unexpected<Error> corrupt(const std::string& what) {
    return fail(ErrorCode::corrupt, "marker: " + what);
}

Result<std::uint64_t> number_at(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr) return corrupt(std::string(key) + " is missing");
    if (value->is_uint64()) return value->get_uint64();
    if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
    return corrupt(std::string(key) + " is not a number");
}

Result<model::SnapshotId> snapshot_of(const json::value& value, const std::string& key) {
    if (!value.is_string()) return corrupt(key + " is not text");
    const auto& text = value.get_string();
    const auto id = model::parse_snapshot_id({text.data(), text.size()});
    if (!id) return corrupt(key + " is not a snapshot's name");
    return *id;
}

Result<model::SnapshotId> snapshot_at(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr) return corrupt(std::string(key) + " is missing");
    return snapshot_of(*value, key);
}

/// nullptr: not there.
Result<const json::object*> object_at(const json::object& object, const char* key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr) return nullptr;
    if (!value->is_object()) return corrupt(std::string(key) + " is not an object");
    return &value->get_object();
}

Result<Marker> decode(const json::object& object) {
    FLOCKER_TRY(const std::uint64_t version, number_at(object, "version"));
    if (version != format_version) return corrupt("version " + std::to_string(version) + " is not known here");
    Marker marker;
    FLOCKER_TRY(const std::uint64_t epoch, number_at(object, "epoch"));
    marker.epoch = model::Epoch{epoch};
    FLOCKER_TRY(const json::object* seal, object_at(object, "seal"));
    if (seal != nullptr) {
        FLOCKER_TRY(const std::uint64_t move, number_at(*seal, "move"));
        FLOCKER_TRY(const model::SnapshotId snapshot, snapshot_at(*seal, "snapshot"));
        // Markers of before do not have it.
        std::uint64_t told = 0;
        if (seal->contains("told")) {
            FLOCKER_TRY(told, number_at(*seal, "told"));
        }
        marker.seal = model::Seal{model::MoveId{move}, snapshot, model::Revision{told}};
    }
    FLOCKER_TRY(const json::object* trial, object_at(object, "trial"));
    if (trial != nullptr) {
        FLOCKER_TRY(const std::uint64_t move, number_at(*trial, "move"));
        FLOCKER_TRY(const model::SnapshotId from, snapshot_at(*trial, "from"));
        marker.trial = model::Trial{model::MoveId{move}, from};
    }
    FLOCKER_TRY(const json::object* acknowledged, object_at(object, "acknowledged"));
    if (acknowledged != nullptr) {
        for (const auto& [node, snapshot] : *acknowledged) {
            FLOCKER_TRY(const model::SnapshotId id, snapshot_of(snapshot, "acknowledged"));
            marker.acknowledged.emplace(model::NodeId{std::string(node)}, id);
        }
    }
    if (object.contains("maximum_size")) {
        FLOCKER_TRY(const std::uint64_t maximum, number_at(object, "maximum_size"));
        marker.maximum_size = Bytes{maximum};
    }
    return marker;
}

}  // namespace

std::string to_json(const Marker& marker) {
    json::object object;
    object["version"] = format_version;
    object["epoch"] = marker.epoch.value;
    if (marker.seal) {
        object["seal"] = json::object{{"move", marker.seal->move.value},
                                      {"snapshot", model::to_text(marker.seal->snapshot)},
                                      {"told", marker.seal->told.value}};
    }
    if (marker.trial) {
        object["trial"] =
            json::object{{"move", marker.trial->move.value}, {"from", model::to_text(marker.trial->from)}};
    }
    json::object acknowledged;
    for (const auto& [node, snapshot] : marker.acknowledged) acknowledged[node.value] = model::to_text(snapshot);
    object["acknowledged"] = std::move(acknowledged);
    if (marker.maximum_size) object["maximum_size"] = marker.maximum_size->value;
    return json::serialize(object) + "\n";
}

Result<Marker> parse_marker(std::string_view text) {
    json::error_code error;
    const json::value value = json::parse(json::string_view(text.data(), text.size()), error);
    if (error) return corrupt(error.message());
    if (!value.is_object()) return corrupt("not an object");
    return decode(value.get_object());
}

Result<std::optional<Marker>> load_marker(const posix::Fd& folder) {
    FLOCKER_TRY(const auto text, read_whole(folder, model::names::marker, marker_bytes_max));
    if (!text) return std::nullopt;
    FLOCKER_TRY(Marker marker, parse_marker(*text));
    return marker;
}

Status save_marker(const posix::Fd& folder, const Marker& marker) {
    return replace_whole(folder, model::names::marker, to_json(marker));
}

}  // namespace flocker::btrfs
