// SPDX-License-Identifier: Apache-2.0
//
// What somebody who helps needs of a node, and no secret: no key, no token, no value of an environment variable, no
// word of a command.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/assignment.hpp"

namespace flocker::doctor {

/// Name -> text.
using Files = std::map<std::string, std::string>;

/// Of this machine. What can't be had is a file that says why not.
[[nodiscard]] Files diagnostics(const std::string& config_folder);

/// Writes `path` (0600), an archive in which all files are in the folder `name`. It is there whole or not at all.
/// Errors: unavailable.
[[nodiscard]] Status pack(const std::string& path, const std::string& name, const Files& files);

/// Without what an application's environment and commands say; the variables' names stay.
[[nodiscard]] model::Assignment without_secrets(model::Assignment assignment);

/// The text with every private key, join token and value in `secrets` of at least eight characters replaced.
[[nodiscard]] std::string scrubbed(std::string text, const std::vector<std::string>& secrets);

}  // namespace flocker::doctor
