// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/docker/api.hpp"
#include "adapters/docker/docker_engine.hpp"
#include "adapters/docker/gates.hpp"
#include "adapters/docker/held_processes.hpp"
#include "adapters/docker/messages.hpp"
#include "adapters/docker/network.hpp"
#include "base/result.hpp"
#include "model/action.hpp"
#include "ports/container_engine.hpp"

namespace flocker::docker {

/// What ports::ContainerEngine promises, blocking.
///
/// Threads: any; not two at once on one application, but for questions (model::is_asking).
class Containers {
public:
    explicit Containers(const Options& options);

    [[nodiscard]] Result<ports::EngineSeen> observe();
    [[nodiscard]] Result<std::optional<model::ContainerSeen>> perform(const model::ContainerAction& action);
    [[nodiscard]] Status pull(const std::string& image);
    [[nodiscard]] Api& api() { return api_; }

private:
    using Seen = Result<std::optional<model::ContainerSeen>>;

    [[nodiscard]] Seen create(const model::ContainerSpec& spec);
    [[nodiscard]] Seen start(const model::ApplicationName& application);
    [[nodiscard]] Seen release(const model::ApplicationName& application);
    [[nodiscard]] Seen stop(const model::ApplicationName& application, bool at_once);
    [[nodiscard]] Seen remove(const model::ApplicationName& application);
    [[nodiscard]] Seen await_readiness(const model::Application& application);
    [[nodiscard]] Seen run_hook(const model::ApplicationName& application, const std::vector<std::string>& command);

    /// As inspect_ours(), and what the engine does not know (yet): that it waits at its gate, or has ended.
    [[nodiscard]] Result<Inspected> look(const model::ApplicationName& application);
    [[nodiscard]] Result<Inspected> complete(Inspected container);
    /// The existing container, if it is what `spec` would make. Otherwise it is removed: nullopt.
    [[nodiscard]] Seen keep_or_remove(const model::ContainerSpec& spec);
    /// One whose processes have ended, whether or not the engine has noticed.
    [[nodiscard]] Status delete_container(const model::ApplicationName& application, const std::string& id);
    [[nodiscard]] Result<std::optional<Gate>> gate_for(const model::ContainerSpec& spec);
    [[nodiscard]] Seen await_gate(Inspected container);
    [[nodiscard]] Seen has_begun(const Inspected& container, const FirstProcess& process);

    /// False: it runs still after `limit`.
    [[nodiscard]] Result<bool> ends_within(const FirstProcess& process, Duration limit) const;
    [[nodiscard]] Seen stop_process(const Inspected& container, const FirstProcess& process, int signal);
    /// Where the process can't be seen or the engine has to do it.
    [[nodiscard]] Seen stop_by_engine(Inspected container, bool at_once);
    /// A container that ended in the meantime is a success.
    [[nodiscard]] Status signal(const std::string& id, const std::string& name);

    mutable Api api_;
    Network network_;
    Gates gates_;
    HeldProcesses processes_;
};

}  // namespace flocker::docker
