// SPDX-License-Identifier: Apache-2.0
#include "usage/completion.hpp"

#include <algorithm>
#include <sstream>

namespace flocker::usage {
namespace {

/// Reads a line up to its last word.
class Reader {
public:
    explicit Reader(const CommandShape& program) : path_{&program} {}

    void read(const std::string& word) {
        if (open_) {
            open_ = nullptr;
        } else if (!only_places_ && word == "--") {
            only_places_ = true;
        } else if (!only_places_ && word.size() > 1 && word.front() == '-') {
            const OptionShape* option = option_called(word.substr(0, word.find('=')));
            if (option && !option->type.empty() && word.find('=') == std::string::npos) open_ = option;
        } else if (const CommandShape* sub = places_ == 0 && !only_places_ ? subcommand_called(word) : nullptr) {
            path_.push_back(sub);
        } else {
            if (const OptionShape* place = next_place()) wanted_.given[place->place] = word;
            ++places_;
        }
    }

    Wanted wanted(const std::string& begun) {
        if (open_) {
            add_kinds(*open_);
        } else if (!only_places_ && begun.starts_with("-")) {
            for (auto command = path_.rbegin(); command != path_.rend(); ++command) {
                for (const OptionShape& option : (*command)->options) {
                    for (const std::string& name : option.names) wanted_.words.push_back({name, option.help});
                }
            }
        } else {
            if (places_ == 0) {
                for (const CommandShape& sub : path_.back()->subcommands) wanted_.words.push_back({sub.name, sub.help});
            }
            if (const OptionShape* place = next_place()) add_kinds(*place);
        }
        return std::move(wanted_);
    }

private:
    const OptionShape* option_called(const std::string& name) const {
        for (auto command = path_.rbegin(); command != path_.rend(); ++command) {
            for (const OptionShape& option : (*command)->options) {
                if (std::ranges::find(option.names, name) != option.names.end()) return &option;
            }
        }
        return nullptr;
    }
    const CommandShape* subcommand_called(const std::string& name) const {
        const auto& subs = path_.back()->subcommands;
        const auto found = std::ranges::find(subs, name, &CommandShape::name);
        return found == subs.end() ? nullptr : &*found;
    }
    /// The argument whose turn it is; the last one takes all that follows, if it takes many.
    const OptionShape* next_place() const {
        std::size_t number = 0;
        const OptionShape* last = nullptr;
        for (const OptionShape& option : path_.back()->options) {
            if (option.place.empty()) continue;
            if (number++ == places_) return &option;
            last = &option;
        }
        return last && last->many ? last : nullptr;
    }
    void add_kinds(const OptionShape& option) {
        std::istringstream in(option.kind());
        for (std::string kind; std::getline(in, kind, '|');) wanted_.kinds.push_back(kind);
    }

    std::vector<const CommandShape*> path_;
    const OptionShape* open_{nullptr};  ///< Its value comes next.
    bool only_places_{false};
    std::size_t places_{0};
    Wanted wanted_;
};

}  // namespace

Wanted wanted_at_end(const CommandShape& program, const std::vector<std::string>& words) {
    Reader reader(program);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) reader.read(words[i]);
    return reader.wanted(words.empty() ? std::string() : words.back());
}

}  // namespace flocker::usage
