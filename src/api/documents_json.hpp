// SPDX-License-Identifier: Apache-2.0
//
// The documents as JSON, by the rules of codec/json.hpp.
#pragma once

#include <string>
#include <string_view>

#include "api/documents.hpp"

namespace flocker::api {

/// One line without a newline. For each type of documents.hpp.
template <class Document>
[[nodiscard]] std::string to_json(const Document& document);

/// Errors: corrupt, with the place.
template <class Document>
[[nodiscard]] Result<Document> from_json(std::string_view text);

}  // namespace flocker::api
