// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "model/application.hpp"

namespace flocker::model {

/// A node as a person names it: by name, hostname or address.
using NodeReference = Strong<struct NodeReferenceTag, std::string>;
using DatacenterName = Strong<struct DatacenterNameTag, std::string>;
using Place = std::variant<NodeReference, DatacenterName>;

/// "alder" or "datacenter:fra", as in the deployment manifest.
[[nodiscard]] std::string to_text(const Place& place);

/// What the two manifests say together: what a user asks of the cluster.
struct Deployment {
    std::vector<Application> applications;  ///< All of the application manifest.
    /// All of the deployment manifest; a place with an empty list is to be emptied.
    std::map<Place, std::vector<ApplicationName>> places;
    /// The nodes that keep the replicas of an application's volume; of one that is not here the planner chooses.
    std::map<ApplicationName, std::vector<NodeReference>> replicas{};

    friend bool operator==(const Deployment&, const Deployment&) = default;
};

}  // namespace flocker::model
