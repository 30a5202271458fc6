// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/diagnostic.hpp"

namespace flocker::manifest {

struct Entry;

/// A YAML value with its place: a tree without aliases, anchors, tags, merge keys and cycles.
struct Value {
    enum class Kind : std::uint8_t {
        null,
        plain,   ///< A scalar without quotes; meaning_of() tells what YAML takes it for.
        quoted,  ///< Text in quotes, or a block of text.
        list,
        map,
        refused,  ///< Something that a problem was already reported for. Readers pass it over.
    };

    Kind kind{Kind::null};
    Position position;           ///< Of a null: where its key is.
    std::string text;            ///< plain, quoted. Valid UTF-8; control characters are possible.
    std::vector<Value> items;    ///< list
    std::vector<Entry> entries;  ///< map, in the order of the file, no text key twice; keys may be refused.

    [[nodiscard]] bool is_scalar() const { return kind == Kind::plain || kind == Kind::quoted; }
    /// What a map has under a text key; nullptr if there is none.
    [[nodiscard]] const Entry* find_entry(std::string_view key) const;
    [[nodiscard]] const Value* find(std::string_view key) const;
};

struct Entry {
    Value key;
    Value value;
};

/// The tree of a text with exactly one document. nullopt if there is none to speak of; `problems`
/// says why, and also has what was refused inside of a tree that is given.
/// Limits: limits::text_bytes, values and depth. Never throws.
[[nodiscard]] std::optional<Value> load_yaml(const SourceText& source, Problems& problems);

/// What a YAML reader, of version 1.1 or 1.2, may take an unquoted scalar for.
enum class Meaning : std::uint8_t { text, whole_number, decimal_number, truth_value };
[[nodiscard]] Meaning meaning_of(std::string_view plain);

/// "a list", "a whole number", "text in quotes", "nothing": for messages.
[[nodiscard]] std::string_view kind_of(const Value& value);

}  // namespace flocker::manifest
