// SPDX-License-Identifier: Apache-2.0
#include "manifest/source_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "manifest/limits.hpp"
#include "manifest/text.hpp"

namespace flocker::manifest {
namespace {

unsigned char byte_at(std::string_view text, std::size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

/// Bytes of the well-formed UTF-8 character at `at`; 0 if there is none. Overlong forms,
/// surrogates and what is beyond U+10FFFF are not well-formed.
std::size_t character_size(std::string_view text, std::size_t at) {
    const auto first = byte_at(text, at);
    if (first < 0x80) return 1;
    const auto continues = [&](std::size_t count) {
        for (std::size_t i = 1; i <= count; ++i) {
            if ((byte_at(text, at + i) & 0xC0) != 0x80) return false;
        }
        return true;
    };
    const auto second = byte_at(text, at + 1);
    if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
        return continues(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
        return continues(3) ? 4 : 0;
    }
    return 0;
}

std::string without_carriage_returns(std::string_view raw) {
    std::string text;
    text.reserve(raw.size());
    for (std::size_t at = 0; at < raw.size(); ++at) {
        if (raw[at] != '\r' || byte_at(raw, at + 1) != '\n') text += raw[at];
    }
    return text;
}

}  // namespace

CleanText::CleanText(std::string_view raw, Problems& problems) {
    line_starts_.push_back(0);
    const auto refuse = [&](std::string message) {
        problems.add({}, std::move(message));
        ok_ = false;
    };
    if (raw.size() > limits::text_bytes) {
        refuse(fmt::format("the file has {} bytes, at most {} are read", raw.size(), limits::text_bytes));
        return;
    }
    if (raw.starts_with("\xFF\xFE") || raw.starts_with("\xFE\xFF")) {
        refuse("the file is UTF-16, save it as UTF-8");
        return;
    }
    if (raw.starts_with("\xEF\xBB\xBF")) raw.remove_prefix(3);
    text_ = without_carriage_returns(raw);
    for (std::size_t at = 0; at < text_.size(); ++at) {
        if (text_[at] == '\n') line_starts_.push_back(at + 1);
        if ((byte_at(text_, at) & 0xC0) == 0x80) continuations_.push_back(at);
    }
    check_characters(problems);
}

void CleanText::check_characters(Problems& problems) {
    for (std::size_t at = 0; at < text_.size();) {
        const auto size = character_size(text_, at);
        const auto refuse = [&](std::string message) {
            problems.add(position(at), std::move(message));
            ok_ = false;
        };
        if (size == 0)
            return refuse(fmt::format("byte 0x{:02x} is not UTF-8, save the file as UTF-8", byte_at(text_, at)));
        if (text_[at] == '\0') return refuse("a NUL byte, a manifest is plain text");
        if (text_[at] == '\r') return refuse("a carriage return inside of a line, end lines with LF or CR LF");
        if (is_control(text_[at]) && text_[at] != '\n' && text_[at] != '\t') {
            return refuse(
                fmt::format("control character 0x{:02x}, write it as an escape in double quotes", byte_at(text_, at)));
        }
        at += size;
    }
}

Position CleanText::position(std::size_t offset) const {
    offset = std::min(offset, text_.size());
    const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
    const auto start = *(after - 1);
    const auto invisible = std::lower_bound(continuations_.begin(), continuations_.end(), offset) -
                           std::lower_bound(continuations_.begin(), continuations_.end(), start);
    return {static_cast<unsigned>(after - line_starts_.begin()),
            static_cast<unsigned>(offset - start - static_cast<std::size_t>(invisible)) + 1};
}

std::size_t CleanText::line_start(std::size_t offset) const {
    return *(std::upper_bound(line_starts_.begin(), line_starts_.end(), std::min(offset, text_.size())) - 1);
}

std::string_view CleanText::line(std::size_t offset) const {
    const auto start = line_start(offset);
    return std::string_view(text_).substr(start, text_.find('\n', start) - start);
}

}  // namespace flocker::manifest
