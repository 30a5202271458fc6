// SPDX-License-Identifier: Apache-2.0
#include "codec/json_decoder.hpp"

#include <algorithm>
#include <boost/json/parser.hpp>
#include <exception>

#include "codec/json.hpp"

namespace flocker::codec {
namespace {

constexpr std::size_t depth_max = 32;

/// Keys come from outside and may be of any length and content.
std::string quoted(std::string_view key) {
    std::string text;
    append_json_string(text, key.substr(0, 64));
    return text;
}

bool is_plain(std::string_view key) {
    return key.size() <= 64 && std::all_of(key.begin(), key.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                      c == '-';
           });
}

}  // namespace

Result<boost::json::value> parse(std::string_view text) {
    if (text.size() > text_max) {
        return fail(ErrorCode::corrupt, "a text of " + std::to_string(text.size()) + " bytes is too long, " +
                                            std::to_string(text_max) + " is the limit");
    }
    try {
        boost::json::parse_options options;
        options.max_depth = depth_max;
        boost::json::parser parser({}, options);
        boost::json::error_code error;
        const std::size_t end = parser.write_some(text.data(), text.size(), error);
        if (!error && end == text.size()) return parser.release();
        const std::string reason = error ? error.message() : "more text after the end";
        return fail(ErrorCode::corrupt, "not JSON at byte " + std::to_string(end) + ": " + reason);
    } catch (const std::exception& thrown) {
        return fail(ErrorCode::corrupt, std::string("not JSON: ") + thrown.what());
    }
}

std::string to_text(const Path& path) {
    if (path.parent == nullptr) return "";
    const std::string before = to_text(*path.parent);
    // The key of a map's member may be empty; only items have a key without data.
    if (path.key.data() == nullptr) return before + "[" + std::to_string(path.index) + "]";
    if (path.key.empty() || !is_plain(path.key)) return before + "[" + quoted(path.key) + "]";
    return (before.empty() ? "" : before + ".") + std::string(path.key);
}

void Decoder::refuse(const Path& at, const std::string& what) {
    if (error_) return;
    const std::string place = to_text(at);
    error_ = Error{ErrorCode::corrupt, place.empty() ? what : place + ": " + what};
}

std::string Decoder::list(const std::vector<std::string_view>& names) {
    std::string text;
    for (const auto name : names) {
        if (!text.empty()) text += ", ";
        text += name;
    }
    return text;
}

void Decoder::read(const Json& in, bool& out, const Path& at) {
    const bool* found = in.if_bool();
    if (found == nullptr) return refuse(at, "must be true or false");
    out = *found;
}

void Decoder::read(const Json& in, std::string& out, const Path& at) {
    const auto* found = in.if_string();
    if (found == nullptr) return refuse(at, "must be a string");
    out.assign(found->data(), found->size());
}

void Decoder::read(const Json& in, model::SnapshotId& out, const Path& at) {
    if (const auto* text = in.if_string()) {
        if (const auto found = model::parse_snapshot_id(std::string_view(text->data(), text->size()))) {
            out = *found;
            return;
        }
    }
    refuse(at, "must be a snapshot such as \"e3-s42\"");
}

void Decoder::read(const Json& in, model::Place& out, const Path& at) {
    const auto* object = in.if_object();
    if (object == nullptr) return refuse(at, "must be an object");
    std::string type;
    std::string name;
    member_of(*object, "type", type, at);
    member_of(*object, "name", name, at);
    if (type == "node") {
        out = model::NodeReference{std::move(name)};
    } else if (type == "datacenter") {
        out = model::DatacenterName{std::move(name)};
    } else {
        refuse(Path{&at, "type", 0}, "must be one of node, datacenter");
    }
}

}  // namespace flocker::codec
