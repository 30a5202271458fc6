// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/run.hpp"
#include "cli/session.hpp"
#include "usage/completion.hpp"

namespace flocker::cli {

/// `flocker __complete WORDS`, which the shells' scripts call: what may stand at the place of the last word, a line each,
/// its explanation behind a tab; ":files" and ":folders" stand for what the shell knows better. Names come from the
/// control service of the context, within a second or not at all.
[[nodiscard]] int complete(const World& world, const usage::CommandShape& program, const std::vector<std::string>& words);

/// The script that makes a shell call it.
[[nodiscard]] int print_completion(const Session& session, const std::string& shell);

/// `flocker __shape`: all commands as JSON, from which the man pages are made.
[[nodiscard]] std::string to_json(const usage::CommandShape& shape);

}  // namespace flocker::cli
