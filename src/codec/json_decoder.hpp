// SPDX-License-Identifier: Apache-2.0
//
// Internal: see json.hpp for the rules.
#pragma once

#include <boost/json/value.hpp>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "codec/fields.hpp"
#include "codec/json_encoder.hpp"

namespace flocker::codec {

/// The text as a tree; corrupt with the byte where it stops being JSON.
[[nodiscard]] Result<boost::json::value> parse(std::string_view text);

/// Where in the tree a value stands. Lives on the stack of the walk; spelled out only for an error.
struct Path {
    const Path* parent{nullptr};
    std::string_view key;  ///< Of the parent's member, or empty:
    std::size_t index{0};  ///< of the parent's item.
};
/// "applications[2].ports[0].internal"; "" for the root.
[[nodiscard]] std::string to_text(const Path& path);

template <class T>
inline constexpr bool may_be_missing = false;
template <class T>
inline constexpr bool may_be_missing<std::optional<T>> = true;
template <class T>
inline constexpr bool may_be_missing<std::vector<T>> = true;
template <class T>
inline constexpr bool may_be_missing<std::set<T>> = true;
template <class K, class T>
inline constexpr bool may_be_missing<std::map<K, T>> = true;

/// Walks a tree along the description of a type. The first thing wrong is kept; the walk goes on to
/// its end without reading more.
class Decoder {
public:
    using Json = boost::json::value;

    [[nodiscard]] const std::optional<Error>& error() const { return error_; }

    template <class T>
    void read(const Json& in, T& out, const Path& at) requires std::is_class_v<T> {
        const auto* object = in.if_object();
        if (object == nullptr) return refuse(at, "must be an object");
        fields([&](const char* name, auto& member, auto... age) { member_of(*object, name, member, at, age...); }, out);
    }

    void read(const Json& in, bool& out, const Path& at);
    void read(const Json& in, std::string& out, const Path& at);
    void read(const Json& in, model::SnapshotId& out, const Path& at);
    void read(const Json& in, model::Place& out, const Path& at);
    void read(const Json& in, Instant& out, const Path& at) { read(in, out.unix_ns, at); }
    void read(const Json& in, Bytes& out, const Path& at) { read(in, out.value, at); }
    void read(const Json& in, Duration& out, const Path& at) {
        Duration::rep count = 0;
        read(in, count, at);
        out = Duration{count};
    }
    template <std::integral T>
    void read(const Json& in, T& out, const Path& at) {
        // Each 16-bit number of the model is a TCP port.
        constexpr T least = std::same_as<T, std::uint16_t> ? T{1} : std::numeric_limits<T>::min();
        constexpr T most = std::numeric_limits<T>::max();
        if (const auto* number = in.if_int64(); number != nullptr && std::in_range<T>(*number)) {
            out = static_cast<T>(*number);
            if (out >= least) return;
        } else if (const auto* large = in.if_uint64(); large != nullptr && std::in_range<T>(*large)) {
            out = static_cast<T>(*large);
            return;
        }
        refuse(at, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
    }
    template <class E>
    requires std::is_enum_v<E>
    void read(const Json& in, E& out, const Path& at) {
        if (const auto* text = in.if_string()) {
            if (const auto found = parse_name<E>(std::string_view(text->data(), text->size()))) {
                out = *found;
                return;
            }
        }
        refuse(at, "must be one of " + list(all_names<E>()));
    }
    template <class Tag, class Raw>
    void read(const Json& in, Strong<Tag, Raw>& out, const Path& at) {
        read(in, out.value, at);
    }
    template <class T>
    void read(const Json& in, std::optional<T>& out, const Path& at) {
        if (!in.is_null()) read(in, out.emplace(), at);
    }
    template <class T>
    void read(const Json& in, std::vector<T>& out, const Path& at) {
        items(in, at, [&](const Json& item, const Path& place) { read(item, out.emplace_back(), place); });
    }
    template <class T>
    void read(const Json& in, std::set<T>& out, const Path& at) {
        items(in, at, [&](const Json& item, const Path& place) {
            T element{};
            read(item, element, place);
            out.insert(std::move(element));
        });
    }
    template <class K, class T>
    void read(const Json& in, std::map<K, T>& out, const Path& at) {
        items(in, at, [&](const Json& item, const Path& place) {
            const auto* pair = item.if_object();
            if (pair == nullptr) return refuse(place, "must be an object");
            K key{};
            T mapped{};
            member_of(*pair, "key", key, place);
            member_of(*pair, "value", mapped, place);
            out.insert_or_assign(std::move(key), std::move(mapped));
        });
    }
    template <TextKey K, class T>
    void read(const Json& in, std::map<K, T>& out, const Path& at) {
        const auto* object = in.if_object();
        if (object == nullptr) return refuse(at, "must be an object");
        for (const auto& member : *object) {
            if (error_) return;
            const std::string_view key(member.key().data(), member.key().size());
            read(member.value(), out[K{std::string(key)}], Path{&at, key, 0});
        }
    }

private:
    template <class T, class... Age>
    void member_of(const boost::json::object& object, const char* name, T& member, const Path& at, Age...) {
        if (error_) return;
        const Path place{&at, name, 0};
        if (const Json* found = object.if_contains(name)) {
            read(*found, member, place);
        } else if constexpr (!may_be_missing<T> && sizeof...(Age) == 0) {
            refuse(place, "is missing");
        }
    }
    template <class Each>
    void items(const Json& in, const Path& at, const Each& each) {
        const auto* array = in.if_array();
        if (array == nullptr) return refuse(at, "must be an array");
        for (std::size_t i = 0; i < array->size() && !error_; ++i) each((*array)[i], Path{&at, {}, i});
    }
    void refuse(const Path& at, const std::string& what);
    [[nodiscard]] static std::string list(const std::vector<std::string_view>& names);

    std::optional<Error> error_;
};

}  // namespace flocker::codec
