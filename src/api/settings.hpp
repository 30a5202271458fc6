// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "api/documents.hpp"
#include "plan/view.hpp"

namespace flocker::api {

inline constexpr std::uint32_t replicas_max = 16;
inline constexpr Duration lag_min = 500ms;
inline constexpr Duration lag_max = 60min;

/// Errors: unavailable (the records have not been read yet: the settings are not known).
[[nodiscard]] Result<model::ClusterSettings> settings_of(const plan::View& view);
[[nodiscard]] model::ClusterSettings changed(model::ClusterSettings settings, const SettingsRequest& wishes);
/// Errors: invalid_argument, with everything that is out of bounds.
[[nodiscard]] Status check(const model::ClusterSettings& settings);

}  // namespace flocker::api
