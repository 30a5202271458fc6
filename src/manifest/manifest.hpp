// SPDX-License-Identifier: Apache-2.0
//
// The two manifests of a deployment, in Flocker's native format. Pure: text in, values out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "manifest/diagnostic.hpp"
#include "model/deployment.hpp"

namespace flocker::manifest {

/// Where an application stands in the application manifest.
struct ApplicationPositions {
    Location name;
    Location image;
    std::optional<Location> volume;
    std::map<model::ExternalPort, Location> external_ports;

    friend bool operator==(const ApplicationPositions&, const ApplicationPositions&) = default;
};

/// Where things stand in the files, for checks that need more than the text: an unknown node, an
/// image that can't be had, an external port that another application has.
struct Positions {
    std::map<model::ApplicationName, ApplicationPositions> applications;  ///< All of them.
    std::map<model::Place, Location> places;                              ///< Keys of `nodes`.
    std::map<model::ApplicationName, Location> placements;  ///< Where a place lists it; not all are listed.
    std::map<std::pair<model::ApplicationName, model::NodeReference>, Location> replicas{};  ///< Nodes in `replicas`.

    friend bool operator==(const Positions&, const Positions&) = default;
};

struct Manifests {
    model::Deployment deployment;
    Positions positions;

    friend bool operator==(const Manifests&, const Manifests&) = default;
};

/// What both files say, or every problem of both, by file, line and column, never none.
///
/// Applications are in the order of their file, an application's ports and links in the order of
/// their numbers, so that turning them round in the file changes nothing. An application that no
/// place lists is in `applications` only.
/// Limits: limits.hpp. No message has a value of an environment variable or a word of a command.
[[nodiscard]] std::variant<Manifests, std::vector<Diagnostic>> parse(const SourceText& deployment,
                                                                     const SourceText& application);

}  // namespace flocker::manifest
