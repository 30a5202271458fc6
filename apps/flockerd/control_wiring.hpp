// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "adapters/docker/docker_image_catalog.hpp"
#include "adapters/http/agent_sessions.hpp"
#include "adapters/http/server.hpp"
#include "adapters/posix/worker_threads.hpp"
#include "adapters/sqlite/state_store.hpp"
#include "adapters/sqlite/token_store.hpp"
#include "adapters/tls/tls_stream.hpp"
#include "api/api.hpp"
#include "driver/control_driver.hpp"
#include "manifest/daemon_config.hpp"
#include "setup/enrollment.hpp"
#include "setup/renewal.hpp"
#include "standby/copied_store.hpp"
#include "standby/follower.hpp"

namespace flocker {

/// The control service with its real ports, its REST API and its end of the agents' link.
class ControlWiring {
public:
    /// What has to be there before anything is begun.
    struct Parts {
        tls::TlsContext identity;
        std::unique_ptr<sqlite::SqliteStateStore> store;
        std::unique_ptr<sqlite::SqliteTokenStore> tokens;
        std::unique_ptr<posix::Listener> api_listener;
        std::unique_ptr<posix::Listener> agent_listener;
        tls::Authority authority;
        model::Node self;  ///< A member of its own cluster, from the first start on.
    };

    [[nodiscard]] static Result<std::unique_ptr<ControlWiring>> open(const standby::Watching& watching,
                                                                     const std::string& folder,
                                                                     ports::Loop& loop);
    ControlWiring(const standby::Watching& watching, Parts parts, const std::string& folder, ports::Loop& loop);

    void start();
    void stop();

private:
    [[nodiscard]] http::Answer answer(const http::Request& request);
    [[nodiscard]] http::Answer answer_agent(const http::Request& request);
    [[nodiscard]] Status logs(const model::Node& node, const model::ApplicationName& application, std::uint32_t tail_lines,
                              bool follow, const ports::Sink& sink) const;
    [[nodiscard]] Result<std::unique_ptr<ports::HeldTree>> tree(const model::Node& node, const model::DatasetId& dataset,
                                                                const model::SnapshotId& snapshot) const;

    Parts parts_;
    model::ControlPlace place_;
    posix::WorkerThreads workers_;
    docker::DockerImageCatalog images_;
    standby::CopiedStore copies_;
    http::HttpAgentSessions sessions_;
    driver::ControlDriver driver_;
    setup::ClusterEnrollment enrollment_;
    api::Api api_;
    http::HttpServer api_server_;
    http::HttpServer agent_server_;
    standby::RivalWatch rivals_;
    setup::Renewal own_renewal_;
    std::optional<setup::Renewal> user_renewal_;  ///< Of the user whose certificate lies on this node.
};

}  // namespace flocker
