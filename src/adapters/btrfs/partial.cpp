// SPDX-License-Identifier: Apache-2.0
#include "adapters/btrfs/partial.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <chrono>

#include "adapters/btrfs/os_error.hpp"
#include "adapters/btrfs/subvolume.hpp"
#include "adapters/btrfs/whole_file.hpp"
#include "model/names.hpp"

namespace flocker::btrfs {
namespace {

namespace json = boost::json;
namespace names = model::names;

constexpr std::uint64_t format_version = 1;
constexpr std::size_t partial_bytes_max = 16 * 1024;

Instant wall_now() {
    return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::string hex(const Uuid& uuid) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : uuid) {
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

json::object object_of(const stream::Time& time) {
    return {{"seconds", time.seconds}, {"nanoseconds", time.nanoseconds}};
}

/// Reads members of an object; the first that is missing or wrong is remembered.
class Members {
public:
    explicit Members(const json::object& object) : object_(object) {}

    [[nodiscard]] bool has(json::string_view name) const { return object_.contains(name); }
    std::uint64_t number(json::string_view name, std::uint64_t most = UINT64_MAX) {
        const json::value* value = object_.if_contains(name);
        std::uint64_t number = 0;
        if (value != nullptr && value->is_uint64()) {
            number = value->get_uint64();
        } else if (value != nullptr && value->is_int64() && value->get_int64() >= 0) {
            number = static_cast<std::uint64_t>(value->get_int64());
        } else {
            wrong(name);
        }
        if (number > most) wrong(name);
        return number;
    }
    std::string text(json::string_view name) {
        const json::value* value = object_.if_contains(name);
        if (value == nullptr || !value->is_string()) return wrong(name), std::string{};
        return {value->get_string().data(), value->get_string().size()};
    }
    model::SnapshotId snapshot(json::string_view name) {
        const auto id = model::parse_snapshot_id(text(name));
        return id ? *id : (wrong(name), model::SnapshotId{});
    }
    Uuid uuid(json::string_view name) {
        const std::string digits = text(name);
        Uuid uuid{};
        if (digits.size() != 2 * uuid.size() || digits.find_first_not_of("0123456789abcdef") != std::string::npos)
            return wrong(name), Uuid{};
        for (std::size_t i = 0; i < uuid.size(); ++i)
            uuid[i] = static_cast<std::uint8_t>(std::stoul(digits.substr(2 * i, 2), nullptr, 16));
        return uuid;
    }
    Instant instant(json::string_view name) {
        return {static_cast<std::int64_t>(number(name, static_cast<std::uint64_t>(INT64_MAX)))};
    }
    stream::Time time(json::string_view name) {
        const json::value* value = object_.if_contains(name);
        if (value == nullptr || !value->is_object()) return wrong(name), stream::Time{};
        Members parts(value->get_object());
        const stream::Time time{parts.number("seconds"),
                                static_cast<std::uint32_t>(parts.number("nanoseconds", 999'999'999))};
        if (!parts.first_wrong().empty()) wrong(name);
        return time;
    }
    [[nodiscard]] const std::string& first_wrong() const { return wrong_; }

private:
    void wrong(json::string_view name) {
        if (wrong_.empty()) wrong_.assign(name.data(), name.size());
    }

    const json::object& object_;
    std::string wrong_;
};

/// A leftover's name: its snapshot is being received now, and this may be a part of it that is not noted yet.
Result<bool> is_being_made(const posix::Fd& folder, const std::string& name) {
    const std::string of = name.substr(std::string_view(names::partial_prefix).size());
    FLOCKER_TRY(const auto incoming, open_subvolume(folder, names::incoming_prefix + of.substr(0, of.rfind('-'))));
    return incoming && !try_lock(*incoming);
}

Status remove_file(const posix::Fd& folder, const std::string& name) {
    if (::unlinkat(folder.get(), name.c_str(), 0) != 0 && errno != ENOENT) return fail_os(errno, "remove " + name);
    return {};
}

Status remove_part(const posix::Fd& folder, const std::string& name) {
    struct stat seen {};
    if (::fstatat(folder.get(), name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? Status{} : fail_os(errno, "look at " + name);
    }
    return S_ISDIR(seen.st_mode) ? remove_subvolume(folder, name) : remove_file(folder, name);
}

/// Of the subvolume of that name; nullopt: there is none.
Result<std::optional<SubvolumeFacts>> facts_named(const posix::Fd& folder, const std::string& name) {
    FLOCKER_TRY(const auto subvolume, open_subvolume(folder, name));
    if (!subvolume) return std::nullopt;
    return facts_of(*subvolume);
}

/// Removes all parts but the one that is `kept`. True: some of them stay.
Result<bool> remove_others(const posix::Fd& folder, const std::vector<std::string>& parts, const std::string& kept) {
    bool stay = false;
    for (const std::string& name : parts) {
        if (name == names::partial || name == kept) continue;
        FLOCKER_TRY(const bool in_use, is_being_made(folder, name));
        stay = stay || in_use;
        if (!in_use) FLOCKER_CHECK_OK(remove_part(folder, name));
    }
    return stay;
}

}  // namespace

std::string to_json(const Partial& partial) {
    json::object object{{"version", format_version},
                        {"epoch", partial.epoch.value},
                        {"to", model::to_text(partial.to)},
                        {"uuid", hex(partial.origin.uuid)},
                        {"generation", partial.origin.generation},
                        {"taken", partial.origin.taken.unix_ns},
                        {"bytes", partial.at.bytes},
                        {"sum", partial.at.sum},
                        {"subvolume", partial.subvolume},
                        {"identity", hex(partial.identity)},
                        {"saved", partial.saved.unix_ns}};
    if (partial.base) {
        object["base"] = model::to_text(*partial.base);
        object["base_uuid"] = hex(partial.origin.base);
        object["base_identity"] = hex(partial.base_identity);
    }
    if (partial.times) {
        object["accessed"] = object_of(partial.times->accessed);
        object["modified"] = object_of(partial.times->modified);
    }
    return json::serialize(object) + "\n";
}

Result<Partial> parse_partial(std::string_view text) {
    json::error_code error;
    json::parse_options options;
    options.max_depth = 4;
    const json::value value = json::parse({text.data(), text.size()}, error, {}, options);
    if (error || !value.is_object()) return fail(ErrorCode::corrupt, "partial.json: not a JSON object");
    Members members(value.get_object());
    if (members.number("version") != format_version)
        return fail(ErrorCode::corrupt, "partial.json: its version is not known here");
    Partial partial;
    partial.epoch = model::Epoch{members.number("epoch")};
    partial.to = members.snapshot("to");
    partial.origin.uuid = members.uuid("uuid");
    partial.origin.generation = members.number("generation");
    partial.origin.taken = members.instant("taken");
    partial.at = {members.number("bytes"), static_cast<std::uint32_t>(members.number("sum", UINT32_MAX))};
    partial.subvolume = members.text("subvolume");
    partial.identity = members.uuid("identity");
    partial.saved = members.instant("saved");
    if (members.has("base")) {
        partial.base = members.snapshot("base");
        partial.origin.base = members.uuid("base_uuid");
        partial.base_identity = members.uuid("base_identity");
    }
    if (members.has("modified")) partial.times = stream::RootTimes{members.time("accessed"), members.time("modified")};
    if (!members.first_wrong().empty())
        return fail(ErrorCode::corrupt, "partial.json: " + members.first_wrong() + " is missing or wrong");
    if (!partial.subvolume.starts_with(names::partial_prefix) || partial.subvolume.find('/') != std::string::npos)
        return fail(ErrorCode::corrupt, "partial.json: subvolume is not a part's name");
    return partial;
}

Result<std::optional<Partial>> load_partial(const posix::Fd& folder) {
    const auto text = read_whole(folder, names::partial, partial_bytes_max);
    if (!text && text.error().code != ErrorCode::corrupt) return tl::unexpected(text.error());
    if (!text || !*text) return std::nullopt;
    auto partial = parse_partial(**text);
    if (!partial) return std::nullopt;
    return *std::move(partial);
}

Status save_partial(const posix::Fd& folder, const Partial& partial) {
    return replace_whole(folder, names::partial, to_json(partial));
}

Result<std::optional<Partial>> usable_partial(const DatasetFolder& folder, const Contents& contents) {
    if (contents.parts.empty() || contents.live || contents.trial) return std::nullopt;
    FLOCKER_TRY(auto partial, load_partial(folder.fd()));
    if (!partial || contents.has(partial->to) || partial->epoch < contents.marker.epoch) return std::nullopt;
    if (wall_now() - partial->saved > partial_kept_for) return std::nullopt;
    FLOCKER_TRY(const auto part, facts_named(folder.fd(), partial->subvolume));
    if (!part || part->uuid != partial->identity || !part->read_only) return std::nullopt;
    if (partial->base) {
        FLOCKER_TRY(const auto base, facts_named(folder.fd(), model::to_text(*partial->base)));
        if (!base || base->uuid != partial->base_identity) return std::nullopt;
    }
    return partial;
}

std::string partial_name(const model::SnapshotId& to, std::uint64_t bytes) {
    return names::partial_prefix + model::to_text(to) + "-" + std::to_string(bytes);
}

Result<bool> sweep_partial(const DatasetFolder& folder, const Contents& contents) {
    if (contents.parts.empty()) return false;
    FLOCKER_TRY(const auto partial, usable_partial(folder, contents));
    // What is named goes after its name: a crash in between leaves a part that nobody names.
    if (!partial) FLOCKER_CHECK_OK(remove_file(folder.fd(), names::partial));
    FLOCKER_TRY(const bool others, remove_others(folder.fd(), contents.parts, partial ? partial->subvolume : ""));
    return partial.has_value() || others;
}

Status drop_partial(const DatasetFolder& folder) {
    FLOCKER_TRY(const auto inside, names_in(folder.fd()));
    std::vector<std::string> parts;
    for (const std::string& name : inside) {
        if (is_part(name)) parts.push_back(name);
    }
    if (parts.empty()) return {};
    FLOCKER_TRY(const auto noted, load_partial(folder.fd()));
    FLOCKER_CHECK_OK(remove_file(folder.fd(), names::partial));
    if (noted) FLOCKER_CHECK_OK(remove_part(folder.fd(), noted->subvolume));
    FLOCKER_TRY(const bool stay, remove_others(folder.fd(), parts, ""));
    static_cast<void>(stay);
    return {};
}

}  // namespace flocker::btrfs
