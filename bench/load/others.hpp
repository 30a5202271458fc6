// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "load/arguments.hpp"

namespace flocker::load {

/// The other users of a busy database, as many as `arguments.others`. Each has a connection and a share of
/// the rows to itself, and overwrites one after the other of these, so that the database does not grow.
///
/// Threads: `told` is called from theirs.
/// Lives:   until the process ends. One of them may be held in a call for as long as the database likes.
class Others {
public:
    using Told = std::function<void(const Attempt&)>;
    /// Begins at once. `told` gets the outcome of each row, and of each connection that was not made.
    Others(const Arguments& arguments, const Told& told);
};

/// Letters that hardly compress, never the same twice.
[[nodiscard]] std::string noise_text(std::size_t length);

}  // namespace flocker::load
