// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "manifest/application_file.hpp"
#include "manifest/value.hpp"
#include "model/deployment.hpp"

namespace flocker::manifest {

/// The deployment manifest as far as it could be read: complete if no problem was added.
struct DeploymentFile {
    std::map<model::Place, std::vector<model::ApplicationName>> places;
    std::map<model::Place, Location> place_positions;
    std::map<model::ApplicationName, Location> placements;
    std::map<model::ApplicationName, std::vector<model::NodeReference>> replicas;
    std::map<std::pair<model::ApplicationName, model::NodeReference>, Location> replica_positions;
};

/// Checks names against `applications`, if those are known.
[[nodiscard]] DeploymentFile read_deployment_file(const Value& root, const ApplicationFile& applications,
                                                  Problems& problems);

}  // namespace flocker::manifest
