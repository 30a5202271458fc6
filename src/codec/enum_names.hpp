// SPDX-License-Identifier: Apache-2.0
//
// Internal: enums by name. Every enum is uint8_t with the values 0, 1, 2, ...; its to_string() gives
// for any other number a name that an enumerator has. So the names can be listed without a table
// that somebody would forget to extend.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <vector>

#include "model/application.hpp"
#include "model/assignment.hpp"
#include "model/records.hpp"
#include "model/report.hpp"

namespace flocker::codec {

/// As in the manifests.
[[nodiscard]] inline const char* name_of(model::RestartPolicy::Name policy) {
    using Name = model::RestartPolicy::Name;
    switch (policy) {
        case Name::never: return "never";
        case Name::always: return "always";
        case Name::on_failure: return "on-failure";
    }
    return "never";
}

[[nodiscard]] inline const char* name_of(model::ContainerSeen::Status status) {
    using Status = model::ContainerSeen::Status;
    switch (status) {
        case Status::created: return "created";
        case Status::waiting: return "waiting";
        case Status::running: return "running";
        case Status::exited: return "exited";
    }
    return "created";
}

[[nodiscard]] inline const char* name_of(model::Cutover cutover) {
    return to_string(cutover);
}
[[nodiscard]] inline const char* name_of(model::Protocol protocol) {
    return to_string(protocol);
}
[[nodiscard]] inline const char* name_of(model::Spread spread) {
    return to_string(spread);
}
[[nodiscard]] inline const char* name_of(model::Failover failover) {
    return to_string(failover);
}
[[nodiscard]] inline const char* name_of(model::MoveStep step) {
    return to_string(step);
}
[[nodiscard]] inline const char* name_of(ErrorCode code) {
    return to_string(code);
}
[[nodiscard]] inline const char* name_of(model::MovePhase phase) {
    return to_string(phase);
}
[[nodiscard]] inline const char* name_of(model::EventKind kind) {
    return to_string(kind);
}
[[nodiscard]] inline const char* name_of(model::Duty duty) {
    return to_string(duty);
}
[[nodiscard]] inline const char* name_of(model::Intent intent) {
    return to_string(intent);
}

/// In the order of their values.
template <class E>
requires std::is_same_v<std::underlying_type_t<E>, std::uint8_t>
[[nodiscard]] std::vector<std::string_view> all_names() {
    std::vector<std::string_view> names;
    for (unsigned number = 0; number <= 255; ++number) {
        const std::string_view name = name_of(static_cast<E>(number));
        if (std::find(names.begin(), names.end(), name) != names.end()) break;
        names.push_back(name);
    }
    return names;
}

template <class E>
[[nodiscard]] std::optional<E> parse_name(std::string_view text) {
    const auto names = all_names<E>();
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) return std::nullopt;
    return static_cast<E>(found - names.begin());
}

}  // namespace flocker::codec
