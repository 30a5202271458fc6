// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace flocker::manifest {

/// A Docker image reference in the form that the model holds:
///
///   reference = name [":" tag] ["@" digest]        "latest" is added if it has neither
///   name      = [host [":" port] "/"] part {"/" part}
///   part      = [a-z0-9]+ joined by ".", "_", "__" or dashes
///   tag       = [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}
///   digest    = "sha256:" 64 hexadecimal digits, or another algorithm with 32 or more
///
/// What comes before the first '/' is a host if it has a '.' or a ':' in it, or is localhost. So
/// "registry:5000/img" is the image img, without a tag, at port 5000 of a registry.
///
/// Errors: invalid_argument; the message says what would be right.
[[nodiscard]] Result<std::string> parse_image_reference(std::string_view text);

}  // namespace flocker::manifest
