// SPDX-License-Identifier: Apache-2.0
#include "manifest/value.hpp"

#include <algorithm>
#include <array>

#include "manifest/text.hpp"

namespace flocker::manifest {
namespace {

bool all_of(std::string_view text, bool (*accepts)(char)) {
    return !text.empty() && std::all_of(text.begin(), text.end(), accepts);
}

bool is_truth_value(std::string_view plain) {
    static constexpr std::array<std::string_view, 6> words{"true", "false", "yes", "no", "on", "off"};
    const auto lower = to_lower(plain);
    return std::find(words.begin(), words.end(), lower) != words.end();
}

bool is_whole_number(std::string_view unsigned_text) {
    const auto rest = unsigned_text.substr(std::min<std::size_t>(2, unsigned_text.size()));
    if (unsigned_text.starts_with("0x")) return all_of(rest, [](char c) { return is_hex_digit(c) || c == '_'; });
    if (unsigned_text.starts_with("0o") || unsigned_text.starts_with("0b")) {
        return all_of(rest, [](char c) { return is_digit(c) || c == '_'; });
    }
    return !unsigned_text.empty() && is_digit(unsigned_text.front()) &&
           all_of(unsigned_text, [](char c) { return is_digit(c) || c == '_'; });
}

bool is_decimal_number(std::string_view unsigned_text) {
    const auto lower = to_lower(unsigned_text);
    if (lower == ".inf" || lower == ".nan") return true;
    std::size_t at = 0;
    std::size_t digits = 0;
    const auto skip_digits = [&] {
        for (; at < lower.size() && (is_digit(lower[at]) || (lower[at] == '_' && at > 0)); ++at) ++digits;
    };
    skip_digits();
    const bool point = at < lower.size() && lower[at] == '.';
    if (point) ++at;
    skip_digits();
    if (digits == 0) return false;
    if (at == lower.size()) return point;
    if (lower[at] != 'e') return false;
    ++at;
    if (at < lower.size() && (lower[at] == '+' || lower[at] == '-')) ++at;
    return all_of(std::string_view(lower).substr(at), is_digit);
}

}  // namespace

const Entry* Value::find_entry(std::string_view key) const {
    const auto found = std::find_if(entries.begin(), entries.end(),
                                    [&](const Entry& entry) { return entry.key.is_scalar() && entry.key.text == key; });
    return found == entries.end() ? nullptr : &*found;
}

const Value* Value::find(std::string_view key) const {
    const auto* entry = find_entry(key);
    return entry == nullptr ? nullptr : &entry->value;
}

Meaning meaning_of(std::string_view plain) {
    if (is_truth_value(plain)) return Meaning::truth_value;
    if (plain.starts_with('-') || plain.starts_with('+')) plain.remove_prefix(1);
    if (is_whole_number(plain)) return Meaning::whole_number;
    if (is_decimal_number(plain)) return Meaning::decimal_number;
    return Meaning::text;
}

std::string_view kind_of(const Value& value) {
    switch (value.kind) {
        case Value::Kind::null: return "nothing";
        case Value::Kind::quoted: return "text in quotes";
        case Value::Kind::list: return "a list";
        case Value::Kind::map: return "a map";
        case Value::Kind::refused: return "something refused";
        case Value::Kind::plain: break;
    }
    switch (meaning_of(value.text)) {
        case Meaning::whole_number: return "a whole number";
        case Meaning::decimal_number: return "a decimal number";
        case Meaning::truth_value: return "a truth value";
        case Meaning::text: break;
    }
    return "text";
}

}  // namespace flocker::manifest
