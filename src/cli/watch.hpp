// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/documents.hpp"

namespace flocker::cli {

enum class Standing : std::uint8_t {
    pending,
    done,
    failed,  ///< Nothing more will come of it by itself, or not soon.
};

/// What has become of one application of a deployment.
struct Outcome {
    api::StepEntry step;
    Standing standing{Standing::pending};
    std::string node;                          ///< With a failure: the one that it is about.
    std::string reason;                        ///< With a failure: one sentence.
    std::optional<api::MoveResultEntry> move;  ///< The move that ended since the deployment.

    friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Follows a deployment from look to look until each of its applications is what was asked for, or
/// has failed. Pure: it is given what is seen.
class Watch {
public:
    /// `before`: the cluster before the plan was committed.
    Watch(const api::PlanDocument& plan, const api::StatusDocument& before);

    void see(const api::StatusDocument& status);
    /// Whether nothing is pending, as of the last look.
    [[nodiscard]] bool over() const;
    [[nodiscard]] bool failed() const;
    /// In the plan's order.
    [[nodiscard]] std::vector<Outcome> outcomes() const;
    [[nodiscard]] bool concerns(const std::string& application) const;

private:
    struct Target {
        Outcome outcome;
        model::MoveId last_move_before;
        /// The container as it was before, and when that run of it began.
        std::optional<api::ContainerEntry> container_before;
        std::set<Instant> runs;                             ///< When runs began that are not the one before.
        std::optional<std::pair<Instant, Instant>> exited;  ///< Which exit, and when it was first seen.
    };

    void see(const api::StatusDocument& status, Target& target) const;
    void see_stop(const api::StatusDocument& status, const api::ApplicationEntry* entry, Target& target) const;
    [[nodiscard]] static std::optional<std::string> exit_failure(const api::StatusDocument& status,
                                                                 const api::ApplicationEntry& entry, Target& target);

    model::Revision revision_;
    std::vector<Target> targets_;
};

/// An agent's problem is taken for a failure after so many attempts.
inline constexpr unsigned attempts_max = 3;
/// A node that is silent for so long is not waited for.
inline constexpr Duration silence_borne = std::chrono::seconds{30};
/// A container that was started so often and is not ready keeps failing.
inline constexpr std::size_t runs_max = 4;
/// Agents start a container that exited again after a minute at most.
inline constexpr Duration restart_waited = std::chrono::seconds{75};

}  // namespace flocker::cli
