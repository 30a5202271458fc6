// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/diagnostic.hpp"

namespace flocker::manifest {

/// A text that is fit for the YAML library: UTF-8 without byte order mark, lines ended by '\n', no
/// control characters but tabs.
class CleanText {
public:
    /// Reports what makes it unfit; ok() is false then.
    CleanText(std::string_view raw, Problems& problems);

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] const std::string& text() const { return text_; }
    /// Of a byte of text(); of its end for any greater offset.
    [[nodiscard]] Position position(std::size_t offset) const;
    /// Offset of the first byte of the line that `offset` is on.
    [[nodiscard]] std::size_t line_start(std::size_t offset) const;
    /// The line that `offset` is on, without its end.
    [[nodiscard]] std::string_view line(std::size_t offset) const;

private:
    void check_characters(Problems& problems);

    std::string text_;
    std::vector<std::size_t> line_starts_;
    std::vector<std::size_t> continuations_;  ///< Offsets of the bytes that begin no character.
    bool ok_{true};
};

}  // namespace flocker::manifest
