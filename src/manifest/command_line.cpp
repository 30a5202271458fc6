// SPDX-License-Identifier: Apache-2.0
#include "manifest/command_line.hpp"

#include <fmt/format.h>

#include <optional>

#include "manifest/text.hpp"

namespace flocker::manifest {
namespace {

class Splitter {
public:
    explicit Splitter(std::string_view text) : text_(text) {}

    Result<std::vector<std::string>> run() {
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == ' ' || c == '\t' || c == '\n') {
                end_word();
            } else if (c == '\'') {
                FLOCKER_CHECK_OK(single_quotes());
            } else if (c == '"') {
                FLOCKER_CHECK_OK(double_quotes());
            } else if (c == '\\') {
                FLOCKER_CHECK_OK(backslash());
            } else if (needs_shell(c)) {
                return fail(ErrorCode::invalid_argument,
                            fmt::format("has a '{}' that only a shell understands, and none runs it; put it in single "
                                        "quotes, or write [sh, -c, \"...\"]",
                                        c));
            } else {
                word().push_back(c);
            }
        }
        end_word();
        if (words_.empty()) return fail(ErrorCode::invalid_argument, "is empty, write a command or leave the key out");
        return std::move(words_);
    }

private:
    std::string& word() {
        if (!word_) word_.emplace();
        return *word_;
    }

    void end_word() {
        if (word_) words_.push_back(*std::move(word_));
        word_.reset();
    }

    [[nodiscard]] char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    [[nodiscard]] bool needs_shell(char c) const {
        if (c == '$') return is_letter(next()) || next() == '_' || next() == '{' || next() == '(';
        return std::string_view("|&;<>()`").find(c) != std::string_view::npos;
    }

    Status single_quotes() {
        const auto end = text_.find('\'', at_);
        if (end == std::string_view::npos) {
            return fail(ErrorCode::invalid_argument, "has a ' that is never closed, close it or write \\'");
        }
        word().append(text_.substr(at_, end - at_));
        at_ = end + 1;
        return {};
    }

    Status double_quotes() {
        auto& word_now = word();
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') return {};
            if (c == '\\' && next() != '\0' && std::string_view("\"\\$`\n").find(next()) != std::string_view::npos) {
                const char escaped = text_[at_++];
                if (escaped != '\n') word_now.push_back(escaped);
            } else {
                word_now.push_back(c);
            }
        }
        return fail(ErrorCode::invalid_argument, "has a \" that is never closed, close it or write \\\"");
    }

    Status backslash() {
        if (at_ == text_.size()) {
            return fail(ErrorCode::invalid_argument, "ends with a \\ that escapes nothing, write \\\\ for a backslash");
        }
        const char escaped = text_[at_++];
        if (escaped != '\n') word().push_back(escaped);
        return {};
    }

    std::string_view text_;
    std::size_t at_{0};
    std::vector<std::string> words_;
    std::optional<std::string> word_;
};

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view text) {
    return Splitter(text).run();
}

}  // namespace flocker::manifest
