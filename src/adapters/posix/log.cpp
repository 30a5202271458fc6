// SPDX-License-Identifier: Apache-2.0
#include "adapters/posix/log.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <mutex>

#include "codec/json_text.hpp"

namespace flocker::posix {
namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};
/// syslog(3): debug 7, info 6, warning 4, err 3.
constexpr std::array<char, 4> priorities{'7', '6', '4', '3'};

std::size_t index_of(Level level) {
    return static_cast<std::size_t>(level);
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
}

void append_name(std::string& out, std::string_view name) {
    for (const char c : name) out += is_name_character(c) ? c : '_';
}

void append_value(std::string& out, std::string_view value) {
    const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
        return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
    });
    if (plain) {
        out += value;
    } else {
        codec::append_json_string(out, value);
    }
}

void append_json_record(std::string& out, Instant at, Level level, std::string_view event,
                        std::initializer_list<Field> fields) {
    const auto member = [&](std::string_view key, std::string_view value, bool bare) {
        out += out.empty() ? '{' : ',';
        codec::append_json_string(out, key);
        out += ':';
        if (bare) {
            out += value;
        } else {
            codec::append_json_string(out, value);
        }
    };
    member("time", to_utc_text(at), false);
    member("level", level_names.at(index_of(level)), false);
    member("event", event, false);
    for (const auto& field : fields) member(field.key, field.value, field.bare);
    out += '}';
}

Instant wall_clock() {
    return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::atomic<LogStyle> style_in_force{LogStyle::text};
std::atomic<Level> least_in_force{Level::info};

}  // namespace

std::optional<Level> parse_level(std::string_view text) {
    const auto* const found = std::find(level_names.begin(), level_names.end(), text);
    if (found == level_names.end()) return std::nullopt;
    return static_cast<Level>(found - level_names.begin());
}

std::string format_record(LogStyle style, Instant at, Level level, std::string_view event,
                          std::initializer_list<Field> fields) {
    std::string out;
    if (style == LogStyle::json) {
        append_json_record(out, at, level, event, fields);
        return out + "\n";
    }
    if (style == LogStyle::journal) {
        out += '<';
        out += priorities.at(index_of(level));
        out += '>';
    } else {
        std::string name(level_names.at(index_of(level)));
        name.resize(7, ' ');
        out += to_utc_text(at) + " " + name + " ";
    }
    append_name(out, event);
    for (const auto& field : fields) {
        out += ' ';
        append_name(out, field.key);
        out += '=';
        append_value(out, field.value);
    }
    return out + "\n";
}

LogStyle style_of_stderr() {
    // systemd says which file it reads from; a child whose stderr was redirected inherits the word only.
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat seen {};
    if (stream == nullptr || ::fstat(STDERR_FILENO, &seen) != 0) return LogStyle::text;
    const std::string own = std::to_string(seen.st_dev) + ":" + std::to_string(seen.st_ino);
    return own == stream ? LogStyle::journal : LogStyle::text;
}

void configure_log(LogStyle style, Level least) {
    style_in_force = style;
    least_in_force = least;
}

void log(Level level, std::string_view event, std::initializer_list<Field> fields) {
    if (level < least_in_force.load()) return;
    static std::mutex one_line_at_a_time;
    const std::lock_guard lock(one_line_at_a_time);
    const std::string line = format_record(style_in_force, wall_clock(), level, event, fields);
    std::string_view left = line;
    while (!left.empty()) {
        const ssize_t written = ::write(STDERR_FILENO, left.data(), left.size());
        if (written < 0 && errno != EINTR) return;
        left.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
}

}  // namespace flocker::posix
