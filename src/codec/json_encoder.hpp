// SPDX-License-Identifier: Apache-2.0
//
// Internal: see json.hpp for the rules.
#pragma once

#include <concepts>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "codec/fields.hpp"
#include "codec/json_text.hpp"

namespace flocker::codec {

/// A text, or a Strong one: what can be a key of an object.
template <class T>
concept TextKey = std::same_as<T, std::string> || requires(const T& key) {
    { key.value } -> std::convertible_to<const std::string&>;
};

class Encoder {
public:
    template <class T>
    void value(const T& in) requires std::is_class_v<T> {
        out_ += '{';
        fields(*this, in);
        out_ += '}';
    }

    void value(bool in) { out_ += in ? "true" : "false"; }
    void value(const std::string& in) { append_json_string(out_, in); }
    void value(const model::SnapshotId& in) { value(to_text(in)); }
    void value(Instant in) { value(in.unix_ns); }
    void value(Duration in) { value(in.count()); }
    void value(Bytes in) { value(in.value); }
    template <std::integral T>
    void value(T in) {
        out_ += std::to_string(in);
    }
    template <class E>
    requires std::is_enum_v<E>
    void value(E in) { value(std::string(name_of(in))); }
    template <class Tag, class Raw>
    void value(const Strong<Tag, Raw>& in) {
        value(in.value);
    }
    void value(const model::Place& in) {
        const bool node = std::holds_alternative<model::NodeReference>(in);
        out_ += '{';
        (*this)("type", std::string(node ? "node" : "datacenter"));
        std::visit([this](const auto& place) { (*this)("name", place); }, in);
        out_ += '}';
    }
    template <class T>
    void value(const std::vector<T>& in) {
        array(in);
    }
    template <class T>
    void value(const std::set<T>& in) {
        array(in);
    }
    template <class K, class T>
    void value(const std::map<K, T>& in) {
        out_ += '[';
        for (const auto& [key, mapped] : in) {
            comma('[');
            out_ += '{';
            (*this)("key", key);
            (*this)("value", mapped);
            out_ += '}';
        }
        out_ += ']';
    }
    template <TextKey K, class T>
    void value(const std::map<K, T>& in) {
        out_ += '{';
        for (const auto& [key, mapped] : in) {
            comma('{');
            value(key);
            out_ += ':';
            value(mapped);
        }
        out_ += '}';
    }

    /// A field of the object that was begun last.
    template <class T>
    void operator()(const char* name, const T& member, Added) {
        (*this)(name, member);
    }
    template <class T>
    void operator()(const char* name, const T& member) {
        comma('{');
        out_ += '"';
        out_ += name;
        out_ += "\":";
        value(member);
    }
    template <class T>
    void operator()(const char* name, const std::optional<T>& member) {
        if (member) (*this)(name, *member);
    }

    [[nodiscard]] std::string take() { return std::move(out_); }

private:
    template <class Items>
    void array(const Items& items) {
        out_ += '[';
        for (const auto& item : items) {
            comma('[');
            value(item);
        }
        out_ += ']';
    }
    /// Before each member but the first. No value ends with an opening bracket.
    void comma(char opening) {
        if (out_.back() != opening) out_ += ',';
    }

    std::string out_;
};

}  // namespace flocker::codec
