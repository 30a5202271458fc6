// SPDX-License-Identifier: Apache-2.0
#include "load/arguments.hpp"

#include <charconv>
#include <functional>
#include <map>
#include <string_view>

namespace flocker::load {

const char* const usage =
    R"(load writes numbered rows to a database and measures what a client sees.

  load [write] KIND --host HOST --port PORT [--acks FILE] [--interval MS] [--retry MS] [--seconds N]
                    [--payload BYTES] [--connect-each] [--patience SECONDS]
                    [--others N [--others-payload BYTES] [--others-interval MS]]
  load verify  KIND --host HOST --port PORT --acks FILE
  load forget  KIND --host HOST --port PORT --below ROW
  load fill    KIND --host HOST --port PORT --bytes N[K|M|G]

KIND is postgres, redis, rabbitmq or ledger.

write   One row each --interval (default 1 ms) if the database is that fast, one at a time. A connection that breaks is
        made again each --retry (default 2 ms). With --connect-each every row has a connection of its own. Every
        acknowledged number goes to --acks, with the second of its receipt; a file that is there is continued.
        A line of JSON on standard output says {"event": "writing"} when the first row is acknowledged. The line
        "mark NAME" on standard input, or SIGUSR1, ends a measuring window, prints it and begins the next one.
        The line "quit", the end of a pipe on standard input, SIGTERM or SIGINT prints the total and ends.
          refused   nobody listened            resets   the connection broke before its first answer
          errors    anything else              longest_pause_ms   between two acknowledged writes
        A connection that is made to wait is no error until --patience (default 60 s) is over.
        --others (default 0) are further clients, as of a busy database (not the queue): each overwrites a row of
        --others-payload (default 3900 bytes) each --others-interval (default 4 ms). Their rows are counted ("others"),
        not verified; what they meet counts in refused, resets and errors.
verify  Reads all rows back and prints {"acknowledged", "found", "lost", ...}; exit status 1 if one is lost.
forget  Removes the rows below that number, and has the log that they are in made anew: the next start reads no more
        than the first one did. Not for the ledger and the queue.
fill    Adds about that much data that can't be compressed.
)";

namespace {

template <typename Number>
bool read_number(const std::string& text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

template <typename Unit>
bool read_duration(const std::string& text, double scale, Unit& duration) {
    double number = 0;
    if (!read_number(text, number) || number < 0 || number > 1e6) return false;
    duration = Unit{static_cast<typename Unit::rep>(number * scale)};
    return true;
}

using Option = std::function<bool(const std::string& value)>;

std::map<std::string, Option> options_into(Arguments& arguments) {
    const auto text = [](std::string& to) {
        return [&to](const std::string& value) { return !(to = value).empty(); };
    };
    return {
        {"--host", text(arguments.target.host)},
        {"--acks", text(arguments.acks)},
        {"--port", [&](const std::string& value) { return read_number(value, arguments.target.port); }},
        {"--payload", [&](const std::string& value) { return read_number(value, arguments.payload); }},
        {"--below", [&](const std::string& value) { return read_number(value, arguments.below); }},
        {"--others",
         [&](const std::string& value) { return read_number(value, arguments.others) && arguments.others <= 64; }},
        {"--others-payload",
         [&](const std::string& value) {
             return read_number(value, arguments.others_payload) && arguments.others_payload > 0 &&
                    arguments.others_payload <= 3900;
         }},
        {"--others-interval",
         [&](const std::string& value) { return read_duration(value, 1000, arguments.others_interval); }},
        {"--interval", [&](const std::string& value) { return read_duration(value, 1000, arguments.interval); }},
        {"--retry", [&](const std::string& value) { return read_duration(value, 1, arguments.retry); }},
        {"--patience", [&](const std::string& value) { return read_duration(value, 1000, arguments.target.patience); }},
        {"--seconds", [&](const std::string& value) { return read_duration(value, 1, arguments.seconds.emplace()); }},
        {"--bytes",
         [&](const std::string& value) {
             const auto bytes = parse_bytes(value);
             arguments.bytes = bytes.value_or(0);
             return bytes.has_value();
         }},
    };
}

std::string complaint_about(const Arguments& arguments) {
    if (arguments.target.kind.empty()) return "say what to write to: postgres, redis, rabbitmq or ledger";
    if (arguments.target.host.empty() || arguments.target.port == 0) return "--host and --port are needed";
    if (arguments.command == Command::verify && arguments.acks.empty()) return "verify needs --acks";
    if (arguments.command == Command::forget && arguments.below == 0) return "forget needs --below";
    if (arguments.command == Command::fill && arguments.bytes == 0) return "fill needs --bytes";
    return {};
}

}  // namespace

std::optional<std::uint64_t> parse_bytes(const std::string& text) {
    std::string digits = text;
    unsigned shift = 0;
    if (!digits.empty()) {
        switch (digits.back()) {
            case 'K': shift = 10; break;
            case 'M': shift = 20; break;
            case 'G': shift = 30; break;
            default: break;
        }
        if (shift != 0) digits.pop_back();
    }
    std::uint64_t number = 0;
    if (!read_number(digits, number) || number > (~std::uint64_t{0} >> shift)) return std::nullopt;
    return number << shift;
}

Parsed parse_arguments(const std::vector<std::string>& words) {
    Parsed parsed;
    Arguments& arguments = parsed.arguments;
    const std::map<std::string, Command> commands{
        {"write", Command::write}, {"verify", Command::verify}, {"forget", Command::forget}, {"fill", Command::fill}};
    const auto options = options_into(arguments);
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string& word = words[i];
        if (word == "--help" || word == "-h") {
            arguments.command = Command::help;
            return parsed;
        }
        if (word == "--connect-each") {
            arguments.connect_each = true;
        } else if (const auto command = commands.find(word); i == 0 && command != commands.end()) {
            arguments.command = command->second;
        } else if (const auto option = options.find(word); option != options.end()) {
            if (++i == words.size()) return parsed.error = word + " needs a value", parsed;
            if (!option->second(words[i])) return parsed.error = "'" + words[i] + "' is nothing for " + word, parsed;
        } else if (arguments.target.kind.empty() && !word.starts_with("-")) {
            arguments.target.kind = word;
        } else {
            return parsed.error = "'" + word + "' is not understood; see load --help", parsed;
        }
    }
    parsed.error = complaint_about(arguments);
    return parsed;
}

}  // namespace flocker::load
