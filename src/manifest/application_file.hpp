// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/manifest.hpp"
#include "manifest/value.hpp"
#include "model/application.hpp"

namespace flocker::manifest {

/// The application manifest as far as it could be read: complete if no problem was added.
struct ApplicationFile {
    std::vector<model::Application> applications;
    std::map<model::ApplicationName, ApplicationPositions> positions;
    /// All names that the file gives, also of applications with problems.
    std::set<std::string, std::less<>> names;
    /// Whether `names` can be relied on: a name that is not among them is unknown.
    bool names_known{false};
};

[[nodiscard]] ApplicationFile read_application_file(const Value& root, Problems& problems);

/// [A-Za-z0-9][A-Za-z0-9_.-]*, at most limits::name_bytes: applications and data centers.
[[nodiscard]] bool is_name(std::string_view text);

}  // namespace flocker::manifest
