// SPDX-License-Identifier: Apache-2.0
//
// The daemon's log: one line a record, on stderr.
//
//   log(Level::info, "move_started", {{"application", "db"}, {"target", node.name}, {"round", 3}});
//
//   text     2026-11-22T09:30:00.123Z info  move_started application=db target=birch round=3
//   journal  <6>move_started application=db target=birch round=3
//   json     {"time":"2026-11-22T09:30:00.123Z","level":"info","event":"move_started","application":"db",...}
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/strong.hpp"
#include "base/time.hpp"

namespace flocker::posix {

enum class Level : std::uint8_t { debug, info, warning, error };
/// "debug", "info", "warning" or "error".
[[nodiscard]] std::optional<Level> parse_level(std::string_view text);

enum class LogStyle : std::uint8_t { text, journal, json };

/// One key and its value. Never the value of an environment variable, a key or a token.
struct Field {
    std::string key;
    std::string value;
    bool bare{false};  ///< A number or truth value: without quotes in JSON.

    Field(std::string_view name, std::string_view text) : key(name), value(text) {}
    Field(std::string_view name, const char* text) : key(name), value(text) {}
    Field(std::string_view name, const std::string& text) : key(name), value(text) {}
    Field(std::string_view name, bool truth) : key(name), value(truth ? "true" : "false"), bare(true) {}
    Field(std::string_view name, const Error& error)
        : key(name), value(std::string(to_string(error.code)) + ": " + error.message) {}
    template <std::integral T>
    Field(std::string_view name, T number) : key(name), value(std::to_string(number)), bare(true) {}
    template <class Tag, class Raw>
    Field(std::string_view name, const Strong<Tag, Raw>& strong) : Field(name, strong.value) {}
};

/// One line, its newline included. Whatever the values hold, it is one line of printable UTF-8.
[[nodiscard]] std::string format_record(LogStyle style, Instant at, Level level, std::string_view event,
                                        std::initializer_list<Field> fields);

/// journal if systemd reads this process's stderr, otherwise text.
[[nodiscard]] LogStyle style_of_stderr();

/// For the whole process; before it: text, info. Records below `least` are dropped.
void configure_log(LogStyle style, Level least);

/// Threads: any; lines never mix. A stderr that takes nothing loses records and stops nobody.
void log(Level level, std::string_view event, std::initializer_list<Field> fields = {});

}  // namespace flocker::posix
