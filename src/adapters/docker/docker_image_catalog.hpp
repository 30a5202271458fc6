// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "adapters/posix/worker_threads.hpp"
#include "ports/state_store.hpp"

namespace flocker::docker {

class Api;

/// Asks the images' registries through the engine of this machine.
///
/// Threads: find() on the loop thread; it does not block.
class DockerImageCatalog final : public ports::ImageCatalog {
public:
    /// `workers` outlives this.
    DockerImageCatalog(posix::WorkerThreads& workers, std::string socket_path);
    ~DockerImageCatalog() override;
    DockerImageCatalog(const DockerImageCatalog&) = delete;
    DockerImageCatalog& operator=(const DockerImageCatalog&) = delete;

    void find(const std::string& image, Done<void> done) override;

private:
    posix::WorkerThreads& workers_;
    std::shared_ptr<Api> api_;  ///< Shared with the questions under way.
};

}  // namespace flocker::docker
