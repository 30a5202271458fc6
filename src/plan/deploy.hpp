// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "model/deployment.hpp"
#include "plan/prediction.hpp"
#include "plan/view.hpp"

namespace flocker::plan {

/// Why a deployment is refused; what it is about lets the reader's tool find file and line.
struct Refusal {
    enum class About : std::uint8_t { application, image, port, place, deployment, replica, volume };
    About about{About::deployment};
    std::string name;        ///< The application, or the place as written; empty for the deployment.
    model::ExternalPort port;  ///< With `port`.
    std::string message;     ///< What is wrong, and what would be right.
    std::string node{};      ///< With `replica`: the node, as written.

    friend bool operator==(const Refusal&, const Refusal&) = default;
};

/// What a deployment will do to one application.
struct Step {
    enum class Kind : std::uint8_t { start, stop, restart, move, keep };
    Kind kind{Kind::keep};
    model::ApplicationName application;
    model::NodeId node;   ///< Where it will run, or ran.
    model::NodeId from;   ///< With `move`: where it is now.
    Bytes to_copy;        ///< With `move`: an estimate of the first copy or increment.
    std::string reason;   ///< "the image changed", "exited with code 1"; may be empty.
    std::optional<Prediction> predicted{};  ///< With `move`.

    friend bool operator==(const Step&, const Step&) = default;
};
[[nodiscard]] const char* to_string(Step::Kind kind);

struct DeployPlan {
    std::vector<Step> steps;              ///< By application name.
    std::vector<model::Change> changes;   ///< To be committed together; empty: nothing to do.
    /// Applications on nodes that the deployment does not name; they are left alone.
    std::vector<model::ApplicationName> left_alone;
    /// Images that no node has; the registry must know them before this may be committed.
    std::vector<std::string> images_to_find;
};

/// All reasons at once, or the plan. Nothing is changed by asking.
[[nodiscard]] std::variant<DeployPlan, std::vector<Refusal>> plan_deployment(const View& view,
                                                                             const model::Deployment& deployment);

/// `flocker move`: the same for one application that is already configured. `downtime_max`: see
/// model::Move; refused when the parts that no calm moment makes shorter take longer.
[[nodiscard]] std::variant<DeployPlan, std::vector<Refusal>> plan_move(const View& view,
                                                                       const model::ApplicationName& application,
                                                                       const model::NodeReference& to,
                                                                       std::optional<Duration> downtime_max = std::nullopt);

/// The member that a person means by name, hostname or address; nullptr: none.
[[nodiscard]] const model::Node* find_node(const model::Records& records, const model::NodeReference& reference);

/// `flocker move --cancel`: it stays where it is, also if the move has been given up and was waited with. Refused
/// once the move is committed, and when there is none.
[[nodiscard]] std::variant<DeployPlan, std::vector<Refusal>> plan_cancel(const View& view,
                                                                         const model::ApplicationName& application);

}  // namespace flocker::plan
