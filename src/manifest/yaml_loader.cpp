// SPDX-License-Identifier: Apache-2.0
//
// The only file that knows the YAML library. It takes the library's events rather than its tree:
// an event has every mark, anchor and tag, an alias never becomes a cycle, and a second document
// can't be lost. What the library lets pass is refused here: duplicate keys, quotes that are never
// closed, indentation by tabs.
#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <map>
#include <sstream>
#include <utility>

#include "manifest/limits.hpp"
#include "manifest/source_check.hpp"
#include "manifest/text.hpp"
#include "manifest/value.hpp"

namespace flocker::manifest {
namespace {

constexpr const char* no_aliases = "anchors (&) and aliases (*) are not read, write the value out in each place";
constexpr const char* no_tags = "tags (!) are not read, leave it out and put text in quotes";
constexpr const char* no_tabs = "a tab in the indentation, use spaces";

/// Ends the parsing; a problem was added before.
struct Stop : std::exception {};

class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(const CleanText& clean, Problems& problems) : clean_(clean), problems_(problems) {}

    [[nodiscard]] std::optional<Value> take_root() { return std::move(root_); }
    [[nodiscard]] bool saw_tab() const { return tab_line_ != 0; }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (!root_) return;
        const auto at = offset(mark);
        const bool marked = std::string_view(clean_.text()).substr(at).starts_with("---");
        stop(clean_.position(at), marked ? "a second document begins here, write one a file"
                                         : "the content ended before this, check the quotes and indentation above");
    }
    void OnDocumentEnd() override {
        if (!root_) root_ = Value{};
    }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Value value = make(Value::Kind::null, mark, "?", anchor);
        if (!open_.empty() && open_.back().key) {
            value.position = open_.back().key->position;
        } else if (!open_.empty() && open_.back().value.kind == Value::Kind::list) {
            value.position = empty_item_position(offset(mark));
        }
        put(std::move(value));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
        Value value = make(Value::Kind::refused, mark, "?", 0);
        problems_.add(value.position, no_aliases);
        put(std::move(value));
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        Value value = make(tag == "!" ? Value::Kind::quoted : Value::Kind::plain, mark, tag, anchor);
        value.text = text;
        if (value.kind == Value::Kind::quoted) check_quotes(offset(mark));
        put(std::move(value));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value /*style*/) override {
        open(make(Value::Kind::list, mark, tag, anchor));
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value /*style*/) override {
        open(make(Value::Kind::map, mark, tag, anchor));
    }
    void OnMapEnd() override { close(); }

    [[nodiscard]] std::size_t offset(const YAML::Mark& mark) const {
        const auto at = mark.pos < 0 ? 0 : static_cast<std::size_t>(mark.pos);
        return std::min(at, clean_.text().size());
    }

private:
    struct Open {
        Value value;
        std::optional<Value> key;  ///< Of a map: a key that waits for its value.
        std::map<std::string, Position> keys;
    };

    [[noreturn]] void stop(Position at, std::string message) {
        problems_.add(at, std::move(message));
        throw Stop{};
    }

    /// An anchored or tagged value is reported, and then read as if it were not.
    Value make(Value::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        Value value;
        value.kind = kind;
        const auto at = offset(mark);
        value.position = clean_.position(at);
        if (++count_ > limits::values) {
            stop(value.position, fmt::format("more than {} values, split the file", limits::values));
        }
        check_indentation(at);
        if (anchor != 0) problems_.add(value.position, no_aliases);
        if (tag != "?" && tag != "!" && !tag.empty()) problems_.add(value.position, no_tags);
        return value;
    }

    /// The library takes a tab for a space before the first thing of a line.
    void check_indentation(std::size_t at) {
        const auto start = clean_.line_start(at);
        const auto before = std::string_view(clean_.text()).substr(start, at - start);
        if (before.find_first_not_of(" \t-?") != std::string_view::npos) return;
        const auto tab = before.find('\t');
        const auto position = clean_.position(start + tab);
        if (tab == std::string_view::npos || before.find_first_of("-?") < tab || position.line == tab_line_) return;
        tab_line_ = position.line;
        problems_.add(position, no_tabs);
    }

    /// The library ends a quoted scalar at the end of the file without a word.
    void check_quotes(std::size_t at) {
        const std::string& text = clean_.text();
        const char quote = at < text.size() ? text[at] : '\0';
        if (quote != '"' && quote != '\'') return;
        for (std::size_t i = at + 1; i < text.size(); ++i) {
            if (quote == '"' && text[i] == '\\') {
                ++i;
            } else if (text[i] == quote) {
                if (quote == '"' || i + 1 >= text.size() || text[i + 1] != quote) return;
                ++i;
            }
        }
        stop(clean_.position(at), fmt::format("a quote that is never closed, end the text with {}", quote));
    }

    /// The library puts an empty list item where the next thing is; people look for its dash.
    [[nodiscard]] Position empty_item_position(std::size_t at) const {
        const auto trimmed = [](std::string_view line) {
            const auto first = line.find_first_not_of(" \t");
            const auto last = line.find_last_not_of(" \t");
            return first == std::string_view::npos ? std::string_view{} : line.substr(first, last - first + 1);
        };
        auto start = clean_.line_start(at);
        const auto before = trimmed(std::string_view(clean_.text()).substr(start, at - start));
        if (!before.empty()) return clean_.position(at);
        while (start > 0) {
            start = clean_.line_start(start - 1);
            const auto line = clean_.line(start);
            const auto content = trimmed(line);
            if (content.empty() || content.starts_with('#')) continue;
            return clean_.position(content.starts_with('-') ? start + line.find('-') : at);
        }
        return clean_.position(at);
    }

    void open(Value value) {
        if (open_.size() >= limits::depth) {
            stop(value.position, fmt::format("more than {} levels deep, no manifest needs so many", limits::depth));
        }
        open_.push_back({std::move(value), std::nullopt, {}});
    }

    void close() {
        Value value = std::move(open_.back().value);
        open_.pop_back();
        put(std::move(value));
    }

    void put(Value value) {
        if (open_.empty()) {
            root_ = std::move(value);
            return;
        }
        auto& parent = open_.back();
        if (parent.value.kind == Value::Kind::list) {
            parent.value.items.push_back(std::move(value));
        } else if (!parent.key) {
            parent.key = std::move(value);
        } else {
            add_entry(parent, std::exchange(parent.key, std::nullopt).value(), std::move(value));
        }
    }

    void add_entry(Open& map, Value key, Value value) {
        if (key.kind == Value::Kind::plain && key.text == "<<") {
            problems_.add(key.position, "merge keys (<<) are not read, write the keys out");
            key.kind = Value::Kind::refused;
        }
        if (key.is_scalar()) {
            const auto [first, added] = map.keys.emplace(key.text, key.position);
            if (!added) {
                problems_.add(key.position, fmt::format("this key is here twice, first at {}, keep one of them",
                                                        to_text(problems_.location(first->second))));
                return;
            }
        }
        map.value.entries.push_back({std::move(key), std::move(value)});
    }

    const CleanText& clean_;
    Problems& problems_;
    std::vector<Open> open_;
    std::optional<Value> root_;
    std::size_t count_{0};
    unsigned tab_line_{0};
};

/// In our words, because the library's name its own grammar and can repeat text of the file.
std::string syntax_problem(std::string_view library, std::string_view line) {
    const auto says = [&](std::string_view part) { return library.find(part) != std::string_view::npos; };
    if (says("tab")) return no_tabs;
    if (says("anchor") || says("alias")) return no_aliases;
    if (says("tag")) return no_tags;
    if (says("illegal map value") && line.find("datacenter:") != std::string_view::npos) {
        return "a ':' too many, write a data center as one key in quotes: \"datacenter: NAME\": [...]";
    }
    if (says("illegal map value") || says("illegal map key")) {
        return "a ':' where none can be, line the keys up, put a space after each ':', and text with a ':' in quotes";
    }
    if (says("end of map flow") || says("end of sequence flow") || says("illegal flow end")) {
        return "brackets that do not match, close each '{' with '}' and each '[' with ']', with commas between";
    }
    if (says("end of map") || says("end of sequence") || says("block entry")) {
        return "this does not line up with what is above, indent what belongs together equally";
    }
    if (says("escape") || says("unicode") || says("hex number")) {
        return "an escape that YAML does not know, write \\\\ for a backslash or use single quotes";
    }
    if (says("EOF in scalar")) return "the file ends inside of quotes, close them";
    if (says("unknown token")) return "a character that can't begin a value, put the value in quotes";
    if (says("YAML version") || says("directive")) return "a directive (%), leave it out";
    return "this is not YAML, check quotes, brackets and indentation here and in the line above";
}

}  // namespace

std::optional<Value> load_yaml(const SourceText& source, Problems& problems) {
    const CleanText clean(source.text, problems);
    if (!clean.ok()) return std::nullopt;
    TreeBuilder builder(clean, problems);
    try {
        std::istringstream in(clean.text());
        YAML::Parser parser(in);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const Stop&) {
        return std::nullopt;
    } catch (const YAML::Exception& error) {
        const auto at = builder.offset(error.mark);
        // Behind a tab everything seems to be wrong.
        if (!builder.saw_tab()) problems.add(clean.position(at), syntax_problem(error.msg, clean.line(at)));
        return std::nullopt;
    } catch (const std::exception&) {
        problems.add({}, "the YAML in this file can't be read, simplify it");
        return std::nullopt;
    }
    auto root = builder.take_root();
    if (!root || root->kind == Value::Kind::null) {
        problems.add({}, "the file is empty, it must begin with version: 1");
        return std::nullopt;
    }
    return root;
}

}  // namespace flocker::manifest
