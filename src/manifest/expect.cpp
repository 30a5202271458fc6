// SPDX-License-Identifier: Apache-2.0
#include "manifest/expect.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "manifest/limits.hpp"
#include "manifest/text.hpp"
#include "model/ids.hpp"

namespace flocker::manifest {
namespace {

bool is_text(const Value& value) {
    return value.kind == Value::Kind::quoted ||
           (value.kind == Value::Kind::plain && meaning_of(value.text) == Meaning::text);
}

}  // namespace

Fields::Fields(const Value& map, std::string owner, std::vector<std::string_view> allowed, Problems& problems)
    : map_(map), owner_(std::move(owner)), allowed_(std::move(allowed)), problems_(problems) {
    for (const auto& entry : map_.entries) check_key(entry.key);
}

void Fields::check_key(const Value& key) const {
    if (problems_.full() || key.kind == Value::Kind::refused) return;
    const auto keys = fmt::format("the key{} {}", allowed_.size() == 1 ? " is" : "s are", enumerated(allowed_));
    if (!key.is_scalar()) {
        problems_.add(key.position, fmt::format("{}: {} as a key, {}", owner_, kind_of(key), keys));
        return;
    }
    if (std::find(allowed_.begin(), allowed_.end(), key.text) != allowed_.end()) return;
    const auto near = nearest(key.text, allowed_);
    problems_.add(key.position, fmt::format("{}: unrecognised key {}, {}{}", owner_, shown(key.text),
                                            near ? fmt::format("did you mean '{}'? ", *near) : std::string(), keys));
}

const Value* Fields::find(std::string_view key) const {
    const auto* value = map_.find(key);
    return value != nullptr && value->kind == Value::Kind::refused ? nullptr : value;
}

const Value* Fields::need(std::string_view key, std::string_view example) const {
    const bool hidden = std::any_of(map_.entries.begin(), map_.entries.end(),
                                    [](const Entry& entry) { return entry.key.kind == Value::Kind::refused; });
    if (map_.find(key) == nullptr && !hidden) {
        problems_.add(map_.position, fmt::format("{}: missing '{}', add {}", owner_, key, example));
    }
    return find(key);
}

std::string Fields::name_of(std::string_view key) const {
    return fmt::format("{}: {}", owner_, key);
}

bool expect_map(const Value& value, std::string_view what, std::string_view example, Problems& problems) {
    if (value.kind == Value::Kind::map) return true;
    if (value.kind != Value::Kind::refused) {
        problems.add(value.position,
                     fmt::format("{} must be a map and is {}, write {}", what, kind_of(value), example));
    }
    return false;
}

bool expect_list(const Value& value, std::string_view what, std::string_view example, Problems& problems) {
    if (value.kind == Value::Kind::list) return true;
    if (value.kind != Value::Kind::refused) {
        problems.add(value.position,
                     fmt::format("{} must be a list and is {}, write {}", what, kind_of(value), example));
    }
    return false;
}

std::optional<std::string> expect_text(const Value& value, std::string_view what, Problems& problems) {
    if (is_text(value)) return value.text;
    switch (value.kind) {
        case Value::Kind::refused: break;
        case Value::Kind::plain:
            problems.add(value.position,
                         fmt::format("{} must be text and is {}, put it in quotes", what, kind_of(value)));
            break;
        case Value::Kind::null:
            problems.add(value.position, fmt::format("{} must be text and is nothing, write it", what));
            break;
        case Value::Kind::quoted:
        case Value::Kind::list:
        case Value::Kind::map:
            problems.add(value.position,
                         fmt::format("{} must be text and is {}, write one text", what, kind_of(value)));
            break;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> expect_number(const Value& value, std::string_view what, Range range, Problems& problems) {
    if (value.kind == Value::Kind::refused) return std::nullopt;
    const auto wanted = fmt::format("a whole number from {} to {}", range.min, range.max);
    if (!value.is_scalar()) {
        problems.add(value.position, fmt::format("{} must be {} and is {}", what, wanted, kind_of(value)));
        return std::nullopt;
    }
    const auto digits = std::min(value.text.find_first_not_of('0'), value.text.size());
    const auto stripped = std::string_view(value.text).substr(digits);
    const auto number = parse_plain_number(value.text);
    if (number && (*number < range.min || *number > range.max)) {
        problems.add(value.position, fmt::format("{} is {}, it must be {}", what, shown(value.text), wanted));
    } else if (value.kind == Value::Kind::quoted && number) {
        problems.add(value.position, fmt::format("{} is text in quotes, write it without them: {}", what, *number));
    } else if (const auto meant = parse_plain_number(stripped); digits > 0 && meant) {
        problems.add(value.position,
                     fmt::format("{} is {}, write it without leading zeros: {}", what, shown(value.text), *meant));
    } else if (!number) {
        problems.add(value.position,
                     fmt::format("{} is {}, it must be {} in plain digits", what, shown(value.text), wanted));
    } else {
        return number;
    }
    return std::nullopt;
}

std::optional<bool> expect_truth_value(const Value& value, std::string_view what, Problems& problems) {
    if (value.kind == Value::Kind::plain && (value.text == "true" || value.text == "false"))
        return value.text == "true";
    if (value.kind != Value::Kind::refused) {
        problems.add(value.position, fmt::format("{} must be true or false, without quotes", what));
    }
    return std::nullopt;
}

std::optional<std::uint16_t> expect_port(const Value& value, std::string_view what, Problems& problems) {
    const auto number = expect_number(value, what, {1, 65535}, problems);
    if (!number) return std::nullopt;
    return static_cast<std::uint16_t>(*number);
}

std::optional<std::string> expect_uuid(const Value& value, std::string_view what, Problems& problems) {
    const auto text = expect_text(value, what, problems);
    if (!text) return std::nullopt;
    auto lower = to_lower(*text);
    if (model::is_uuid(lower)) return lower;
    problems.add(value.position, fmt::format("{} {} is not a UUID, write one like 4a4cbb08-1bb6-f209-50cf-88b3b8d2a53a",
                                             what, shown(*text)));
    return std::nullopt;
}

std::optional<std::string> expect_path(const Value& value, std::string_view what, std::string_view example,
                                       Problems& problems) {
    const auto text = expect_text(value, what, problems);
    if (!text) return std::nullopt;
    const auto refuse = [&](std::string_view wrong) {
        problems.add(value.position, fmt::format("{} {} {}, write one like {}", what, shown(*text), wrong, example));
        return std::nullopt;
    };
    if (!text->starts_with('/')) return refuse("is not an absolute path");
    if (std::any_of(text->begin(), text->end(), is_control)) return refuse("has a control character in it");
    std::string path;
    for (std::size_t at = 0; at < text->size();) {
        const auto end = std::min(text->find('/', at), text->size());
        const auto part = std::string_view(*text).substr(at, end - at);
        if (part == "." || part == "..") return refuse("has '.' or '..' in it");
        if (!part.empty()) path.append("/").append(part);
        at = end + 1;
    }
    if (path.empty()) return refuse("is the root");
    if (path.size() > limits::path_bytes) return refuse("is longer than Linux takes");
    return path;
}

void expect_version(const Fields& fields, Problems& problems) {
    const auto* version = fields.need("version", "version: 1");
    if (version == nullptr) return;
    if (version->kind == Value::Kind::plain && version->text == "1") return;
    problems.add(version->position,
                 fmt::format("{} must be the number 1, write version: 1", fields.name_of("version")));
}

}  // namespace flocker::manifest
