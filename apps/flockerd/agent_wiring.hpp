// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "adapters/btrfs/dataset_store.hpp"
#include "adapters/btrfs/snapshot_digests.hpp"
#include "adapters/btrfs/snapshot_streams.hpp"
#include "adapters/docker/docker_engine.hpp"
#include "adapters/docker/docker_streams.hpp"
#include "adapters/http/control_link.hpp"
#include "adapters/nftables/nft_router.hpp"
#include "adapters/peer/peer_link.hpp"
#include "adapters/peer/peer_server.hpp"
#include "adapters/posix/assignment_file.hpp"
#include "adapters/posix/worker_threads.hpp"
#include "adapters/tls/tls_stream.hpp"
#include "driver/agent_driver.hpp"
#include "manifest/daemon_config.hpp"

namespace flocker {

/// The agent with its real ports.
class AgentWiring {
public:
    [[nodiscard]] static Result<std::unique_ptr<AgentWiring>> open(const manifest::DaemonConfig& config,
                                                                   const tls::TlsContext& identity,
                                                                   ports::Loop& loop);
    AgentWiring(const manifest::DaemonConfig& config, const tls::TlsContext& identity, ports::Loop& loop,
                std::unique_ptr<nftables::NftRouter> router, std::unique_ptr<posix::Listener> listener);

    void start() { driver_.start(); }
    void stop();

private:
    std::unique_ptr<nftables::NftRouter> router_;
    std::unique_ptr<posix::Listener> listener_;
    posix::WorkerThreads workers_;
    btrfs::BtrfsDatasetStore datasets_;
    btrfs::BtrfsSnapshotStreams snapshots_;
    btrfs::BtrfsSnapshotDigests digests_;
    docker::DockerEngine engine_;
    docker::DockerStreams streams_;
    posix::FileAssignmentCache cache_;
    peer::PeerLink link_;
    http::HttpControlLink control_;
    driver::AgentDriver driver_;
    peer::PeerServer server_;
};

}  // namespace flocker
