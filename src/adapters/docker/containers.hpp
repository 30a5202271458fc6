// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "adapters/docker/api.hpp"
#include "base/result.hpp"
#include "model/action.hpp"
#include "ports/container_engine.hpp"

namespace flocker::docker {

/// What ports::ContainerEngine promises, blocking.
///
/// Threads: any; not two at once on one application.
class Containers {
public:
    /// `subnet`: of our network, "10.201.3.0/24". Its first address is the bridge's own.
    Containers(std::string socket_path, std::string subnet);

    [[nodiscard]] Result<ports::EngineSeen> observe();
    [[nodiscard]] Result<std::optional<model::ContainerSeen>> perform(const model::ContainerAction& action);
    [[nodiscard]] Status pull(const std::string& image);
    [[nodiscard]] Api& api() { return api_; }

private:
    using Seen = Result<std::optional<model::ContainerSeen>>;

    [[nodiscard]] Seen create(const model::ContainerSpec& spec);
    [[nodiscard]] Seen start(const model::ApplicationName& application);
    [[nodiscard]] Seen stop(const model::ApplicationName& application);
    [[nodiscard]] Seen remove(const model::ApplicationName& application);

    [[nodiscard]] Seen looks_like(const model::ApplicationName& application);
    /// The existing container, if it is what `spec` would make. Otherwise it is removed: nullopt.
    [[nodiscard]] Seen keep_or_remove(const model::ContainerSpec& spec);
    [[nodiscard]] Status delete_container(const model::ApplicationName& application, const std::string& id);
    /// A container that ended in the meantime is a success.
    [[nodiscard]] Status signal(const std::string& id, const std::string& name);

    /// A call that needs our network; makes it when it is missing.
    [[nodiscard]] Result<http::Response> call_with_network(const Call& call);
    [[nodiscard]] Status ensure_network();
    [[nodiscard]] Status create_network();
    /// Somebody removed it, or says so.
    void forget_network();

    const std::string subnet_;
    Api api_;
    std::mutex network_mutex_;
    bool network_known_{false};
};

}  // namespace flocker::docker
