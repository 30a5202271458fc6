// SPDX-License-Identifier: Apache-2.0
#include "manifest/manifest.hpp"

#include <algorithm>

#include "manifest/application_file.hpp"
#include "manifest/deployment_file.hpp"
#include "manifest/value.hpp"

namespace flocker::manifest {

std::variant<Manifests, std::vector<Diagnostic>> parse(const SourceText& deployment, const SourceText& application) {
    Problems application_problems(application.file);
    ApplicationFile applications;
    if (const auto root = load_yaml(application, application_problems)) {
        applications = read_application_file(*root, application_problems);
    }
    Problems deployment_problems(deployment.file);
    DeploymentFile places;
    if (const auto root = load_yaml(deployment, deployment_problems)) {
        places = read_deployment_file(*root, applications, deployment_problems);
    }

    auto problems = application_problems.found();
    problems.insert(problems.end(), deployment_problems.found().begin(), deployment_problems.found().end());
    if (!problems.empty()) {
        std::sort(problems.begin(), problems.end());
        return problems;
    }
    return Manifests{
        {std::move(applications.applications), std::move(places.places), std::move(places.replicas)},
        {std::move(applications.positions), std::move(places.place_positions), std::move(places.placements),
         std::move(places.replica_positions)}};
}

}  // namespace flocker::manifest
