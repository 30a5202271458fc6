// SPDX-License-Identifier: Apache-2.0
#include "api/settings.hpp"

#include <fmt/format.h>

#include <vector>

namespace flocker::api {
namespace {

constexpr Duration replace_after_min = 30s;
constexpr Duration replace_after_max = 7 * 24 * 60min;
constexpr std::uint32_t full_copies_limit = 64;

template <class Value>
bool is_within(const Value& value, const Value& least, const Value& most) {
    return value >= least && value <= most;
}

}  // namespace

Result<model::ClusterSettings> settings_of(const plan::View& view) {
    if (view.records.revision.value == 0)
        return fail(ErrorCode::unavailable, "the records are being read; ask again in a moment");
    return view.records.settings;
}

model::ClusterSettings changed(model::ClusterSettings settings, const SettingsRequest& wishes) {
    settings.replicas = wishes.replicas.value_or(settings.replicas);
    settings.lag = wishes.lag.value_or(settings.lag);
    settings.failover = wishes.failover.value_or(settings.failover);
    settings.replace_after = wishes.replace_after.value_or(settings.replace_after);
    settings.full_copies_max = wishes.full_copies_max.value_or(settings.full_copies_max);
    settings.bandwidth = wishes.bandwidth.value_or(settings.bandwidth);
    return settings;
}

Status check(const model::ClusterSettings& settings) {
    std::vector<std::string> wrong;
    if (settings.replicas > replicas_max)
        wrong.push_back(fmt::format("replicas is a number from 0 to {}", replicas_max));
    if (!is_within(settings.lag, lag_min, lag_max)) wrong.emplace_back("lag is from 500ms to 1h");
    if (!is_within(settings.replace_after, replace_after_min, replace_after_max))
        wrong.emplace_back("replace-after is from 30s to 7d");
    if (!is_within(settings.full_copies_max, 1U, full_copies_limit))
        wrong.push_back(fmt::format("full-copies-max is a number from 1 to {}", full_copies_limit));
    if (std::string problem = problem_of(settings.bandwidth); !problem.empty()) wrong.push_back(std::move(problem));
    if (wrong.empty()) return {};
    return fail(ErrorCode::invalid_argument, fmt::format("{}; nothing was changed", fmt::join(wrong, "; ")));
}

}  // namespace flocker::api
