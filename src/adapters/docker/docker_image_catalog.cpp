// SPDX-License-Identifier: Apache-2.0
#include "adapters/docker/docker_image_catalog.hpp"

#include <utility>

#include "adapters/docker/api.hpp"
#include "adapters/docker/messages.hpp"

namespace flocker::docker {
namespace {

/// Somebody waits for the answer at a terminal.
constexpr Duration registry_limit = 20s;

}  // namespace

DockerImageCatalog::DockerImageCatalog(posix::WorkerThreads& workers, std::string socket_path)
    : workers_(workers), api_(std::make_shared<Api>(std::move(socket_path))) {}

DockerImageCatalog::~DockerImageCatalog() {
    api_->close();
}

void DockerImageCatalog::find(const std::string& image, Done<void> done) {
    workers_.run<void>(
        [api = api_, image]() -> Status {
            const auto answer =
                api->call({.path = "/distribution/" + image_in_path(image) + "/json", .idle_limit = registry_limit});
            if (answer) return {};
            return fail(ErrorCode::unavailable, "image " + image + " can't be found: " + answer.error().message);
        },
        std::move(done));
}

}  // namespace flocker::docker
