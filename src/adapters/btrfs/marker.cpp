// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/marker.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>

#include "adapters/btrfs/os_error.hpp"
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
    return marker;
}

Status write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_os(errno, "write the marker");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
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
    const posix::Fd file(::openat(folder.get(), model::names::marker, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file && errno == ENOENT) return std::nullopt;
    if (!file) return fail_os(errno, "open the marker");
    std::string text(marker_bytes_max + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_os(errno, "read the marker");
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > marker_bytes_max) return corrupt("too long");
    FLOCKER_TRY(Marker marker, parse_marker(std::string_view(text).substr(0, size)));
    return marker;
}

Status save_marker(const posix::Fd& folder, const Marker& marker) {
    // Under a name that a later observe() clears away, should we die before the rename.
    const std::string fresh = std::string(model::names::dropping_prefix) + model::names::marker;
    {
        const posix::Fd file(
            ::openat(folder.get(), fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
        if (!file) return fail_os(errno, "create the marker");
        FLOCKER_CHECK_OK(write_all(file.get(), to_json(marker)));
        if (::fsync(file.get()) != 0) return fail_os(errno, "sync the marker");
    }
    if (::renameat(folder.get(), fresh.c_str(), folder.get(), model::names::marker) != 0) {
        return fail_os(errno, "replace the marker");
    }
    if (::fsync(folder.get()) != 0) return fail_os(errno, "sync the marker's folder");
    return {};
}

}  // namespace flocker::btrfs
